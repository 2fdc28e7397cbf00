import { expect, it } from "@jest/globals";
import {
  MAX_UNMATCHED_NAMES,
  OTHER_EVENTS,
  UsageLedger,
} from "../../../../../src/adapters/catalog/ledger/usage-ledger.js";

const NOTHING = { usage: [], wallets: [], keys: [], unmatched: [] };

it("a ledger remembers the latest keys, and no more than it can hold", () => {
  const ledger = new UsageLedger(100);
  ledger.apply({ ...NOTHING, keys: Array.from({ length: 101 }, (_, index) => [`key ${index}`, "", null] as const) });
  const isKnown = (key: string) => ledger.remembered(key) !== undefined;
  expect([isKnown("key 0"), isKnown("key 1"), isKnown("key 100")]).toEqual([false, true, true]);
});

it("a ledger counts unmatched events by name, and those of names beyond many together", () => {
  const ledger = new UsageLedger();
  ledger.apply({
    ...NOTHING,
    unmatched: Array.from({ length: MAX_UNMATCHED_NAMES }, (_, index) => [`event ${index}`, 2] as const),
  });
  expect([ledger.unmatchedName("event 3"), ledger.unmatched("event 3"), ledger.unmatchedName("one more")]).toEqual([
    "event 3",
    2,
    OTHER_EVENTS,
  ]);
});

it("a ledger is what its records say, read once or twice, whatever their number", () => {
  const usage = Array.from(
    { length: 1_234 },
    (_, index) =>
      [
        `c${index}`,
        index % 2 === 0 ? null : "r",
        "f",
        [
          [null, index],
          [5, "12345678901234501e-5"],
        ],
        null,
        index,
      ] as const,
  );
  const wallets = [
    [
      "c1",
      null,
      "ink",
      [
        ["grant 1", 3, null],
        ["grant 2", 4, 99],
      ],
      5,
      6,
      2_000,
    ],
  ] as const;
  const keys = [
    ["k", "content", [1, null, 2, 3, ["ink", 4, null, 5]]],
    ["l", "", null],
  ] as const;
  const ledger = new UsageLedger();
  ledger.apply({ usage, wallets, keys, unmatched: [["e", 3]] });
  const copy = new UsageLedger();
  for (const record of [...ledger.records(), ...ledger.records()]) copy.apply(record);
  expect([...copy.records()]).toEqual([...ledger.records()]);
  expect(copy.usage({ customerId: "c3", resourceId: "r" }, "f")?.amounts).toEqual([
    { periodStart: undefined, amount: 3 },
    { periodStart: 5, amount: "12345678901234501e-5" },
  ]);
  expect([copy.wallet({ customerId: "c1" }, "ink")?.overdraft, copy.latestUpdate, copy.unmatched("e")]).toEqual([
    5, 2_000, 3,
  ]);
  expect(copy.remembered("k")).toEqual({
    content: "content",
    answer: {
      currentUsage: 1,
      periodStart: undefined,
      periodEnd: 2,
      updatedAt: 3,
      credit: { currencyId: "ink", currentUsage: 4, periodEnd: undefined, updatedAt: 5 },
    },
  });
  expect(copy.remembered("l")).toEqual({ content: "", answer: undefined });
});
