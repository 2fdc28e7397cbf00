import type { CustomerState } from "../../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { isObject } from "../../../../wire/fields.js";
import type { KeyWrite, WriteGroup } from "../store/redis-commands.js";
import { metadataKey, stateKey, usageKey } from "../store/redis-keys.js";
import {
  encodeCreditEntitlement,
  encodeFeatureEntitlement,
  encodeUsageFields,
  featureText,
  numberText,
  usageText,
} from "./encode-entitlement.js";
import { encodeRecord, SIDECAR_MEMBER, type StateTrust } from "./sidecar-record.js";

/** Everything that Redis is to know of a subject: the state comes first, then its metadata, then its usages. */
export function encodeState(
  environment: string,
  subject: Subject,
  state: CustomerState,
  trust: StateTrust,
): WriteGroup {
  const record = encodeRecord({
    subject,
    updatedAt: state.updatedAt,
    trust,
    includesWallets: state.includesWallets,
    unknown: state.unknown,
  });
  // The published clients stamp an empty set so, and take a later stamp for newer than all of a customer's resources.
  const isEmptySet = state.featureCount + state.creditCount === 0;
  const updatedAt = isEmptySet ? NO_TIMESTAMP : state.updatedAt;
  const recordText = JSON.stringify(record);
  const value = textOf(subject, state, record, recordText);
  const metadata = `{"${SIDECAR_MEMBER}":${recordText},"accessDeniedReason":${JSON.stringify(state.accessDeniedReason ?? null)}}`;
  return {
    writes: [
      { key: stateKey(environment, subject), value, updatedAt },
      { key: metadataKey(environment, subject), value: metadata, updatedAt },
      ...usagesOf(environment, subject, state),
    ],
  };
}

function textOf(subject: Subject, state: CustomerState, record: object, recordText: string): string {
  if (state.creditCount > 0) return JSON.stringify(withRecord(entitlementsOf(subject, state), record));
  let text = "";
  for (const entitlement of state.features()) {
    const { id } = entitlement.feature;
    // Such names have places of their own in an object.
    if (!isNameOnly(id)) return JSON.stringify(withRecord(entitlementsOf(subject, state), record));
    const member = featureText(subject, entitlement, state.featureUsage(id));
    text +=
      text === ""
        ? `{${JSON.stringify(id)}:{"${SIDECAR_MEMBER}":${recordText},${member.slice(1)}`
        : `,${JSON.stringify(id)}:${member}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

function isNameOnly(id: string): boolean {
  const first = id.charCodeAt(0);
  return !(first >= 0x30 && first <= 0x39) && id !== "__proto__";
}

function entitlementsOf(subject: Subject, state: CustomerState): Map<string, object> {
  const entitlements = new Map<string, object>();
  for (const entitlement of state.features()) {
    entitlements.set(entitlement.feature.id, encodeFeatureEntitlement(subject, state, entitlement));
  }
  for (const entitlement of state.credits()) {
    entitlements.set(
      freeName(entitlements, entitlement.currency.currencyId),
      encodeCreditEntitlement(subject, state, entitlement),
    );
  }
  return entitlements;
}

/** A wallet's name is read by nobody, a feature's is: a feature of the same id keeps it. */
function freeName(entitlements: ReadonlyMap<string, object>, currencyId: string): string {
  let name = currencyId;
  while (entitlements.has(name)) name = `credit_${name}`;
  return name;
}

function withRecord(entitlements: ReadonlyMap<string, object>, record: object): object {
  // Names that look like numbers come first in an object, whatever came first in the map.
  const object = Object.fromEntries(entitlements);
  const [first] = Object.keys(object);
  return Object.fromEntries(
    Object.entries(object).map(([name, entitlement]) => [
      name,
      name === first ? { [SIDECAR_MEMBER]: record, ...entitlement } : entitlement,
    ]),
  );
}

function* usagesOf(environment: string, subject: Subject, state: CustomerState): Iterable<KeyWrite> {
  for (const { feature, kind } of state.features()) {
    if (kind !== "metered") continue;
    yield encodeUsage(environment, subject, { type: "feature", id: feature.id }, state.featureUsage(feature.id));
  }
  for (const { currency } of state.credits()) {
    yield encodeUsage(
      environment,
      subject,
      { type: "credit", id: currency.currencyId },
      state.creditUsage(currency.currencyId),
    );
  }
}

/** Written whatever is stored, and yielding to whatever comes: how data without a timestamp of its own is stamped. */
const NO_TIMESTAMP = 0;

/** Written anew each time, so an older spelling of one of them must not stay beside it. */
const KNOWN_MEMBERS = [SIDECAR_MEMBER, "currentUsage", "usagePeriodStart", "usagePeriodEnd", "nextResetDate"];

/**
 * The write of one usage. The anchor of its periods is not in it: that is a part of the state.
 *
 * @param usage in full: a period that is not in it is taken for unknown
 * @param previous what is stored; what others keep there beside the usage stays
 */
export function encodeUsage(
  environment: string,
  subject: Subject,
  entitlement: EntitlementReference,
  usage: Usage,
  previous?: string | null,
): KeyWrite {
  const { updatedAt } = usage;
  const more = unknownMembersOf(previous);
  return {
    key: usageKey(environment, subject, entitlement),
    value:
      more === undefined
        ? `{"${SIDECAR_MEMBER}":${recordTextOf(subject, updatedAt)},${usageText(usage)}}`
        : JSON.stringify({
            [SIDECAR_MEMBER]: encodeRecord({ subject, updatedAt }),
            ...encodeUsageFields(usage),
            ...more,
          }),
    updatedAt: updatedAt ?? NO_TIMESTAMP,
  };
}

/** What `encodeRecord` makes of a usage, as text. */
function recordTextOf({ customerId, resourceId }: Subject, updatedAt: number | undefined): string {
  const resource = resourceId === undefined ? "" : `,"resourceId":${JSON.stringify(resourceId)}`;
  const time = updatedAt === undefined ? "null" : numberText(updatedAt);
  return `{"updatedAt":${time},"customerId":${JSON.stringify(customerId)}${resource}}`;
}

function unknownMembersOf(previous: string | null | undefined): object | undefined {
  if (previous === undefined || previous === null) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(previous);
  } catch {
    // What cannot be read is overwritten.
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => !KNOWN_MEMBERS.includes(name)));
}
