import { expect, it } from "vitest";
import { MAX_KEYS, UsageLedger } from "../../../src/adapters/catalog/usage-ledger.js";

const NOTHING = { usage: [], wallets: [], keys: [] };

it("a ledger remembers the latest keys, and no more than it can hold", () => {
  const ledger = new UsageLedger();
  ledger.apply({ ...NOTHING, keys: Array.from({ length: MAX_KEYS + 1 }, (_, index) => `key ${index}`) });
  expect([ledger.hasKey("key 0"), ledger.hasKey("key 1"), ledger.hasKey(`key ${MAX_KEYS}`)]).toEqual([false, true, true]);
});

it("a ledger is what its records say, read once or twice, whatever their number", () => {
  const usage = Array.from({ length: 1_234 }, (_, index) => [`c${index}`, index % 2 === 0 ? null : "r", "f", index, null, null, index] as const);
  const wallets = [["c1", null, "ink", [["grant 1", 3, null], ["grant 2", 4, 99]], 5, 6, 2_000]] as const;
  const ledger = new UsageLedger();
  ledger.apply({ usage, wallets, keys: ["k"] });
  const copy = new UsageLedger();
  for (const record of [...ledger.records(), ...ledger.records()]) copy.apply(record);
  expect([...copy.records()]).toEqual([...ledger.records()]);
  expect([copy.usage({ customerId: "c3", resourceId: "r" }, "f")?.amount, copy.wallet({ customerId: "c1" }, "ink")?.overdraft, copy.latestUpdate]).toEqual([3, 5, 2_000]);
});
