import { createHash } from "node:crypto";
import type { Dimensions, UsageEvent, UsageReport } from "../../../domain/usage-report.js";

/**
 * What one idempotency key stands for: the same key of another subject, feature or event name is another one, as
 * upstream's rule for events has it.
 */
export function reportDigest({ subject, featureId, idempotencyKey }: UsageReport): string {
  return digest(["usage", subject.customerId, subject.resourceId ?? null, featureId, idempotencyKey]);
}

export function eventDigest({ subject, eventName, idempotencyKey }: UsageEvent): string {
  return digest(["event", subject.customerId, subject.resourceId ?? null, eventName, idempotencyKey]);
}

/**
 * What else a report says. A report that is sent again says the same, apart from its timestamp: whoever leaves that out
 * is given another one each time.
 */
export function reportContent({ value, updateBehavior, dimensions }: UsageReport): string {
  return digest([value, updateBehavior, ...partsOf(dimensions)]).slice(0, 11);
}

export function eventContent({ dimensions }: UsageEvent): string {
  return digest(partsOf(dimensions)).slice(0, 11);
}

/** An id in the form of a UUID; a report that is repeated gets the same one again. */
export function measurementIdOf(reportDigest: string): string {
  const hex = Buffer.from(reportDigest, "base64url").toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function partsOf(dimensions: Dimensions): readonly (string | number | boolean)[] {
  return [...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

/** A list as JSON is never the same as another list; 128 bits are too many to collide. */
function digest(parts: readonly (string | number | boolean | null)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16).toString("base64url");
}
