import type { CustomerState } from "../../domain/customer-state.js";
import { decideCredit } from "../../domain/decision/decide-credit.js";
import { decideFeature } from "../../domain/decision/decide-feature.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision/decision.js";
import type { DrillEnd, DrillPlan, DrillReport } from "../../domain/drill/drill.js";
import { CodedError } from "../../domain/errors.js";
import { isDue } from "../../domain/freshness/freshness.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { FallbackProvider } from "../../ports/checks.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Answer, CallContext } from "../answer.js";
import type { CheckEntitlement } from "../check/check-entitlement.js";
import type { UsageOverlay } from "../report/usage-overlay.js";
import { DrillRecord } from "./drill-record.js";

export type Checks = Pick<CheckEntitlement, "feature" | "credit">;

/** A service beside the real one, in which something fails. What it learns stays in it. */
export interface DrillWorld {
  readonly checks: Checks;
  /** Lets go of all that is held back. */
  close(): void;
}

export interface DrillParts {
  /** Answers all calls that are in no drill. */
  readonly plain: Checks;
  /** Where it is looked up whether an answer in a drill is wrong. */
  readonly cache: Pick<CacheStore, "peek">;
  readonly overlay?: UsageOverlay | undefined;
  readonly fallbacks: FallbackProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded): which calls are in a drill. */
  readonly random?: () => number;
}

interface Running {
  readonly plan: DrillPlan;
  readonly world: DrillWorld;
  readonly record: DrillRecord;
  readonly cancelTimer: CancelTimer;
}

/** Answers checks, a share of them from a world in which something fails, while a drill is under way. */
export class DrillChecks implements Checks {
  readonly #parts: DrillParts;
  readonly #random: () => number;
  #running: Running | undefined;
  #last: DrillRecord | undefined;

  constructor(parts: DrillParts) {
    this.#parts = parts;
    this.#random = parts.random ?? Math.random;
  }

  /** @throws CodedError `failed-precondition` while another drill is under way */
  start(plan: DrillPlan, open: () => DrillWorld): DrillReport {
    const { clock, logger } = this.#parts;
    if (this.#running !== undefined)
      throw new CodedError("failed-precondition", "a drill is under way: wait for its end, or stop it");
    const record = new DrillRecord(plan, clock.now(), this.#random);
    const world = open();
    this.#last = record;
    this.#running = { plan, world, record, cancelTimer: clock.after(plan.forMs, () => this.stop("time")) };
    logger.warn("a drill begins: a share of the calls is answered as if something had failed", { ...plan });
    return record.report();
  }

  /** Nothing where no drill is under way. */
  stop(why: DrillEnd): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.cancelTimer();
    running.record.end(why, this.#parts.clock.now());
    running.world.close();
    const { calls, drilled, wrong, assumed } = running.record.report();
    this.#parts.logger.warn("the drill has ended", { why, calls, drilled, wrong, assumed });
  }

  /** Of the drill that is under way, else of the last one; undefined: there was none. */
  report(): DrillReport | undefined {
    return this.#last?.report();
  }

  feature(
    customerId: string,
    resourceId: string | undefined,
    query: FeatureQuery,
    call: CallContext,
  ): Answer<FeatureDecision> | Promise<Answer<FeatureDecision>> {
    const running = this.#running;
    if (running === undefined || !this.#takes(running))
      return this.#parts.plain.feature(customerId, resourceId, query, call);
    return this.#drilled(
      running,
      { customerId, resourceId, id: query.featureId },
      () => running.world.checks.feature(customerId, resourceId, query, call),
      (state, now) => decideFeature(state, query, now, this.#parts.fallbacks).hasAccess,
    );
  }

  credit(
    customerId: string,
    resourceId: string | undefined,
    query: CreditQuery,
    call: CallContext,
  ): Answer<CreditDecision> | Promise<Answer<CreditDecision>> {
    const running = this.#running;
    if (running === undefined || !this.#takes(running))
      return this.#parts.plain.credit(customerId, resourceId, query, call);
    return this.#drilled(
      running,
      { customerId, resourceId, id: query.currencyId },
      () => running.world.checks.credit(customerId, resourceId, query, call),
      (state) => (state.includesWallets ? decideCredit(state, query).hasAccess : undefined),
    );
  }

  #takes({ plan, record }: Running): boolean {
    record.calls++;
    return this.#random() < plan.share;
  }

  #drilled<D extends FeatureDecision | CreditDecision>(
    running: Running,
    asked: Asked,
    ask: () => Answer<D> | Promise<Answer<D>>,
    decide: (state: CustomerState, now: number) => boolean | undefined,
  ): Answer<D> | Promise<Answer<D>> {
    const startedAt = performance.now();
    const answer = ask();
    if (!(answer instanceof Promise)) return this.#seen(running, asked, answer, startedAt, decide);
    return answer.then(
      (settled) => this.#seen(running, asked, settled, startedAt, decide),
      (error: unknown) => {
        running.record.failed++;
        throw error;
      },
    );
  }

  #seen<D extends FeatureDecision | CreditDecision>(
    running: Running,
    asked: Asked,
    answer: Answer<D>,
    startedAt: number,
    decide: (state: CustomerState, now: number) => boolean | undefined,
  ): Answer<D> {
    const { record } = running;
    const { source, result } = answer;
    record.answered({ hasAccess: result.hasAccess, source, waitedMs: performance.now() - startedAt });
    const isGranted = this.#truth(asked, decide);
    if (isGranted === undefined) record.notCompared();
    else if (isGranted !== result.hasAccess)
      record.wrong({ ...asked, granted: result.hasAccess, source, reason: result.accessDeniedReason });
    if (running === this.#running && record.passedBound !== undefined) this.stop(record.passedBound);
    return answer;
  }

  /** What the service itself knows; nothing is asked or counted for it. */
  #truth(
    { customerId, resourceId }: Asked,
    decide: (state: CustomerState, now: number) => boolean | undefined,
  ): boolean | undefined {
    const { cache, clock, overlay } = this.#parts;
    const now = clock.now();
    const cached = cache.peek(customerId, resourceId);
    if (cached === undefined || isDue(cached, now)) return undefined;
    return decide(overlay?.over(cached.state, customerId, resourceId, now) ?? cached.state, now);
  }
}

interface Asked {
  readonly customerId: string;
  readonly resourceId: string | undefined;
  /** Of the feature or the currency. */
  readonly id: string;
}
