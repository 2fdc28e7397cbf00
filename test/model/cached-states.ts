import type {
  CreditEntitlementInput,
  CustomerStateInput,
  FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import type { EntitlementReference } from "../../src/domain/entitlement.js";
import type { Subject } from "../../src/domain/subject.js";
import type { Usage } from "../../src/domain/usage/usage.js";
import { featureIn, isEmpty, usageNow, walletIn } from "./decisions.js";

/** A change as a stream or a queue tells it, its states as they are written down. */
export type ModelChange =
  | { readonly type: "entitlements-updated"; readonly subject: Subject; readonly state: CustomerStateInput }
  | {
      readonly type: "usage-updated";
      readonly subject: Subject;
      readonly entitlement: EntitlementReference;
      readonly usage: Usage;
    }
  | { readonly type: "subject-invalidated"; readonly subject: Subject };

export interface Held {
  readonly state: CustomerStateInput;
  readonly verifiedAt: number;
  readonly recheckAt: number;
  readonly isVerified: boolean;
}

/** What a cache must know after changes and fetches, whatever their order: of each thing the newest that was reported. */
export class CachedStates {
  readonly #held = new Map<string, Held & { readonly subject: Subject }>();

  get(subject: Subject): Held | undefined {
    return this.#held.get(keyOf(subject));
  }

  subjects(): readonly Subject[] {
    return [...this.#held.values()].map(({ subject }) => subject);
  }

  put(subject: Subject, fetched: Held): Held {
    const stored = this.get(subject);
    const known = whatIsKnown(stored, fetched);
    this.#set(subject, known);
    if (
      subject.resourceId === undefined &&
      stored !== undefined &&
      setTimestamp(known.state) !== setTimestamp(stored.state)
    )
      this.#markResourcesStale(subject);
    return known;
  }

  apply(change: ModelChange, now: number): void {
    const stored = this.get(change.subject);
    const effect = this.#effectOf(stored, change, now);
    if (effect === "forget") this.#held.delete(keyOf(change.subject));
    else if (effect === "mark-stale") this.#markStale(change.subject);
    else if (effect !== "none") this.#set(change.subject, effect.held);
    const concernsResources =
      effect === "forget" ||
      effect === "mark-stale" ||
      change.type === "subject-invalidated" ||
      (effect !== "none" && effect.isReplaced);
    if (change.subject.resourceId === undefined && concernsResources) this.#markResourcesStale(change.subject);
  }

  markAllStale(): void {
    for (const { subject } of this.#held.values()) this.#markStale(subject);
  }

  #effectOf(
    stored: Held | undefined,
    change: ModelChange,
    now: number,
  ): "none" | "mark-stale" | "forget" | { readonly held: Held; readonly isReplaced: boolean } {
    switch (change.type) {
      case "entitlements-updated": {
        const { state } = change;
        if (isEmpty(state) && state.accessDeniedReason === undefined) return "forget";
        if (stored !== undefined && !isEmpty(state) && isOlder(setTimestamp(state), setTimestamp(stored.state))) {
          return { held: { ...stored, state: newest(stored.state, state) }, isReplaced: false };
        }
        const known = isEmpty(state) ? state : newest(stored?.state, state);
        return { held: { state: known, verifiedAt: now, recheckAt: endOf(known), isVerified: true }, isReplaced: true };
      }
      case "usage-updated":
        if (stored === undefined) return "none";
        return {
          held: { ...stored, state: withUsage(stored.state, change.entitlement, change.usage) },
          isReplaced: false,
        };
      case "subject-invalidated":
        return stored === undefined ? "none" : "mark-stale";
    }
  }

  #markStale(subject: Subject): void {
    const held = this.get(subject);
    if (held !== undefined) this.#set(subject, { ...held, isVerified: false });
  }

  #markResourcesStale({ customerId }: Subject): void {
    for (const subject of this.subjects())
      if (subject.customerId === customerId && subject.resourceId !== undefined) this.#markStale(subject);
  }

  #set(subject: Subject, held: Held): void {
    this.#held.set(keyOf(subject), { ...held, subject });
  }
}

