import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MemoryCache } from "../../../../src/adapters/cache/memory/memory-cache.js";
import { CachedStates } from "../../../../src/adapters/cache/snapshot/cached-states.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { newTelemetry } from "../../../../src/ports/telemetry.js";
import { optional, states, times } from "../../../builders/arbitraries.js";
import { contentsOf, metered, stateWith } from "../../../builders/states.js";

const newCache = () => new MemoryCache(50_000_000, newTelemetry());
const ids = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
const subjects: fc.Arbitrary<Subject> = fc.record({ customerId: ids, resourceId: optional(ids) });
const recheckTimes = fc.oneof(times, fc.constant(Infinity));

it("states that were written are cached as they were, and nothing vouches for them", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(subjects, states, times, recheckTimes), { maxLength: 6 }), (list) => {
      const before = newCache();
      for (const [subject, state, verifiedAt, recheckAt] of list)
        before.keep(subject, { state, verifiedAt, recheckAt, isVerified: true });
      const all = [...new CachedStates(before).subjects()].flat();
      const bytes = new CachedStates(before).encode(all);
      const after = newCache();
      new CachedStates(after).restore(bytes);
      for (const subject of all) {
        const [was, is] = [before.find(subject), after.find(subject)];
        expect(is && { ...is, state: contentsOf(is.state), isVerified: false }).toEqual(
          was && { ...was, state: contentsOf(was.state), isVerified: false },
        );
        expect(is?.isVerified).toBe(false);
      }
      expect(after.size.subjects).toBe(before.size.subjects);
    }),
  );
});

it("a subject that is not cached any more is not afterwards either", () => {
  const cache = newCache();
  const [customer] = [{ customerId: "c" }];
  fc.assert(
    fc.property(states, (state) => {
      cache.keep(customer, { state, verifiedAt: 1, recheckAt: Infinity, isVerified: true });
      const gone = new CachedStates(newCache()).encode([customer]);
      new CachedStates(cache).restore(gone);
      expect(cache.find(customer)).toBeUndefined();
    }),
  );
});

it("what are no states caches nothing, whatever it is", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.tuple(subjects, states), { minLength: 1, maxLength: 3 }),
      fc.nat(),
      (noise, list, cutAt) => {
        const cache = newCache();
        const from = newCache();
        for (const [subject, state] of list)
          from.keep(subject, { state, verifiedAt: 1, recheckAt: 2, isVerified: true });
        const bytes = new CachedStates(from).encode(list.map(([subject]) => subject));
        for (const wrong of [Buffer.from(noise), bytes.subarray(0, cutAt % bytes.length)]) {
          if (wrong.length === 0) continue;
          try {
            new CachedStates(cache).restore(wrong);
          } catch (error) {
            expect(error).toMatchObject({ code: "invalid-argument" });
          }
        }
      },
    ),
  );
});

it("names every subject that stays, also while others come and go", () => {
  const cache = newCache();
  const [state] = fc.sample(states, 1);
  if (state === undefined) throw new Error("no state");
  const fetched = { state, verifiedAt: 1, recheckAt: Infinity, isVerified: true };
  for (let customer = 0; customer < 5_000; customer++) cache.keep({ customerId: `stays-${customer}` }, fetched);
  for (let customer = 0; customer < 1_000; customer++) cache.keep({ customerId: `goes-${customer}` }, fetched);
  const named = new Set<string>();
  let [gone, come] = [0, 0];
  for (const slice of new CachedStates(cache).subjects()) {
    for (const { customerId } of slice) named.add(customerId);
    for (let more = 0; more < 100; more++) void cache.forget({ customerId: `goes-${gone++}` });
    if (come < 5_000) for (let more = 0; more < 200; more++) cache.keep({ customerId: `comes-${come++}` }, fetched);
  }
  for (let customer = 0; customer < 5_000; customer++) expect(named.has(`stays-${customer}`)).toBe(true);
});

describe("what states share", () => {
  const PLANS = 12;
  const customersOf = (plan: number) => [{ customerId: `a${plan}` }, { customerId: `b${plan}` }];

  function cacheOf(plans: number): MemoryCache {
    const cache = newCache();
    for (let plan = 0; plan < plans; plan++)
      for (const subject of customersOf(plan)) {
        const state = stateWith([metered({ id: `feature-${plan}` })], { updatedAt: 1 });
        cache.keep(subject, { state, verifiedAt: 1, recheckAt: Infinity, isVerified: true });
      }
    return cache;
  }

  it("is listed alike in all runs, whichever comes first in them", () => {
    const cached = new CachedStates(cacheOf(2));
    const [first, last] = customersOf(0).map((subject, place) => [subject, ...customersOf(1).slice(place)]);
    const [one, other] = [first ?? [], last?.reverse() ?? []].map((subjects) => {
      const bytes = cached.encode(subjects);
      return bytes.subarray(0, 4 + bytes.readUInt32LE());
    });
    expect(one).toEqual(other);
  });

  it("is held no longer than somebody has it, however many runs are read", () => {
    const before = cacheOf(PLANS);
    const cached = new CachedStates(before);
    const after = newCache();
    const restored = new CachedStates(after);
    for (const plan of Array.from({ length: PLANS }, (_, place) => place))
      restored.restore(cached.encode(customersOf(plan)));
    restored.onChange(() => undefined);
    expect(after.size).toEqual(before.size);
    for (let plan = 0; plan < PLANS; plan++) for (const subject of customersOf(plan)) after.restore(subject, undefined);
    expect(after.size).toEqual(newCache().size);
  });
});
