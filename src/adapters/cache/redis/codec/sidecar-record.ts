import type { EntitlementReference } from "../../../../domain/entitlement.js";
import { sameSubject, type Subject } from "../../../../domain/subject.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import { Fields } from "../../../../wire/fields.js";

/**
 * What this project notes beside a value, for itself: whose the value is, since two subjects can share a key, and
 * of when, since a value and its timestamp key cannot be read and written as one in a Cluster.
 *
 * It is the first member of a usage, of a metadata value, and of the first entitlement of a state: there the
 * published clients pick the members that they know, while anything beside the entitlements of a state would be
 * taken for one. A state without entitlements has no room for it; its metadata tells.
 */
export interface SidecarRecord {
  readonly subject: Subject;
  /** Epoch milliseconds; undefined: the data has no timestamp of its own. */
  readonly updatedAt: number | undefined;
  /** How far the state is to be trusted; only usages do without. */
  readonly trust?: StateTrust | undefined;
  /** Of a state: see CustomerState. True unless said otherwise. */
  readonly includesWallets?: boolean | undefined;
  /** Of a state: see CustomerState. None unless said otherwise. */
  readonly unknown?: readonly EntitlementReference[] | undefined;
}

export interface StateTrust {
  /** Up to when the state is known to have been true, epoch milliseconds. */
  readonly verifiedAt: number;
  /** From when on it has to be asked for again, epoch milliseconds or Infinity. */
  readonly recheckAt: number;
  readonly isVerified: boolean;
  /** The time of the customer's own entitlements that a resource's state is known to reckon with, epoch milliseconds. */
  readonly globalUpdatedAt?: number | undefined;
}

/** Its name among the other members. */
export const SIDECAR_MEMBER = "sidecar";

/** The timestamp comes first, so that a script can find it without parsing the whole: `"sidecar":{"updatedAt":123,` or null. */
export function encodeRecord({ subject, updatedAt, trust, includesWallets, unknown = [] }: SidecarRecord): object {
  return {
    updatedAt: updatedAt ?? null,
    customerId: subject.customerId,
    resourceId: subject.resourceId,
    ...(trust === undefined ? undefined : encodeTrust(trust)),
    tellsWallets: includesWallets === false ? false : undefined,
    unknownFeatures: idsOf(unknown, "feature"),
    unknownCredits: idsOf(unknown, "credit"),
  };
}

function idsOf(
  entitlements: readonly EntitlementReference[],
  of: EntitlementReference["type"],
): readonly string[] | undefined {
  if (entitlements.length === 0) return undefined;
  const ids = entitlements.filter(({ type }) => type === of).map(({ id }) => id);
  return ids.length === 0 ? undefined : ids;
}

function encodeTrust({ verifiedAt, recheckAt, isVerified, globalUpdatedAt }: StateTrust): object {
  return {
    verifiedAt,
    recheckAt: recheckAt === Infinity ? undefined : recheckAt,
    isVerified: isVerified ? undefined : false,
    globalUpdatedAt,
  };
}

/**
 * @returns undefined where the value is another client's
 * @throws FieldFault where the record is not what it has to be
 */
export function decodeRecord(value: Fields): SidecarRecord | undefined {
  const fields = value.optionalObject(SIDECAR_MEMBER);
  if (fields === undefined) return undefined;
  const verifiedAt = fields.optionalNumber("verifiedAt");
  return {
    // Ids may be empty: what is compared here is never taken for an id of somebody.
    subject: { customerId: fields.optionalText("customerId") ?? "", resourceId: fields.optionalText("resourceId") },
    updatedAt: fields.optionalNumber("updatedAt"),
    trust: verifiedAt === undefined ? undefined : decodeTrust(fields, verifiedAt),
    includesWallets: fields.optionalFlag("tellsWallets"),
    unknown: [
      ...(fields.optionalTexts("unknownFeatures") ?? []).map((id) => ({ type: "feature" as const, id })),
      ...(fields.optionalTexts("unknownCredits") ?? []).map((id) => ({ type: "credit" as const, id })),
    ],
  };
}

function decodeTrust(fields: Fields, verifiedAt: number): StateTrust {
  return {
    verifiedAt,
    recheckAt: fields.optionalNumber("recheckAt") ?? Infinity,
    isVerified: fields.optionalFlag("isVerified") ?? true,
    globalUpdatedAt: fields.optionalNumber("globalUpdatedAt"),
  };
}

/** Another client's value says nothing of whose it is: its key has to do. */
export function isOfAnother(record: SidecarRecord | undefined, subject: Subject): boolean {
  return record !== undefined && !sameSubject(record.subject, subject);
}

/**
 * @param what how faults name the value
 * @throws FieldFault where the text is no JSON object
 */
export function readJsonObject(text: string, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FieldFault(what, "JSON", text);
  }
  return Fields.of(value, what);
}
