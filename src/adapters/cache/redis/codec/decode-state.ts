import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../../../../domain/build-customer-state.js";
import { ANY_ID, type CustomerState } from "../../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { decodeReason } from "../../../../wire/decode-entitlement.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import type { ReportFault } from "../../../../wire/fields.js";
import {
  belongsTo,
  hasAmbiguousKeys,
  isOutdated,
  readTimestamp,
  type StampedValue,
  type StateReading,
  timestampOf,
} from "../store/redis-keys.js";
import { decodeStoredEntitlement, type StoredEntitlement, usageReferenceOf } from "./decode-entitlement.js";
import { decodeRecord, isOfAnother, readJsonObject, type SidecarRecord, type StateTrust } from "./sidecar-record.js";

/** Why Redis does not know a subject's state. */
export type MissReason =
  | "absent"
  /** There without its timestamp: half expired, or half purged. */
  | "unstamped"
  | "unreadable"
  /** Two subjects share a key, and the value is the other's. */
  | "of-another"
  /** Empty, and nothing says why. */
  | "unexplained"
  /** With an entitlement whose usage is not there. */
  | "without-usage";

export type DecodedState =
  | KnownState
  | { readonly outcome: "missing"; readonly reason: MissReason }
  /** There, but with entitlements whose usages were not read with it. */
  | { readonly outcome: "incomplete"; readonly usages: readonly EntitlementReference[] };

export interface KnownState {
  readonly outcome: "found";
  readonly state: CustomerState;
  /** Undefined: another client wrote it, and did not say. */
  readonly trust: StateTrust | undefined;
  /** Of a resource: its customer's own state is newer or not there, so both have to be asked for again. */
  readonly isOutdated: boolean;
  /** What it keeps usages of. */
  readonly usages: readonly EntitlementReference[];
}

interface EntitlementSet {
  readonly entitlements: readonly StoredEntitlement[];
  readonly record: SidecarRecord | undefined;
  /** Entitlements that are there and cannot be read, as far as can be said which. */
  readonly unreadable: readonly EntitlementReference[];
}

/**
 * What was read of a subject, of any client's make. Never throws: what cannot be read is not known.
 *
 * @param report called for a value that cannot be read
 */
export function decodeState(reading: StateReading, report: ReportFault): DecodedState {
  try {
    return decode(reading, report);
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    report(error);
    return missing("unreadable");
  }
}

function decode(reading: StateReading, report: ReportFault): DecodedState {
  const { value } = reading.state;
  if (value === null || value === "") return missing("absent");
  const timestamp = readTimestamp(reading.state.timestamp);
  if (timestamp === undefined) return missing("unstamped");
  const set = decodeSet(value, report);
  const metadata = decodeMetadata(reading.metadata, timestamp);
  if (set.entitlements.length === 0 && metadata === undefined) return missing("unexplained");
  if (isSetOfAnother(reading, set, metadata)) return missing("of-another");
  const usages = set.entitlements.map(usageReferenceOf).filter((reference) => reference !== undefined);
  if (usages.some((reference) => reading.usage(reference) === undefined)) return { outcome: "incomplete", usages };
  const features: FeatureEntitlementInput[] = [];
  const credits: CreditEntitlementInput[] = [];
  for (const entitlement of set.entitlements) {
    const usage = usageOf(entitlement, reading);
    if (usage === "of-another" || usage === "without-usage") return missing(usage);
    if (entitlement.type === "feature") features.push({ ...entitlement.input, usage });
    else credits.push({ ...entitlement.input, usage });
  }
  const record = set.entitlements.length === 0 ? metadata?.record : set.record;
  const trust = record?.trust;
  return {
    outcome: "found",
    state: buildCustomerState({
      features,
      credits,
      accessDeniedReason: metadata?.accessDeniedReason,
      // A record was written as one with its value, which in a Cluster the #timestamp key was not.
      updatedAt: set.record === undefined ? timestampOf(timestamp) : set.record.updatedAt,
      // Of the other clients only the newer ones know wallets, and a wallet alone tells which of them wrote.
      includesWallets: record !== undefined && record.includesWallets !== false,
      unknown: [...(record?.unknown ?? []), ...set.unreadable],
    }),
    trust,
    // Upstream may be readable where what another client made of it is not.
    isOutdated: set.unreadable.length > 0 || isOutdated(reading, timestamp, trust),
    usages,
  };
}

