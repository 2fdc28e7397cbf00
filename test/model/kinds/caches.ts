import { MemoryCache } from "../../../src/adapters/cache/memory/memory-cache.js";
import { buildCustomerState, type CustomerStateInput } from "../../../src/domain/build-customer-state.js";
import type { SubjectChange } from "../../../src/domain/change.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { CacheStore } from "../../../src/ports/cache-store.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { CachedStates, type ModelChange } from "../cached-states.js";
import {
  someChange,
  someCreditQuery,
  someFeatureQuery,
  someState,
  someSubject,
  someTime,
  SUBJECTS,
} from "../generate.js";
import { type Difference, differenceAt, type Kind } from "../kind.js";
import { changeOf, compareAnswers, type Queries } from "../product.js";
import type { Random } from "../random.js";

export type CacheStep =
  | { readonly step: "change"; readonly change: ModelChange }
  | {
      readonly step: "put";
      readonly subject: Subject;
      readonly state: CustomerStateInput;
      readonly isVerified: boolean;
    }
  | { readonly step: "mark-all-stale" };

interface CacheCase {
  readonly now: number;
  readonly steps: readonly CacheStep[];
  readonly queries: Queries;
}

/** Changes and fetches in any order, and what a memory cache knows after each. */
export const CACHES: Kind<CacheCase> = {
  name: "caches",
  share: 12,
  generate: (random) => ({ ...withSteps(random), queries: someQueries(random) }),
  run: async ({ now, steps, queries }) => {
    const cache = new MemoryCache(64 * 1024 * 1024, newTelemetry());
    const model = new CachedStates();
    for (const [index, step] of steps.entries()) {
      await take(cache, model, step, now + index);
      for (const subject of SUBJECTS) {
        const difference = await compareHeld(
          `step ${index + 1}, ${JSON.stringify(subject)}`,
          cache,
          model,
          subject,
          queries,
          now + index,
        );
        if (difference !== undefined) return difference;
      }
    }
    return undefined;
  },
};

function withSteps(random: Random): { readonly now: number; readonly steps: readonly CacheStep[] } {
  const now = someTime(random);
  return { now, steps: Array.from({ length: 1 + random.below(8) }, () => someStep(random, now)) };
}

function someStep(random: Random, now: number): CacheStep {
  if (random.chance(0.05)) return { step: "mark-all-stale" };
  if (random.chance(0.4))
    return { step: "put", subject: someSubject(random), state: someState(random, now), isVerified: random.chance(0.7) };
  return { step: "change", change: someChange(random, now) };
}

export function someQueries(random: Random): Queries {
  return { features: [someFeatureQuery(random), someFeatureQuery(random)], credits: [someCreditQuery(random)] };
}

async function take(cache: CacheStore, model: CachedStates, step: CacheStep, now: number): Promise<void> {
  switch (step.step) {
    case "change":
      await cache.apply(changeOf(step.change) as SubjectChange, now);
      model.apply(step.change, now);
      break;
    case "put":
      await cache.put(step.subject, {
        state: buildCustomerState(step.state),
        verifiedAt: now,
        recheckAt: now + 1_000,
        isVerified: step.isVerified,
      });
      model.put(step.subject, {
        state: step.state,
        verifiedAt: now,
        recheckAt: now + 1_000,
        isVerified: step.isVerified,
      });
      break;
    case "mark-all-stale":
      await cache.markAllUnverified();
      model.markAllStale();
      break;
  }
}

async function compareHeld(
  at: string,
  cache: CacheStore,
  model: CachedStates,
  subject: Subject,
  queries: Queries,
  now: number,
): Promise<Difference | undefined> {
  const known = await cache.load(subject);
  const held = model.get(subject);
  const about = (
    each: { readonly verifiedAt: number; readonly recheckAt: number; readonly isVerified: boolean } | undefined,
  ) => (each === undefined ? undefined : [each.verifiedAt, String(each.recheckAt), each.isVerified]);
  const difference = differenceAt(`${at}: verified at, recheck at, is verified`, about(known), about(held));
  if (difference !== undefined || known === undefined || held === undefined) return difference;
  return compareAnswers(at, known.state, held.state, queries, now);
}
