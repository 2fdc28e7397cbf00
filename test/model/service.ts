import type { CustomerStateInput } from "../../src/domain/build-customer-state.js";
import type { Subject } from "../../src/domain/subject.js";
import { CachedStates, endOf, type Held, keyOf } from "./cached-states.js";
import { type ConfiguredFallbacks, featureAnswer, featureAnswerWithoutState, isEmpty } from "./decisions.js";
import type { HistoryStep } from "./kinds/histories.js";

export interface ServiceTimes {
  /** How old a state may be while no changes arrive, milliseconds. */
  readonly pollMs: number;
  /** How long is believed what may not last. */
  readonly recheckMs: number;
}

const NOT_FOUND: CustomerStateInput = { accessDeniedReason: "CustomerNotFound" };

/**
 * What a sidecar in memory mode must answer: from what is cached and vouched for, else from upstream, else from what was
 * cached, else the fallback. Everything that follows from a step is done before the next.
 */
export class ModelService {
  readonly #cached = new CachedStates();
  readonly #truth = new Map<string, CustomerStateInput>();
  readonly #configured: ConfiguredFallbacks;
  readonly #times: ServiceTimes;
  #now: number;
  #isUp = true;
  #isConnected = false;
  #lostAt = -Infinity;

  constructor(now: number, configured: ConfiguredFallbacks, times: ServiceTimes) {
    this.#now = now;
    this.#configured = configured;
    this.#times = times;
  }

  take(step: HistoryStep): unknown {
    switch (step.step) {
      case "check":
        return this.#check(step);
      case "truth":
        this.#truth.set(keyOf(step.subject), step.state);
        return undefined;
      case "event": {
        const { change } = step;
        const isKnown = this.#vouchedFor(change.subject) !== undefined;
        this.#cached.apply(change, this.#now);
        const asksAgain =
          change.type === "subject-invalidated" ||
          (change.type === "entitlements-updated" &&
            isEmpty(change.state) &&
            change.state.accessDeniedReason === undefined);
        if (asksAgain && isKnown) this.#fetch(change.subject);
        return undefined;
      }
      case "connected":
        this.#isConnected = true;
        this.#markAllStale();
        return undefined;
      case "published":
        this.#markAllStale();
        return undefined;
      case "disconnected":
        this.#isConnected = false;
        this.#lostAt = this.#now;
        return undefined;
      case "upstream-up":
      case "upstream-down":
        this.#isUp = step.step === "upstream-up";
        return undefined;
      case "report": {
        if (!this.#isUp) return "unavailable";
        const { subject, featureId, counts, updatedAt } = step;
        this.#cached.apply(
          {
            type: "usage-updated",
            subject,
            entitlement: { type: "feature", id: featureId },
            usage: { currentUsage: counts, updatedAt },
          },
          this.#now,
        );
        return counts;
      }
      case "reload": {
        const known = this.#fetch(step.subject);
        if (known === undefined) return "unavailable";
        return (
          known.state.accessDeniedReason !== "CustomerNotFound" &&
          known.state.accessDeniedReason !== "CustomerResourceNotFound"
        );
      }
      case "wait":
        this.#now += step.ms;
        return undefined;
    }
  }

  #check({ subject, query }: Extract<HistoryStep, { step: "check" }>): unknown {
    const held = this.#vouchedFor(subject);
    if (held !== undefined && this.#now < held.recheckAt) {
      const answer = featureAnswer(held.state, query, this.#now, this.#configured);
      const source = held.verifiedAt < this.#vouchedSince() ? "stale" : "memory";
      // Nothing tells of changes: it is asked for again behind the answer.
      if (!this.#isConnected && held.verifiedAt < this.#now - this.#times.pollMs) this.#fetch(subject);
      return [source, answer];
    }
    const before = this.#cached.get(subject);
    const fetched = this.#fetch(subject);
    const known = fetched ?? before;
    if (known === undefined) return ["fallback", featureAnswerWithoutState(query, this.#configured)];
    return [
      fetched === undefined ? "stale" : "upstream",
      featureAnswer(known.state, query, this.#now, this.#configured),
    ];
  }

  /** A change may have been missed since the stream was lost, and by age while nothing tells of changes. */
  #vouchedSince(): number {
    return this.#isConnected ? -Infinity : Math.max(this.#lostAt, this.#now - this.#times.pollMs);
  }

  #vouchedFor(subject: Subject): Held | undefined {
    const held = this.#cached.get(subject);
    return held?.isVerified === true ? held : undefined;
  }

  #fetch(subject: Subject): Held | undefined {
    if (!this.#isUp) return undefined;
    const state = this.#truth.get(keyOf(subject)) ?? NOT_FOUND;
    const end = endOf(state);
    const recheckAt = !isEmpty(state) && end > this.#now ? end : this.#now + this.#times.recheckMs;
    return this.#cached.put(subject, { state, verifiedAt: this.#now, recheckAt, isVerified: true });
  }

  #markAllStale(): void {
    this.#cached.markAllStale();
    // A customer first: where its own set is another now, its resources are stale once more.
    const subjects = this.#cached
      .subjects()
      .toSorted((a, b) => Number(a.resourceId !== undefined) - Number(b.resourceId !== undefined));
    for (const subject of subjects) this.#fetch(subject);
  }
}
