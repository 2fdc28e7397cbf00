import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type ActiveGrant,
  consumedCredits,
  drawCredits,
} from "../../../../../src/adapters/catalog/engine/draw-credits.js";
import type { WalletEntry } from "../../../../../src/adapters/catalog/ledger/ledger-entry.js";

const NOW = 1_000;

const anyGrants: fc.Arbitrary<readonly ActiveGrant[]> = fc
  .array(fc.record({ amount: fc.nat(50), expiresAt: fc.constantFrom(NOW + 1, NOW + 2, Infinity) }), { maxLength: 4 })
  .map((grants) => grants.map((grant, index) => ({ ...grant, key: `grant ${index}` })));

function drawAll(grants: readonly ActiveGrant[], costs: readonly number[]): WalletEntry {
  let entry: WalletEntry = { drawn: new Map(), overdraft: 0, initial: undefined, updatedAt: 0 };
  for (const cost of costs) entry = { ...entry, ...drawCredits(entry, grants, cost) };
  return entry;
}

describe("credits that are drawn", () => {
  it("are consumed to the last, within the grants as long as they last", () => {
    fc.assert(
      fc.property(anyGrants, fc.array(fc.nat(40)), (grants, costs) => {
        const entry = drawAll(grants, costs);
        const cost = costs.reduce((sum, each) => sum + each, 0);
        const granted = grants.reduce((sum, { amount }) => sum + amount, 0);
        expect(consumedCredits(entry, grants)).toBe(cost);
        expect(entry.overdraft).toBe(Math.max(0, cost - granted));
        for (const { key, amount } of grants) expect(entry.drawn.get(key)?.amount ?? 0).toBeLessThanOrEqual(amount);
      }),
    );
  });

  it("and given back again leave nothing drawn", () => {
    fc.assert(
      fc.property(anyGrants, fc.nat(200), fc.nat(200), (grants, cost, more) => {
        expect(consumedCredits(drawAll(grants, [cost, -cost - more]), grants)).toBe(0);
      }),
    );
  });

  it("in fractions are consumed to the last digit", () => {
    const grants = [{ key: "a", amount: 0.3, expiresAt: Infinity }];
    expect(drawAll(grants, [0.1, 0.2])).toMatchObject({
      drawn: new Map([["a", { amount: 0.3, expiresAt: Infinity }]]),
      overdraft: 0,
    });
  });

  it("of grants that have ended are remembered, since a clock that was ahead is set right, but not without end", () => {
    const active = { key: "active", amount: 1_000, expiresAt: Infinity };
    let entry = drawAll([active], [1]);
    for (let month = 0; month < 40; month++)
      entry = { ...entry, ...drawCredits(entry, [{ key: `month ${month}`, amount: 1, expiresAt: NOW }, active], 1) };
    const known = [...entry.drawn.keys()];
    expect(known).toContain("month 38");
    expect(known.length).toBeLessThan(20);
    const before = consumedCredits(entry, [{ key: "month 38", amount: 1, expiresAt: NOW }]);
    expect(before).toBe(1);
  });
});
