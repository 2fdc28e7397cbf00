import { MemoryCache } from "../../../src/adapters/cache/memory/memory-cache.js";
import { RedisCacheStore } from "../../../src/adapters/cache/redis/store/redis-cache-store.js";
import { buildCustomerState, type CustomerStateInput } from "../../../src/domain/build-customer-state.js";
import type { SubjectChange } from "../../../src/domain/change.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { Usage } from "../../../src/domain/usage/usage.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { CachedStates, keyOf, type ModelChange } from "../cached-states.js";
import { isEmpty } from "../decisions.js";
import { someChange, someState, someSubject, someTime, SUBJECTS, usualDefinition } from "../generate.js";
import type { Difference, Kind } from "../kind.js";
import { changeOf, compareAnswers, type Queries } from "../product.js";
import type { Random } from "../random.js";
import { RedisKeysModel } from "../redis-keys-model.js";
import { someQueries } from "./caches.js";

/** Which of two processes takes the step. */
type By = 0 | 1;

type RedisStep =
  | { readonly step: "change"; readonly by: By; readonly change: ModelChange }
  | { readonly step: "put"; readonly by: By; readonly subject: Subject; readonly state: CustomerStateInput };

interface RedisCase {
  readonly now: number;
  readonly steps: readonly RedisStep[];
  readonly queries: Queries;
}

/** Two processes that share a Redis: what either writes, both answer by, and a third that has just started. */
export const REDIS: Kind<RedisCase> = {
  name: "redis",
  share: 0.5,
  generate: (random) => {
    const now = someTime(random);
    return {
      now,
      steps: Array.from({ length: 1 + random.below(6) }, () => someStep(random, now)),
      queries: someQueries(random),
    };
  },
  run: async ({ now, steps, queries }) => {
    const clock = new ManualClock(now);
    const stores: RedisCacheStore[] = [];
    const commands = new RedisKeysModel(
      () => clock.now(),
      (key) => {
        for (const store of stores) store.coherence.invalidated(key);
      },
    );
    const open = () => {
      const store = openStore(commands, clock);
      stores.push(store);
      store.coherence.coherent();
      return store;
    };
    const both = [open(), open()] as const;
    const model = new CachedStates();
    const usages = new KeptUsages();
    const emptied = new Set<string>();
    for (const [index, step] of steps.entries()) {
      clock.advance(1);
      await take(both[step.by], model, usages, consistent(step, now, emptied, index), clock.now());
      for (const subject of SUBJECTS) usages.keep(subject, model.get(subject)?.state);
    }
    return compareAll([...both, open()], model, queries, clock.now());
  },
};

async function compareAll(
  stores: readonly RedisCacheStore[],
  model: CachedStates,
  queries: Queries,
  now: number,
): Promise<Difference | undefined> {
  for (const subject of SUBJECTS) {
    const held = model.get(subject);
    if (held === undefined) continue;
    for (const [process, store] of stores.entries()) {
      const known = await store.load(subject);
      const where = `process ${process}, ${JSON.stringify(subject)}`;
      // Redis may know less than was reported, never something else.
      if (known === undefined) return held.isVerified ? { at: where, product: undefined, model: "a state" } : undefined;
      const difference = compareAnswers(where, known.state, held.state, queries, now);
      if (difference !== undefined) return difference;
    }
  }
  return undefined;
}

async function take(
  store: RedisCacheStore,
  model: CachedStates,
  usages: KeptUsages,
  step: RedisStep,
  now: number,
): Promise<void> {
  if (step.step === "put") {
    usages.received(step.subject, step.state);
    await store.put(step.subject, {
      state: buildCustomerState(step.state),
      verifiedAt: now,
      recheckAt: Infinity,
      isVerified: true,
    });
    model.put(step.subject, {
      state: usages.in(step.subject, step.state),
      verifiedAt: now,
      recheckAt: Infinity,
      isVerified: true,
    });
  } else {
    await store.apply(changeOf(step.change) as SubjectChange, now);
    const { change } = step;
    model.apply(
      change.type === "entitlements-updated" ? { ...change, state: usages.in(change.subject, change.state) } : change,
      now,
    );
  }
}

