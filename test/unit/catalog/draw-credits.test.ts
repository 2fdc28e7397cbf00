import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { consumedCredits, drawCredits } from "../../../src/adapters/catalog/draw-credits.js";
import type { WalletEntry } from "../../../src/adapters/catalog/ledger-entry.js";
import type { ActiveGrant } from "../../../src/adapters/catalog/wallet-grants.js";

const NOW = 1_000;

const anyGrants: fc.Arbitrary<readonly ActiveGrant[]> = fc
  .array(fc.record({ amount: fc.nat(50), expiresAt: fc.constantFrom(NOW + 1, NOW + 2, Infinity) }), { maxLength: 4 })
  .map((grants) => grants.map((grant, index) => ({ ...grant, key: `grant ${index}` })));

function drawAll(grants: readonly ActiveGrant[], costs: readonly number[]): WalletEntry {
  let entry: WalletEntry = { drawn: new Map(), overdraft: 0, initial: undefined, updatedAt: 0 };
  for (const cost of costs) entry = { ...entry, ...drawCredits(entry, grants, cost, NOW) };
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

  it("of grants that have ended are forgotten with the next draw", () => {
    const grants = [{ key: "lasts", amount: 5, expiresAt: Infinity }];
    const drawn = new Map([["ended", { amount: 3, expiresAt: NOW }]]);
    const entry = drawCredits({ drawn, overdraft: 0, initial: undefined, updatedAt: 0 }, grants, 2, NOW);
    expect([...entry.drawn.keys()]).toEqual(["lasts"]);
  });
});
