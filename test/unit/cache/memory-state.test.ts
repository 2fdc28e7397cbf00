import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryAccount } from "../../../src/adapters/cache/memory-account.js";
import { MemoryState } from "../../../src/adapters/cache/memory-state.js";
import { StateCompactor } from "../../../src/adapters/cache/state-compactor.js";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";

const STATE = new StateCompactor(new MemoryAccount()).keep(buildCustomerState({ accessDeniedReason: undefined, updatedAt: undefined, tellsWallets: true, features: [], credits: [] }));

describe("a state's moments", () => {
  const moments = fc.oneof(fc.integer({ min: 0, max: 8_640_000_000_000_000 }), fc.double({ min: 0, max: 8.64e15, noNaN: true }), fc.constant(Infinity));

  it("are those that it was given, however they are kept", () => {
    fc.assert(
      fc.property(moments, moments, (verifiedAt, recheckAt) => {
        const held = new MemoryState(STATE, verifiedAt, recheckAt, 1);
        expect([held.verifiedAt, held.recheckAt]).toEqual([verifiedAt, recheckAt]);
        expect([held.asUnverified().verifiedAt, held.asUnverified().recheckAt]).toEqual([verifiedAt, recheckAt]);
      }),
    );
  });
});