/** When the set of entitlements was updated; an empty set has no timestamp of its own. */
export function setTimestamp(state: CustomerStateInput): number | undefined {
  return isEmpty(state) ? undefined : state.updatedAt;
}

/** When the first of its entitlements ends, or Infinity. */
export function endOf({ features = [], credits = [] }: CustomerStateInput): number {
  return Math.min(Infinity, ...[...features, ...credits].flatMap(({ validUntil }) => validUntil ?? []));
}

/** The set of entitlements and each usage by their own timestamps; of equal ones the later told. */
export function newest(stored: CustomerStateInput | undefined, incoming: CustomerStateInput): CustomerStateInput {
  if (stored === undefined) return incoming;
  const isLate = isOlder(setTimestamp(incoming), setTimestamp(stored));
  const [base, other] = isLate ? [stored, incoming] : [incoming, stored];
  const choose = (own: Usage | undefined, others: Usage | undefined): Usage => {
    const isNewer = isOlder(own?.updatedAt, others?.updatedAt);
    const isEqual = others?.updatedAt !== undefined && others.updatedAt === own?.updatedAt;
    return (isNewer || (isLate && isEqual) ? others : own) ?? { currentUsage: 0 };
  };
  return {
    ...base,
    features: (base.features ?? []).map((each) => {
      const twin = featureIn(other, each.feature.id);
      return twin === undefined
        ? each
        : { ...each, usage: { ...choose(each.usage, twin.usage), periodAnchor: each.usage?.periodAnchor } };
    }),
    credits: (base.credits ?? []).map((each) => {
      const twin = walletIn(other, each.currency.currencyId);
      return twin === undefined ? each : { ...each, usage: choose(each.usage, twin.usage) };
    }),
  };
}

/** A usage that was told by itself: what it leaves out stays, unless that period was over by then. */
export function withUsage(
  state: CustomerStateInput,
  { type, id }: EntitlementReference,
  usage: Usage,
): CustomerStateInput {
  const merged = (
    { usage: own = { currentUsage: 0 } }: FeatureEntitlementInput | CreditEntitlementInput,
    before: Usage,
  ): Usage =>
    isOlder(usage.updatedAt, own.updatedAt)
      ? own
      : {
          currentUsage: usage.currentUsage,
          periodAnchor: usage.periodAnchor ?? before.periodAnchor,
          periodStart: usage.periodStart ?? before.periodStart,
          periodEnd: usage.periodEnd ?? before.periodEnd,
          updatedAt: usage.updatedAt ?? before.updatedAt,
        };
  const at = usage.updatedAt ?? -Infinity;
  return {
    ...state,
    features: (state.features ?? []).map((each) =>
      type === "feature" && each.feature.id === id
        ? { ...each, usage: merged(each, usageNow(each.usage, each.resetPeriod, at)) }
        : each,
    ),
    credits: (state.credits ?? []).map((each) =>
      type === "credit" && each.currency.currencyId === id
        ? { ...each, usage: merged(each, usageNow(each.usage, undefined, at)) }
        : each,
    ),
  };
}

export function keyOf({ customerId, resourceId }: Subject): string {
  return JSON.stringify([customerId, resourceId]);
}

function isOlder(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a < b;
}

function whatIsKnown(stored: Held | undefined, fetched: Held): Held {
  if (fetched.isVerified) return { ...fetched, state: newest(stored?.state, fetched.state) };
  if (stored === undefined) return fetched;
  // Asked before a change that is known: it counts only where it proves to be newer.
  const isNewer = isOlder(setTimestamp(stored.state), setTimestamp(fetched.state));
  return isNewer ? { ...stored, state: newest(stored.state, fetched.state), recheckAt: fetched.recheckAt } : stored;
}
