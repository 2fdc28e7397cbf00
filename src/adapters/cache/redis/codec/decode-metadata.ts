import type { AccessDeniedReason } from "../../../../domain/decision/access-denied-reason.js";
import { decodeReason } from "../../../../wire/decode-entitlement.js";
import type { StampedValue } from "../store/state-read.js";
import { decodeRecord, type SidecarRecord } from "./sidecar-record.js";
import { readJsonObject, readTimestamp } from "./stored-value.js";

/** Why a state does not have what it does not have. */
export interface StoredMetadata {
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** Undefined: another client wrote it. */
  readonly record: SidecarRecord | undefined;
}

/**
 * The metadata of a state, where they are of this state: the older clients write states without, and leave there
 * what was said of a state before.
 *
 * @param stateTimestamp epoch milliseconds, 0 for a state without entitlements
 * @throws FieldFault where the value is not what metadata have to be
 */
export function decodeMetadata({ value, timestamp }: StampedValue, stateTimestamp: number): StoredMetadata | undefined {
  const metadataTimestamp = readTimestamp(timestamp);
  if (value === null || metadataTimestamp === undefined || !belongsTo(stateTimestamp, metadataTimestamp))
    return undefined;
  const fields = readJsonObject(value, "metadata");
  return { accessDeniedReason: decodeReason(fields), record: decodeRecord(fields) };
}

/** Newer metadata were written with a state that lost against this one; an empty state loses against none. */
export function belongsTo(stateTimestamp: number, metadataTimestamp: number): boolean {
  return stateTimestamp === 0 ? metadataTimestamp === 0 : metadataTimestamp >= stateTimestamp;
}
