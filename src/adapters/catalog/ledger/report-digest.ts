import { hash } from "node:crypto";
import type { Dimensions, UsageEvent, UsageReport } from "../../../domain/usage/usage-report.js";

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
  return dimensions.size === 0 ? NO_CONTENT : digest(partsOf(dimensions)).slice(0, 11);
}

/** An id in the form of a UUID. A report that is repeated gets the same one again; a generated key never comes again, and is one. */
export function measurementIdOf({ idempotencyKey, keyOrigin }: UsageReport, reportDigest: string): string {
  if (keyOrigin === "generated") return idempotencyKey;
  const hex = Buffer.from(reportDigest, "base64url").toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function partsOf(dimensions: Dimensions): readonly (string | number | boolean)[] {
  return [...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

const SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The first 128 bits of a SHA-256, too many to collide, as base64url. A list as JSON is never the same as another list. Cut as text:
 * by way of bytes it takes several times as long.
 */
function digest(parts: readonly (string | number | boolean | null)[]): string {
  const text = hash("sha256", JSON.stringify(parts), "base64url");
  // 21 characters hold 126 bits, and two of the next one's six are the last.
  return text.slice(0, 21) + (SEXTETS[SEXTETS.indexOf(text[21] ?? "") & 0b110000] ?? "");
}

const NO_CONTENT = digest([]).slice(0, 11);