function openStore(commands: RedisKeysModel, clock: ManualClock): RedisCacheStore {
  return new RedisCacheStore({
    near: new MemoryCache(64 * 1024 * 1024, newTelemetry()),
    commands,
    environment: "test",
    clock,
    logger: new RecordingLogger(),
    commandTimeoutMs: 250,
    ttlMs: Infinity,
  });
}

function someStep(random: Random, now: number): RedisStep {
  const by = random.pick([0, 1] as const);
  if (random.chance(0.5)) return { step: "put", by, subject: someSubject(random), state: someState(random, now) };
  return { step: "change", by, change: someChange(random, now) };
}

/** Usages have keys of their own in Redis, which outlive the state: the newest counts also where that was gone meanwhile. */
class KeptUsages {
  readonly #usages = new Map<string, Usage>();

  keep(subject: Subject, { features = [], credits = [] }: CustomerStateInput = {}): void {
    for (const { feature, usage } of features)
      if (usage !== undefined) this.#usages.set(this.#keyOf(subject, "feature", feature.id), usage);
    for (const { currency, usage } of credits)
      if (usage !== undefined) this.#usages.set(this.#keyOf(subject, "credit", currency.currencyId), usage);
  }

  /** A set that is older than what is stored is dropped; its usages have keys of their own, and count where they are newer. */
  received(subject: Subject, state: CustomerStateInput): void {
    this.keep(subject, this.in(subject, state));
  }

  in(subject: Subject, state: CustomerStateInput): CustomerStateInput {
    const newer = (key: string, own: Usage | undefined) => {
      const kept = this.#usages.get(key);
      return kept !== undefined && (kept.updatedAt ?? 0) > (own?.updatedAt ?? 0)
        ? { ...kept, periodAnchor: own?.periodAnchor }
        : own;
    };
    return {
      ...state,
      features: (state.features ?? []).map((each) => ({
        ...each,
        usage: newer(this.#keyOf(subject, "feature", each.feature.id), each.usage),
      })),
      credits: (state.credits ?? []).map((each) => ({
        ...each,
        usage: newer(this.#keyOf(subject, "credit", each.currency.currencyId), each.usage),
      })),
    };
  }

  #keyOf(subject: Subject, type: string, id: string): string {
    return JSON.stringify([keyOf(subject), type, id]);
  }
}

/** As an upstream tells it: each feature has one definition, and what is not metered has no usage. */
function consistent(step: RedisStep, now: number, emptied: Set<string>, index: number): RedisStep {
  // What comes after a customer was gone is later than all before it: an empty set has no timestamp to tell by.
  const inOrder = (subject: Subject, state: CustomerStateInput) => {
    // Also one whose entitlements could not be read: to others it is empty, and its timestamp with it.
    if ((state.features ?? []).length + (state.credits ?? []).length === 0) emptied.add(keyOf(subject));
    return consistentState(emptied.has(keyOf(subject)) ? { ...state, updatedAt: now + 10 + index } : state, now);
  };
  if (step.step === "put") return { ...step, state: inOrder(step.subject, step.state) };
  const { change } = step;
  switch (change.type) {
    case "entitlements-updated":
      // What Redis forgets of a subject are its entitlements; its usages stay, and are the newest for whoever asks next.
      if (isEmpty(change.state) && change.state.accessDeniedReason === undefined)
        return { ...step, change: { type: "subject-invalidated", subject: change.subject } };
      return { ...step, change: { ...change, state: inOrder(change.subject, change.state) } };
    case "usage-updated":
      return { ...step, change: { ...change, usage: { ...change.usage, updatedAt: change.usage.updatedAt ?? now } } };
    case "subject-invalidated":
      return step;
  }
}

/** Everything has a timestamp: what has none is ordered by when it is written, which differs from cache to cache. */
function consistentState(state: CustomerStateInput, now: number): CustomerStateInput {
  const dated = (usage: Usage | undefined) => ({ currentUsage: 0, ...usage, updatedAt: usage?.updatedAt ?? now });
  return {
    ...state,
    updatedAt: state.updatedAt ?? now,
    features: (state.features ?? []).map(({ usage, ...each }) => {
      const feature = usualDefinition(each.feature.id);
      return { ...each, feature, usage: feature.meterType === undefined ? { currentUsage: 0 } : dated(usage) };
    }),
    credits: (state.credits ?? []).map((each) => ({ ...each, usage: dated(each.usage) })),
  };
}
