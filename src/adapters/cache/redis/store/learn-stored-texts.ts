import type { CreditEntitlementInput, FeatureEntitlementInput } from "../../../../domain/build-customer-state.js";
import type { AccessDeniedReason } from "../../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import { decodeReason } from "../../../../wire/decode-entitlement.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import type { Decoded } from "../../../../wire/templates/learn-template.js";
import { decodeStoredEntitlement, usageReferenceOf } from "../codec/decode-entitlement.js";
import { decodeRecord, readJsonObject, type SidecarRecord } from "../codec/sidecar-record.js";

/** Of a record, what does not differ from one subject to the next. */
export interface RecordForm {
  readonly isTrusting: boolean;
  readonly isVerified: boolean;
  readonly includesWallets: boolean;
}

/** Of one member of a stored state, what does not differ from one subject to the next. */
export type MemberForm =
  | {
      readonly type: "feature";
      /** The member's. */
      readonly name: string;
      readonly input: FeatureEntitlementInput;
      readonly usage: EntitlementReference | undefined;
      readonly record: RecordForm | undefined;
    }
  | {
      readonly type: "credit";
      readonly name: string;
      readonly input: CreditEntitlementInput;
      readonly usage: EntitlementReference | undefined;
      readonly record: RecordForm | undefined;
    }
  /** What closes the object. */
  | { readonly type: "end" };

export interface MetadataForm {
  readonly accessDeniedReason: AccessDeniedReason | undefined;
}

export interface UsageForm {
  readonly hasRecord: boolean;
}

/** The last part of every state. */
export function decodeEnd(): Decoded<MemberForm> {
  return { owner: undefined, fields: {}, rest: { type: "end" } };
}

/** @param text a member with what opens, or divides, before it */
export function decodeMember(text: string): Decoded<MemberForm> | undefined {
  return unlessFaulty(() => {
    const fields = readJsonObject(`{${text.slice(1)}}`, "state");
    const [name = ""] = fields.names();
    const member = fields.object(name);
    const record = decodeRecord(member);
    const entitlement = decodeStoredEntitlement(member, refuse);
    if (entitlement === undefined || (record?.unknown?.length ?? 0) > 0) return undefined;
    const { usage } = entitlement.input;
    const numbers = {
      limit: entitlement.input.usageLimit ?? undefined,
      end: entitlement.input.validUntil,
      used: usage?.currentUsage,
      anchor: usage?.periodAnchor,
      start: usage?.periodStart,
      periodEnd: usage?.periodEnd,
      ...numbersOf(record),
    };
    // A set with a record is its subject's whatever its entitlements say.
    const owner = record?.subject ?? { resourceId: entitlement.resourceId };
    const common = { name, usage: usageReferenceOf(entitlement), record: record && formOf(record) };
    const own = { validUntil: undefined, usage: undefined };
    if (entitlement.type === "feature")
      return {
        owner,
        fields: numbers,
        rest: { type: "feature", input: { ...entitlement.input, usageLimit: undefined, ...own }, ...common },
      };
    return {
      owner,
      fields: numbers,
      rest: { type: "credit", input: { ...entitlement.input, usageLimit: 0, ...own }, ...common },
    };
  });
}

export function decodeMetadataText(text: string): Decoded<MetadataForm> | undefined {
  return unlessFaulty(() => {
    const fields = readJsonObject(text, "metadata");
    return { owner: decodeRecord(fields)?.subject, fields: {}, rest: { accessDeniedReason: decodeReason(fields) } };
  });
}

export function decodeUsageText(text: string): Decoded<UsageForm> | undefined {
  return unlessFaulty(() => {
    const fields = readJsonObject(text, "usage");
    const record = decodeRecord(fields);
    const numbers = {
      used: fields.number("currentUsage"),
      start: fields.optionalTimestamp("usagePeriodStart"),
      periodEnd: fields.optionalTimestamp("usagePeriodEnd") ?? fields.optionalTimestamp("nextResetDate"),
      updatedAt: record?.updatedAt,
    };
    return { owner: record?.subject, fields: numbers, rest: { hasRecord: record !== undefined } };
  });
}

function numbersOf(record: SidecarRecord | undefined): Readonly<Record<string, number | undefined>> {
  const trust = record?.trust;
  return {
    updatedAt: record?.updatedAt,
    verifiedAt: trust?.verifiedAt,
    recheckAt: trust?.recheckAt,
    globalUpdatedAt: trust?.globalUpdatedAt,
  };
}

function formOf({ trust, includesWallets }: SidecarRecord): RecordForm {
  return {
    isTrusting: trust !== undefined,
    isVerified: trust?.isVerified !== false,
    includesWallets: includesWallets !== false,
  };
}

/** What is faulty is reported each time, so it is not recognized. */
function unlessFaulty<T>(decode: () => T | undefined): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof FieldFault) return undefined;
    throw error;
  }
}

function refuse(fault: FieldFault): never {
  throw fault;
}
