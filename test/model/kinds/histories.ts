import { MemoryCache } from "../../../src/adapters/cache/memory/memory-cache.js";
import { ConfiguredFallbackProvider } from "../../../src/adapters/fallback/configured-fallbacks.js";
import { CheckEntitlement } from "../../../src/application/check/check-entitlement.js";
import { FindState } from "../../../src/application/load/find-state.js";
import { LoadState } from "../../../src/application/load/load-state.js";
import { FollowUpdates, ReloadEntitlements } from "../../../src/application/refresh/follow-updates.js";
import { RefreshInBackground } from "../../../src/application/refresh/refresh-in-background.js";
import { ReportUsage } from "../../../src/application/report/report-usage.js";
import { buildCustomerState, type CustomerStateInput } from "../../../src/domain/build-customer-state.js";
import type { FeatureQuery } from "../../../src/domain/decision/decision.js";
import { CodedError } from "../../../src/domain/errors.js";
import { StreamStatus } from "../../../src/domain/freshness/freshness.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { UsageMeasurement } from "../../../src/domain/usage/usage-report.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import type { UpstreamClient } from "../../../src/ports/upstream-client.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { keyOf, type ModelChange } from "../cached-states.js";
import type { ConfiguredFallbacks } from "../decisions.js";
import {
  FEATURE_IDS,
  someAmount,
  someChange,
  someFallbacks,
  someFeatureQuery,
  someState,
  someSubject,
  someTime,
} from "../generate.js";
import { differenceAt, type Kind } from "../kind.js";
import { changeOf, featureAnswerOf } from "../product.js";
import type { Random } from "../random.js";
import { ModelService } from "../service.js";

export type HistoryStep =
  | { readonly step: "check"; readonly subject: Subject; readonly query: FeatureQuery }
  | { readonly step: "truth"; readonly subject: Subject; readonly state: CustomerStateInput }
  | { readonly step: "event"; readonly change: ModelChange }
  | { readonly step: "published" | "connected" | "disconnected" | "upstream-up" | "upstream-down" }
  | {
      readonly step: "report";
      readonly subject: Subject;
      readonly featureId: string;
      readonly counts: number;
      readonly updatedAt: number;
    }
  | { readonly step: "reload"; readonly subject: Subject }
  | { readonly step: "wait"; readonly ms: number };

interface HistoryCase {
  readonly now: number;
  readonly steps: readonly HistoryStep[];
  readonly configured: ConfiguredFallbacks;
}

const BUDGET_MS = 1_000;
const POLL_MS = 30_000;
const RECHECK_MS = 30_000;

/** The use cases around a memory cache: checks, updates, an upstream that comes and goes, reports, and time. */
export const HISTORIES: Kind<HistoryCase> = {
  name: "histories",
  share: 4,
  generate: (random) => {
    const now = someTime(random);
    return {
      now,
      steps: Array.from({ length: 2 + random.below(14) }, () => someStep(random, now)),
      configured: someFallbacks(random),
    };
  },
  run: async ({ now, steps, configured }) => {
    const product = new Product(now, configured);
    const model = new ModelService(now, configured, { pollMs: POLL_MS, recheckMs: RECHECK_MS });
    for (const [index, step] of steps.entries()) {
      const difference = differenceAt(`step ${index + 1}`, await product.take(step), model.take(step));
      if (difference !== undefined) return difference;
    }
    return undefined;
  },
};

function someStep(random: Random, now: number): HistoryStep {
  const subject = someSubject(random);
  switch (random.below(16)) {
    case 0:
    case 1:
      return { step: "truth", subject, state: someState(random, now) };
    case 2:
    case 3:
      return { step: "event", change: someChange(random, now) };
    case 4:
      return { step: random.pick(["published", "connected", "disconnected", "disconnected"] as const) };
    case 5:
      return { step: random.pick(["upstream-up", "upstream-down"] as const) };
    case 6:
      return {
        step: "report",
        subject,
        featureId: random.pick(FEATURE_IDS),
        counts: someAmount(random),
        updatedAt: now + random.below(5) - 2,
      };
    case 7:
      return { step: "reload", subject };
    case 8:
    case 9:
      // Never just as long as something lasts.
      return {
        step: "wait",
        ms: random.pick([17, 9_001, 29_001, 31_007, 3_600_011, 86_400_013, 40 * 86_400_000 + 17]),
      };
    default:
      return { step: "check", subject, query: someFeatureQuery(random) };
  }
}

