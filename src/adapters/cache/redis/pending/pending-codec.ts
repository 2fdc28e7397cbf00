import type { PendingAmount, PendingAmounts } from "../../../../domain/outbox/pending-amounts.js";
import type { Subject } from "../../../../domain/subject.js";

/** Whose pending amounts a key holds. */
export interface PendingKey {
  readonly outboxId: string;
  readonly subject: Subject;
}

/** A list as JSON is never the same as another list, and in base64url it has none of the marks that join keys. */
export function encodeSubject({ customerId, resourceId }: Subject): string {
  const ids = JSON.stringify(resourceId === undefined ? [customerId] : [customerId, resourceId]);
  return Buffer.from(ids).toString("base64url");
}

export function encodePendingKey(prefix: string, { outboxId, subject }: PendingKey): string {
  return `${prefix}${outboxId}:${encodeSubject(subject)}`;
}

/** Undefined where it is not a key of this project, or of a version that writes others. */
export function decodePendingKey(prefix: string, key: string): PendingKey | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [outboxId = "", encoded = "", ...rest] = key.slice(prefix.length).split(":");
  const ids = parsed(Buffer.from(encoded, "base64url").toString());
  if (outboxId === "" || rest.length > 0 || !Array.isArray(ids)) return undefined;
  const [customerId, resourceId] = ids as unknown[];
  if (typeof customerId !== "string" || (resourceId !== undefined && typeof resourceId !== "string")) return undefined;
  return { outboxId, subject: { customerId, resourceId } };
}

export function encodePending(amounts: PendingAmounts): string {
  const features = Array.from(amounts, ([featureId, steps]) => [
    featureId,
    // No periods are Infinity, which JSON does not have.
    steps.map(({ behavior, value, group }) => [behavior, value, group === Infinity ? null : group]),
  ]);
  return JSON.stringify({ version: 1, features });
}

/** Undefined where it cannot be read: then nothing of it is counted. */
export function decodePending(text: string): PendingAmounts | undefined {
  const content = parsed(text) as { readonly version?: unknown; readonly features?: unknown } | undefined;
  if (content?.version !== 1 || !Array.isArray(content.features)) return undefined;
  const amounts = new Map<string, readonly PendingAmount[]>();
  for (const feature of content.features as unknown[]) {
    if (!Array.isArray(feature)) return undefined;
    const [featureId, steps] = feature as unknown[];
    if (typeof featureId !== "string" || !Array.isArray(steps)) return undefined;
    const decoded = (steps as unknown[]).map(amountOf);
    if (decoded.some((step) => step === undefined)) return undefined;
    amounts.set(featureId, decoded as readonly PendingAmount[]);
  }
  return amounts;
}

function amountOf(step: unknown): PendingAmount | undefined {
  if (!Array.isArray(step)) return undefined;
  const [behavior, value, group] = step as unknown[];
  if ((behavior !== "SET" && behavior !== "DELTA") || !Number.isFinite(value)) return undefined;
  if (group !== null && !Number.isFinite(group)) return undefined;
  return { behavior, value: value as number, group: group === null ? Infinity : (group as number) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
