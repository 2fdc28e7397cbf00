import type { Usage } from "../../../../domain/usage/usage.js";
import { decodeRecord, type SidecarRecord } from "./sidecar-record.js";
import { readJsonObject, timestampOf } from "./stored-value.js";

export interface StoredUsage {
  readonly usage: Usage;
  /** Undefined: another client wrote it. */
  readonly record: SidecarRecord | undefined;
}

/**
 * @param updatedAt what its #timestamp key holds, epoch milliseconds
 * @throws FieldFault where the value is not what a usage has to be, for example another subject's state
 */
export function decodeUsage(value: string, updatedAt: number): StoredUsage {
  const fields = readJsonObject(value, "usage");
  const record = decodeRecord(fields);
  return {
    record,
    usage: {
      currentUsage: fields.number("currentUsage"),
      periodStart: fields.optionalTimestamp("usagePeriodStart"),
      // Older clients' name for it.
      periodEnd: fields.optionalTimestamp("usagePeriodEnd") ?? fields.optionalTimestamp("nextResetDate"),
      // A record was written as one with its value, which in a Cluster the #timestamp key was not.
      updatedAt: record === undefined ? timestampOf(updatedAt) : record.updatedAt,
    },
  };
}
