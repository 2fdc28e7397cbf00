import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { CatalogEngine } from "../../../../../src/adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../../../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../../../../src/adapters/catalog/file/catalog-input.js";
import { applySubjectChange, type Change, type UsageUpdated } from "../../../../../src/domain/change.js";
import { type CustomerState, isEmptyState } from "../../../../../src/domain/customer-state.js";
import { CodedError } from "../../../../../src/domain/errors.js";
import { newestState } from "../../../../../src/domain/newest-wins.js";
import type { Subject } from "../../../../../src/domain/subject.js";
import { usageAt } from "../../../../../src/domain/usage/usage.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../../../src/domain/usage/usage-report.js";
import { anyCatalog, anyEvent, anyReport, CATALOG_NOW, CATALOG_SUBJECTS } from "../../../../builders/catalogs.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

type Step =
  | { readonly do: "edit"; readonly catalog: CatalogInput }
  | { readonly do: "report"; readonly reports: readonly (UsageReport & { readonly ago: number | undefined })[] }
  | { readonly do: "event"; readonly event: UsageEvent }
  | { readonly do: "wait"; readonly ms: number }
  /** A fetch that was begun before another step and is stored only after it. */
  | { readonly do: "fetch slowly"; readonly index: number }
  | { readonly do: "store what is late" };

const HOUR_MS = 3_600_000;

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edit" as const), catalog: anyCatalog }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      reports: fc.array(anyReport, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("event" as const), event: anyEvent }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(0, 1, 7 * HOUR_MS + 1, 9 * 24 * HOUR_MS + 3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("fetch slowly" as const), index: fc.nat(CATALOG_SUBJECTS.length - 1) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "store what is late" as const }) },
);

/** A reader that fetched each subject once and then heeds the stream, by the rules of the domain alone. */
class Follower {
  readonly #engine: CatalogEngine;
  readonly #clock: ManualClock;
  readonly #states = new Map<Subject, CustomerState>();
  #late: (() => void)[] = [];
  #lookedAt = 0;

  constructor(engine: CatalogEngine, clock: ManualClock) {
    this.#engine = engine;
    this.#clock = clock;
    for (const subject of CATALOG_SUBJECTS) this.#states.set(subject, engine.stateOf(subject));
    engine.subscribe((change) => this.#heed(change));
  }

  fetchSlowly(subject: Subject): void {
    const state = this.#engine.stateOf(subject);
    if (isEmptyState(state)) return;
    this.#late.push(() => {
      const stored = this.#states.get(subject);
      // What is empty has no timestamp: that is why a fetch that was superseded is never trusted (ports/cache-store).
      if (stored !== undefined && !isEmptyState(stored)) this.#states.set(subject, newestState(stored, state));
    });
  }

  measuredLate(measurements: readonly UsageMeasurement[]): void {
    for (const { subject, featureId, credit, currentUsage, ...usage } of measurements) {
      const received = { ...usage, currentUsage: currentUsage ?? 0 };
      this.#late.push(() =>
        this.#heed({
          type: "usage-updated",
          subject,
          entitlement: { type: "feature", id: featureId },
          usage: received,
        }),
      );
      if (credit === undefined) continue;
      const { currencyId: id, ...drawn } = credit;
      this.#late.push(() =>
        this.#heed({
          type: "usage-updated",
          subject,
          entitlement: { type: "credit", id },
          usage: drawn,
        } satisfies UsageUpdated),
      );
    }
  }

  storeWhatIsLate(): void {
    for (const store of this.#late.splice(0)) store();
  }

  /** What the follower would answer from, where that may be answered from without asking. */
  *usable(): Iterable<readonly [Subject, CustomerState]> {
    const now = this.#clock.now();
    const hasTimePassed = now > this.#lookedAt;
    this.#lookedAt = now;
    for (const subject of CATALOG_SUBJECTS) {
      const stored = this.#states.get(subject);
      // What is empty cannot say how long it holds, so it is believed for a short time only.
      const isOver = stored === undefined || (isEmptyState(stored) ? hasTimePassed : now >= stored.validUntil);
      if (isOver) this.#states.set(subject, this.#engine.stateOf(subject));
      else yield [subject, stored];
    }
  }

  #heed(change: Change): void {
    if (change.type === "package-published") return;
    const { customerId, resourceId } = change.subject;
    for (const subject of CATALOG_SUBJECTS) {
      if (subject.customerId !== customerId) continue;
      const stored = this.#states.get(subject);
      if (subject.resourceId === resourceId) {
        const effect = applySubjectChange(stored, change);
        if ("state" in effect) this.#states.set(subject, effect.state);
        else if (effect.effect !== "none") this.#states.delete(subject);
      }
      // A store holds a customer's resources as stale when the customer changes; only for those that the
      // catalog does not list is that needed.
      else if (
        resourceId === undefined &&
        change.type === "entitlements-updated" &&
        stored !== undefined &&
        isEmptyState(stored)
      ) {
        this.#states.delete(subject);
      }
    }
  }
}