class Product {
  readonly #clock: ManualClock;
  readonly #truth = new Map<string, CustomerStateInput>();
  readonly #check: CheckEntitlement;
  readonly #updates: FollowUpdates;
  readonly #report: ReportUsage;
  readonly #reload: ReloadEntitlements;
  #isUp = true;
  #measurement: UsageMeasurement | undefined;

  constructor(now: number, configured: ConfiguredFallbacks) {
    const clock = (this.#clock = new ManualClock(now));
    const logger = new RecordingLogger();
    const telemetry = newTelemetry();
    const upstream = this.#upstream();
    const cache = new MemoryCache(64 * 1024 * 1024, telemetry);
    const load = new LoadState(cache, upstream, clock, { fetchTimeoutMs: 5 * BUDGET_MS, recheckAfterMs: RECHECK_MS });
    const refresh = new RefreshInBackground(load, logger, 8);
    const stream = new StreamStatus(POLL_MS);
    const find = new FindState(cache, load, refresh, stream, telemetry, clock, logger, {
      budgetMs: BUDGET_MS,
      deadlineMarginMs: 20,
    });
    this.#check = new CheckEntitlement(
      find,
      new ConfiguredFallbackProvider(new Map(Object.entries(configured))),
      clock,
    );
    this.#updates = new FollowUpdates(cache, load, refresh, stream, clock, logger, 1_000);
    this.#report = new ReportUsage(upstream, cache, load, clock, logger);
    this.#reload = new ReloadEntitlements(load);
  }

  async take(step: HistoryStep): Promise<unknown> {
    // What is spread at random is spread by nothing, so that the model can tell when it is due.
    const random = Math.random;
    Math.random = () => 0.5;
    try {
      const received = await this.#carryOut(step);
      // Until all that follows from it in the background is done.
      await new Promise((resolve) => setImmediate(resolve));
      return received;
    } finally {
      Math.random = random;
    }
  }

  async #carryOut(step: HistoryStep): Promise<unknown> {
    const call = { deadlineAt: undefined, signal: undefined };
    switch (step.step) {
      case "check": {
        const { result, source } = await this.#check.feature(
          step.subject.customerId,
          step.subject.resourceId,
          step.query,
          call,
        );
        return [source, featureAnswerOf(result)];
      }
      case "truth":
        this.#truth.set(keyOf(step.subject), step.state);
        return undefined;
      case "event":
        this.#updates.changed(changeOf(step.change));
        return undefined;
      case "published":
        this.#updates.changed({ type: "package-published", migration: "ALL_CUSTOMERS" });
        return undefined;
      case "connected":
        this.#updates.connected();
        return undefined;
      case "disconnected":
        this.#updates.disconnected();
        return undefined;
      case "upstream-up":
      case "upstream-down":
        this.#isUp = step.step === "upstream-up";
        return undefined;
      case "report":
        return this.#reportUsage(step);
      case "reload":
        return this.#reload.reload(step.subject).then(({ entitledEntityExists }) => entitledEntityExists, codeOf);
      case "wait":
        this.#clock.advance(step.ms);
        return undefined;
    }
  }

  #reportUsage({ subject, featureId, counts, updatedAt }: Extract<HistoryStep, { step: "report" }>): Promise<unknown> {
    this.#measurement = {
      measurementId: "m",
      subject,
      featureId,
      currentUsage: counts,
      periodStart: undefined,
      periodEnd: undefined,
      updatedAt,
      credit: undefined,
    };
    const report = {
      subject,
      featureId,
      value: 1,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp: undefined,
      idempotencyKey: "k",
    } as const;
    return this.#report
      .report(report, { deadlineAt: undefined, signal: undefined })
      .then(({ currentUsage }) => currentUsage, codeOf);
  }

  #upstream(): UpstreamClient {
    const answered = <T>(make: () => T): Promise<T> =>
      this.#isUp ? Promise.resolve(make()) : Promise.reject(new CodedError("unavailable", "upstream is away"));
    return {
      fetchState: (subject) =>
        answered(() =>
          buildCustomerState(this.#truth.get(keyOf(subject)) ?? { accessDeniedReason: "CustomerNotFound" }),
        ),
      reportUsage: () => answered(() => this.#measurement as UsageMeasurement),
      reportUsageBulk: () => answered(() => []),
      reportEvents: () => answered(() => undefined),
    };
  }
}

function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : String(error);
}
