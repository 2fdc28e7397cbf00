import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CustomerTable } from "../../../../../src/adapters/cache/memory/customer-table.js";
import { MemoryState, UNVERIFIED } from "../../../../../src/adapters/cache/memory/memory-state.js";
import { MemoryAccount } from "../../../../../src/adapters/cache/memory/shared-pool.js";
import { StateCompactor } from "../../../../../src/adapters/cache/memory/state-compactor.js";
import { states, times } from "../../../../builders/arbitraries.js";
import { contentsOf } from "../../../../builders/states.js";

const UNTIL_2088 = Date.UTC(2088, 0);
const FIRST = Date.UTC(1951, 11, 13, 20, 45, 52);

describe("a state that is held", () => {
  const anyTimestamps = fc.oneof(
    times,
    fc.integer({ min: 0, max: UNTIL_2088 }),
    fc.double({ min: 0, max: UNTIL_2088, noNaN: true }),
    fc.constant(Infinity),
  );
  const generations = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  const readOf = ({ verifiedAt, recheckAt, generation }: MemoryState) => [verifiedAt, recheckAt, generation];

  it("has the generation and, in whole milliseconds, the timestamps that it was given, and for the rest is as before, also out of a table", () => {
    fc.assert(
      fc.property(states, anyTimestamps, anyTimestamps, generations, (state, verifiedAt, recheckAt, generation) => {
        const compact = new StateCompactor(new MemoryAccount()).keep(state);
        const held = MemoryState.of(compact, verifiedAt, recheckAt, generation);
        const table = new CustomerTable();
        const at = table.add("acme", 1);
        expect(table.ownAt(at)).toBeUndefined();
        table.setOwn(at, held);
        const found = table.ownAt(at)!;
        const unverified = found.asUnverified();
        expect(unverified.asUnverified()).toBe(unverified);
        const whole = [Math.floor(verifiedAt), Math.floor(recheckAt)];
        expect([held, found, unverified].map(readOf)).toEqual([
          [...whole, generation],
          [...whole, generation],
          [...whole, UNVERIFIED],
        ]);
        for (const each of [held, found, unverified]) expect(contentsOf(each)).toEqual(contentsOf(state));
      }),
    );
  });

  it.each([
    ["before anything is known", -Infinity, FIRST],
    ["long ago", Date.UTC(1900, 0), FIRST],
    ["in 2088", Date.UTC(2089, 0), Infinity],
    ["at the end of time", 8_640_000_000_000_000, Infinity],
  ])("takes a timestamp %s for the nearest that it can tell", (_, timestamp, received) => {
    const compact = new StateCompactor(new MemoryAccount()).keep(fc.sample(states, 1)[0]!);
    const { verifiedAt, recheckAt } = MemoryState.of(compact, timestamp, timestamp, 1);
    expect([verifiedAt, recheckAt]).toEqual([received, received]);
  });
});