function readingOf(state: CustomerState, now: number) {
  return {
    reason: state.accessDeniedReason,
    features: [...state.features()].map((entitlement) => [
      entitlement,
      { ...usageAt(state.featureUsage(entitlement.feature.id), entitlement.resetPeriod, now), updatedAt: undefined },
    ]),
    credits: [...state.credits()].map((entitlement) => [
      entitlement,
      { ...state.creditUsage(entitlement.currency.currencyId), updatedAt: undefined },
    ]),
  };
}

async function take(step: Step, engine: CatalogEngine, clock: ManualClock, follower: Follower): Promise<void> {
  switch (step.do) {
    case "edit": {
      engine.replace(step.catalog);
      return;
    }
    case "report": {
      const reports = step.reports.map(({ ago, ...report }) => ({
        ...report,
        timestamp: ago === undefined ? undefined : clock.now() - ago,
      }));
      return refusable(async () => follower.measuredLate(await engine.reportUsage(reports)));
    }
    case "event":
      return refusable(() => engine.reportEvents([step.event]));
    case "wait": {
      clock.advance(step.ms);
      return;
    }
    case "fetch slowly": {
      follower.fetchSlowly(CATALOG_SUBJECTS[step.index]!);
      return;
    }
    case "store what is late": {
      follower.storeWhatIsLate();
      return;
    }
  }
}

/** Subjects that the catalog does not have, or has archived, cannot be reported of. */
async function refusable(report: () => Promise<void>): Promise<void> {
  try {
    await report();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
  }
}

describe("the stream of changes", () => {
  it("tells everything: a reader that heeds it knows what it would be told if it asked again, for everyone and at all times", async () => {
    await fc.assert(
      fc.asyncProperty(anyCatalog, fc.array(anyStep, { minLength: 1, maxLength: 25 }), async (catalog, steps) => {
        const clock = new ManualClock(CATALOG_NOW);
        const engine = await openCatalog({ source: { catalog }, clock, logger: new RecordingLogger() });
        const follower = new Follower(engine, clock);
        for (const step of steps) {
          await take(step, engine, clock, follower);
          const now = clock.now();
          for (const [subject, known] of follower.usable()) {
            expect({ subject, ...readingOf(known, now) }).toEqual({
              subject,
              ...readingOf(engine.stateOf(subject), now),
            });
          }
        }
        await engine.close();
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, (catalog: CatalogInput) => CatalogInput, readonly string[]]>([
    [
      "a feature",
      (catalog) => ({ ...catalog, features: [{ id: "f", kind: "boolean", displayName: "F" }] }),
      ["a", "b"],
    ],
    ["a plan", (catalog) => ({ ...catalog, plans: [{ id: "p", entitlements: { f: { revoked: true } } }] }), ["a"]],
    ["a customer", (catalog) => ({ ...catalog, customers: [{ id: "a", plan: "p" }, { id: "b" }] }), ["b"]],
  ])("tells of those whom an edit of %s changes", async (_what, edit, customerIds) => {
    const catalog: CatalogInput = {
      features: [{ id: "f", kind: "boolean" }],
      plans: [{ id: "p", entitlements: { f: true } }],
      customers: [
        { id: "a", plan: "p" },
        { id: "b", overrides: { f: true } },
      ],
    };
    const engine = await openCatalog({
      source: { catalog },
      clock: new ManualClock(CATALOG_NOW),
      logger: new RecordingLogger(),
    });
    const received: string[] = [];
    engine.subscribe((change) =>
      received.push(change.type === "entitlements-updated" ? change.subject.customerId : change.type),
    );
    engine.replace(edit(catalog));
    expect(received).toEqual(customerIds);
  });

  it("tells of nobody whom an edit does not change", async () => {
    await fc.assert(
      fc.asyncProperty(anyCatalog, async (catalog) => {
        const engine = await openCatalog({
          source: { catalog },
          clock: new ManualClock(CATALOG_NOW),
          logger: new RecordingLogger(),
        });
        const received: Change[] = [];
        engine.subscribe((change) => received.push(change));
        const renamed = (catalog.plans ?? []).map((plan) => ({ ...plan, displayName: "another name" }));
        engine.replace({ ...catalog, plans: [...renamed, { id: "nobody has it" }] });
        expect(received).toEqual([]);
        await engine.close();
      }),
    );
  });
});
