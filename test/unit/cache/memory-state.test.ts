import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryAccount } from "../../../src/adapters/cache/memory-account.js";
import { MemoryState } from "../../../src/adapters/cache/memory-state.js";
import { UNVERIFIED } from "../../../src/adapters/cache/own-numbers.js";
import { StateCompactor } from "../../../src/adapters/cache/state-compactor.js";
import { moments, states } from "../../builders/arbitraries.js";
import { contentsOf } from "../../builders/states.js";

describe("a state that is held", () => {
  const anyMoments = fc.oneof(moments, fc.integer({ min: 0, max: 8_640_000_000_000_000 }), fc.double({ min: 0, max: 8.64e15, noNaN: true }), fc.constant(Infinity));
  const holdings = fc.record({ verifiedAt: anyMoments, recheckAt: anyMoments, generation: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 2 })) });
  const readOf = ({ verifiedAt, recheckAt, generation }: MemoryState) => ({ verifiedAt, recheckAt, generation });

  it("has the moments and the generation that it was given, and for the rest is as before", () => {
    fc.assert(
      fc.property(states, holdings, holdings, (state, holding, next) => {
        const compact = new StateCompactor(new MemoryAccount()).keep(state);
        const held = MemoryState.of(compact, holding);
        expect(readOf(held)).toEqual(holding);
        const unverified = held.asUnverified();
        expect(readOf(unverified)).toEqual({ ...holding, generation: UNVERIFIED });
        expect(unverified.asUnverified()).toBe(unverified);
        expect(readOf(MemoryState.of(unverified, next))).toEqual(next);
        expect(readOf(held)).toEqual(holding);
        for (const each of [held, unverified]) expect(contentsOf(each)).toEqual(contentsOf(state));
      }),
    );
  });
});
