import type { Change, EntitlementsUpdated, SubjectInvalidated, UsageUpdated } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import { type EmulatorContext, fetchKnownState } from "../emulator-context.js";
import { encodeBalance, encodeOlderUsage, encodePackagePublished, encodeUsageV2 } from "../encoding/encode-changes.js";
import { encodeEntitlementsV2, encodeOlderEntitlements } from "../encoding/encode-state.js";
import type { EventFault, EventRule, RuleList } from "../faults/fault-rules.js";

/** One kind of subscription: which changes it tells, and how. */
export interface EventFeed {
  accepts(change: Change): boolean;
  /** Undefined: there turns out to be nothing to tell. */
  payload(change: Change, signal: AbortSignal): Promise<object | undefined>;
}

export const SUBSCRIPTION_FIELDS = [
  "entitlementsUpdatedV2",
  "usageUpdatedV2",
  "packagePublished",
  "entitlementsUpdated",
  "usageUpdated",
  "creditBalanceUpdated",
] as const;

export type SubscriptionField = (typeof SUBSCRIPTION_FIELDS)[number];

/** Everything that can be subscribed to, in the API's two generations. */
export function eventFeeds({
  upstream,
  clock,
}: Pick<EmulatorContext, "upstream" | "clock">): Readonly<Record<SubscriptionField, EventFeed>> {
  const present = (subject: Subject, signal: AbortSignal) =>
    fetchKnownState(upstream, subject, { signal, latest: true });

  async function stateAfter(
    change: EntitlementsUpdated | SubjectInvalidated,
    signal: AbortSignal,
  ): Promise<CustomerState> {
    return change.type === "entitlements-updated" ? change.state : await present(change.subject, signal);
  }

  return {
    entitlementsUpdatedV2: feed(isOfEntitlements, async (change, signal) => {
      const state = await stateAfter(change, signal);
      return {
        ...encodeSubject(change.subject),
        accessDeniedReason: state.accessDeniedReason ?? null,
        entitlements: encodeEntitlementsV2(state, clock.now()),
      };
    }),
    usageUpdatedV2: feed(isOfUsage, (change) =>
      Promise.resolve({ ...encodeSubject(change.subject), ...encodeUsageV2(change) }),
    ),
    packagePublished: feed(
      (change) => change.type === "package-published",
      (change) => Promise.resolve(encodePackagePublished(change)),
    ),
    entitlementsUpdated: feed(isOfEntitlements, async (change, signal) => {
      const state = await stateAfter(change, signal);
      return {
        ...encodeSubject(change.subject),
        entitlements: encodeOlderEntitlements(change.subject, state, clock.now()),
      };
    }),
    usageUpdated: feed(isOfFeatureUsage, async (change, signal) =>
      encodeOlderUsage(change, await present(change.subject, signal), clock.now()),
    ),
    creditBalanceUpdated: feed(isOfWallet, async (change, signal) => {
      const balance = encodeBalance(change, await present(change.subject, signal));
      return balance === undefined ? undefined : { ...encodeSubject(change.subject), ...balance };
    }),
  };
}

function feed<C extends Change>(
  accepts: (change: Change) => change is C,
  payload: (change: C, signal: AbortSignal) => Promise<object | undefined>,
): EventFeed {
  return {
    accepts,
    payload: (change, signal) => (accepts(change) ? payload(change, signal) : Promise.resolve(undefined)),
  };
}

function encodeSubject({ customerId, resourceId }: Subject) {
  return { customerId, resourceId: resourceId ?? null };
}

function isOfEntitlements(change: Change): change is EntitlementsUpdated | SubjectInvalidated {
  return change.type === "entitlements-updated" || change.type === "subject-invalidated";
}

function isOfUsage(change: Change): change is UsageUpdated {
  return change.type === "usage-updated";
}

function isOfFeatureUsage(change: Change): change is UsageUpdated {
  return change.type === "usage-updated" && change.entitlement.type === "feature";
}

function isOfWallet(change: Change): change is UsageUpdated {
  return change.type === "usage-updated" && change.entitlement.type === "credit";
}

/** A change on its way to subscribers, and what becomes of it there. */
export interface HubEvent {
  readonly change: Change;
  readonly disguise: EventFault | undefined;
}

export interface HubSubscriber {
  receive(event: HubEvent): void;
}

/** Hands every change to all subscribers, in order, unless a fault strikes it. */
export class EventHub {
  readonly #rules: RuleList<EventRule>;
  readonly #subscribers = new Set<HubSubscriber>();
  /** Events that a fault keeps back, the first of them because it was struck. */
  #held: Change[] | undefined;
  /** An event that the next one supersedes. */
  #superseded: Change | undefined;

  constructor(rules: RuleList<EventRule>) {
    this.#rules = rules;
  }

  /** @returns ends it */
  subscribe(subscriber: HubSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  publish(change: Change): void {
    if (this.#held !== undefined) {
      this.#held.push(change);
      return;
    }
    const struck = this.#rules.strike((rule) => rule.change === undefined || rule.change === change.type);
    if (struck?.rule.kind === "drop") return;
    if (struck?.rule.kind === "hold") {
      this.#held = [change];
      void struck.off.then(() => this.#release());
      return;
    }
    const superseded = this.#superseded;
    this.#superseded = undefined;
    if (struck?.rule.kind === "reorder") {
      this.#superseded = change;
      void struck.off.then(() => this.#deliverSuperseded());
    } else {
      this.#deliver({ change, disguise: struck?.rule });
    }
    if (superseded !== undefined) this.#deliver({ change: superseded, disguise: undefined });
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const change of held) this.#deliver({ change, disguise: undefined });
  }

  #deliverSuperseded(): void {
    const change = this.#superseded;
    this.#superseded = undefined;
    if (change !== undefined) this.#deliver({ change, disguise: undefined });
  }

  #deliver(event: HubEvent): void {
    for (const subscriber of this.#subscribers) subscriber.receive(event);
  }
}