function missing(reason: MissReason): DecodedState {
  return { outcome: "missing", reason };
}

function decodeSet(value: string, report: ReportFault): EntitlementSet {
  const fields = readJsonObject(value, "state");
  const entitlements: StoredEntitlement[] = [];
  let record: SidecarRecord | undefined;
  const unreadable: EntitlementReference[] = [];
  let isSomethingThere = false;
  for (const name of fields.names()) {
    const member = fields.object(name);
    record ??= decodeRecord(member);
    isSomethingThere = true;
    try {
      const entitlement = decodeStoredEntitlement(member, report);
      if (entitlement !== undefined) entitlements.push(entitlement);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      report(error);
      // A feature stands under its own id, a wallet under any name.
      unreadable.push({ type: "feature", id: name }, { type: "credit", id: ANY_ID });
    }
  }
  // To take what is not understood for nothing would deny everything.
  if (isSomethingThere && entitlements.length === 0)
    throw new FieldFault("state", "an entitlement of a known type", {});
  return { entitlements, record, unreadable };
}

/**
 * Another client's set says whose it is by its resource alone. Where that does not suffice to tell this subject from
 * another with the same key, it is not believed.
 */
function isSetOfAnother({ subject }: StateReading, set: EntitlementSet, metadata: StoredMetadata | undefined): boolean {
  if (isOfAnother(set.record, subject) || isOfAnother(metadata?.record, subject)) return true;
  const isOwn = set.record !== undefined || (set.entitlements.length === 0 && metadata?.record !== undefined);
  if (isOwn) return false;
  if (hasAmbiguousKeys(subject)) return true;
  const { resourceId } = subject;
  if (
    set.entitlements.some(
      (entitlement) => entitlement.resourceId !== undefined && entitlement.resourceId !== resourceId,
    )
  )
    return true;
  return resourceId !== undefined && !set.entitlements.some((entitlement) => entitlement.resourceId === resourceId);
}

function usageOf(
  entitlement: StoredEntitlement,
  reading: StateReading,
): Usage | undefined | "of-another" | "without-usage" {
  const inlineUsage = entitlement.input.usage;
  const reference = usageReferenceOf(entitlement);
  if (reference === undefined) return inlineUsage;
  const stored = reading.usage(reference);
  const timestamp = readTimestamp(stored?.timestamp);
  if (stored === undefined || stored.value === null || timestamp === undefined) return "without-usage";
  const { usage, record } = decodeUsage(stored.value, timestamp);
  if (isOfAnother(record, reading.subject) || (record === undefined && hasAmbiguousKeys(reading.subject)))
    return "of-another";
  return { ...usage, periodAnchor: inlineUsage?.periodAnchor };
}

export interface StoredUsage {
  readonly usage: Usage;
  /** Undefined: another client wrote it. */
  readonly record: SidecarRecord | undefined;
}

/**
 * @param updatedAt what its #timestamp key holds, epoch milliseconds
 * @throws FieldFault where the value is not what a usage has to be, for example another subject's state
 */
function decodeUsage(value: string, updatedAt: number): StoredUsage {
  const fields = readJsonObject(value, "usage");
  const record = decodeRecord(fields);
  return {
    record,
    usage: {
      currentUsage: fields.number("currentUsage"),
      periodStart: fields.optionalTimestamp("usagePeriodStart"),
      // Older clients' name for it.
      periodEnd: fields.optionalTimestamp("usagePeriodEnd") ?? fields.optionalTimestamp("nextResetDate"),
      // A record was written as one with its value, which in a Cluster the #timestamp key was not.
      updatedAt: record === undefined ? timestampOf(updatedAt) : record.updatedAt,
    },
  };
}

/** Why a state does not have what it does not have. */
interface StoredMetadata {
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
function decodeMetadata({ value, timestamp }: StampedValue, stateTimestamp: number): StoredMetadata | undefined {
  const metadataTimestamp = readTimestamp(timestamp);
  if (value === null || metadataTimestamp === undefined || !belongsTo(stateTimestamp, metadataTimestamp))
    return undefined;
  const fields = readJsonObject(value, "metadata");
  return { accessDeniedReason: decodeReason(fields), record: decodeRecord(fields) };
}
