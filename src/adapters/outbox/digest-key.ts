import { hash } from "node:crypto";
import type { KeyDigest } from "../../domain/outbox/outbox-record.js";
import type { Dimensions, UsageEvent, UsageReport } from "../../domain/usage/usage-report.js";

/**
 * What one key stands for: the same key of another subject or feature is another one, as upstream's rule for events has
 * it. A report that is sent again says the same, apart from its timestamp: whoever leaves that out gets another one.
 */
export function digestOfUsage(report: UsageReport): KeyDigest | undefined {
  if (report.keyOrigin === "generated") return undefined;
  const { subject, featureId, idempotencyKey, value, updateBehavior, dimensions } = report;
  return digest(
    ["usage", subject.customerId, subject.resourceId ?? null, featureId, idempotencyKey],
    [value, updateBehavior, ...partsOf(dimensions)],
  );
}

/** Undefined for an event with a timestamp of its own: upstream knows it again by that. */
export function digestOfEvent({
  subject,
  eventName,
  idempotencyKey,
  dimensions,
  timestamp,
}: UsageEvent): KeyDigest | undefined {
  if (timestamp !== undefined) return undefined;
  return digest(
    ["event", subject.customerId, subject.resourceId ?? null, eventName, idempotencyKey],
    partsOf(dimensions),
  );
}

type Part = string | number | boolean | null;

function partsOf(dimensions: Dimensions): Part[] {
  return [...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

/** A list as JSON is never the same as another list; 128 bits are too many to collide. */
function digest(key: readonly Part[], content: readonly Part[]): KeyDigest {
  const ofKey = Buffer.from(hash("sha256", JSON.stringify(key)), "hex");
  const ofContent = hash("sha256", JSON.stringify(content));
  return [
    ofKey.readUInt32LE(0),
    ofKey.readUInt32LE(4),
    ofKey.readUInt32LE(8),
    ofKey.readUInt32LE(12),
    Buffer.from(ofContent.slice(0, 8), "hex").readUInt32LE(0),
  ];
}
