import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import { CodedError } from "../../../src/domain/errors.js";
import type { ResetPeriod } from "../../../src/domain/usage/usage-period.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { someAmount, someCreditQuery, someFeatureQuery } from "../generate.js";
import { differenceAt, type Kind } from "../kind.js";
import { type ModelGrant, ModelLedger, type ModelReport } from "../ledger.js";
import { compareAnswers, type Queries } from "../product.js";
import type { Random } from "../random.js";

type ReportStep =
  { readonly step: "report"; readonly report: ModelReport } | { readonly step: "wait"; readonly ms: number };

interface ReportCase {
  readonly now: number;
  readonly limit: number;
  readonly resetPeriod: ResetPeriod | undefined;
  readonly anchor: number;
  readonly rate: number | undefined;
  readonly grants: readonly ModelGrant[];
  readonly steps: readonly ReportStep[];
  readonly queries: Queries;
}

const SUBJECT = { customerId: "c" };
const DAY = 86_400_000;
const VALUES = [0, 1, 2, 3, 0.1, 0.2, 0.7, 10, -1, -0.1, -100];

/** Reports on a catalog, with repeats, late ones and a clock that also steps back; and what a check is told after each. */
export const REPORTS: Kind<ReportCase> = {
  name: "reports",
  share: 1,
  generate: (random) => {
    const now = Date.UTC(2026, 2, 10, 10, 5) + random.below(30 * DAY);
    return {
      now,
      limit: random.pick([1, 5, 10, 0.3]),
      resetPeriod: random.chance(0.7) ? random.pick(["MONTH", "DAY", "YEAR", "WEEK"] as const) : undefined,
      anchor: random.pick([Date.UTC(2026, 0, 31), Date.UTC(2024, 1, 29), Date.UTC(2026, 0, 15)]),
      rate: random.chance(0.6) ? random.pick([1, 2, 0.1, 0.25]) : undefined,
      grants: Array.from({ length: random.below(4) }, (_, index) => ({
        id: `grant-${index}`,
        amount: someAmount(random) % 1_000 || 1,
        priority: index + (random.chance(0.5) ? 0 : 10),
        ...(random.chance(0.4) ? { expiresAt: now + random.pick([1, DAY, 3 * DAY]) } : {}),
      })),
      steps: Array.from({ length: 1 + random.below(8) }, () => someStep(random, now)),
      queries: {
        features: [{ ...someFeatureQuery(random), featureId: "calls" }],
        credits: [{ ...someCreditQuery(random), currencyId: "ink" }],
      },
    };
  },
  run: async ({ now, limit, resetPeriod, anchor, rate, grants, steps, queries }) => {
    const clock = new ManualClock(now);
    const terms = {
      limit,
      ...(resetPeriod === undefined ? {} : { resetPeriod, resetAnchor: "SubscriptionStart" as const }),
      ...(rate === undefined ? {} : { creditRate: { currency: "ink", amount: rate } }),
    };
    const engine = await openCatalog({
      source: {
        catalog: {
          features: [{ id: "calls", kind: "metered" }],
          creditCurrencies: [{ id: "ink", displayName: "ink" }],
          plans: [{ id: "plan", entitlements: { calls: terms } }],
          // Without a grant there is no wallet, so there is one of nothing that never mattered.
          customers: [
            {
              id: "c",
              plan: "plan",
              anchor,
              creditGrants: [
                ...grants.map((grant) => ({ currency: "ink", ...grant })),
                { id: "last", currency: "ink", amount: 1, priority: 100 },
              ],
            },
          ],
        },
      },
      clock,
      logger: new RecordingLogger(),
    });
    const model = new ModelLedger({ limit, resetPeriod, anchor, rate }, [
      ...grants,
      { id: "last", amount: 1, priority: 100 },
    ]);
    for (const [index, step] of steps.entries()) {
      if (step.step === "wait") clock.set(clock.now() + step.ms);
      else {
        const { key, value, behavior, timestamp } = step.report;
        const report = {
          subject: SUBJECT,
          featureId: "calls",
          value,
          updateBehavior: behavior,
          dimensions: new Map(),
          timestamp,
          idempotencyKey: key,
          keyOrigin: "caller",
        } as const;
        const isTaken = await engine.reportUsage([report]).then(() => true, isRefusal);
        const difference = differenceAt(
          `step ${index + 1}: whether it is taken`,
          isTaken,
          model.report(step.report, clock.now()) !== "refused",
        );
        if (difference !== undefined) return difference;
      }
      const difference = compareAnswers(
        `step ${index + 1}`,
        engine.stateOf(SUBJECT),
        model.state(clock.now()),
        queries,
        clock.now(),
      );
      if (difference !== undefined) return difference;
    }
    return undefined;
  },
};

function someStep(random: Random, now: number): ReportStep {
  if (random.chance(0.2)) return { step: "wait", ms: random.pick([1, 3_600_000, DAY, -3_600_000, -DAY]) };
  const behavior = random.chance(0.8) ? "DELTA" : "SET";
  const value = random.pick(VALUES);
  return {
    step: "report",
    report: {
      key: random.pick(["a", "b", "c", "d", "e", "f", "g", "h"]),
      value: behavior === "SET" ? Math.abs(value) : value,
      behavior,
      ...(random.chance(0.3) ? { timestamp: now - random.pick([0, DAY, 2 * DAY]) } : {}),
    },
  };
}

function isRefusal(error: unknown): false {
  if (error instanceof CodedError) return false;
  throw error;
}
