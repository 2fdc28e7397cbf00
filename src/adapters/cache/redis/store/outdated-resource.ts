import type { StateTrust } from "../codec/sidecar-record.js";
import { readTimestamp } from "../codec/stored-value.js";
import type { StateReading } from "./state-read.js";

/**
 * Whether a resource's state is older than its customer's own: what a customer may do itself has a part in what its
 * resources may do.
 *
 * @param timestamp of the resource's state, epoch milliseconds
 */
export function isOutdated(
  { subject, globalTimestamp }: StateReading,
  timestamp: number,
  trust: StateTrust | undefined,
): boolean {
  if (subject.resourceId === undefined) return false;
  const customerTimestamp = readTimestamp(globalTimestamp);
  if (customerTimestamp === undefined) return true;
  return timestamp < customerTimestamp && (trust?.globalUpdatedAt ?? 0) < customerTimestamp;
}
