import { createHash } from "node:crypto";
import type { UsageEvent, UsageReport } from "../../domain/usage-report.js";

/** What one idempotency key stands for: the same key of another subject, feature or event is another one. */
export function reportDigest({ subject, featureId, idempotencyKey }: UsageReport): string {
  return digest(["usage", subject.customerId, subject.resourceId ?? null, featureId, idempotencyKey]);
}

export function eventDigest({ subject, eventName, idempotencyKey }: UsageEvent): string {
  return digest(["event", subject.customerId, subject.resourceId ?? null, eventName, idempotencyKey]);
}

/** An id in the form of a UUID; a report that is repeated gets the same one again. */
export function measurementIdOf(reportDigest: string): string {
  const hex = Buffer.from(reportDigest, "base64url").toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** A list as JSON is never the same as another list; 128 bits are too many to collide. */
function digest(parts: readonly (string | null)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16).toString("base64url");
}
