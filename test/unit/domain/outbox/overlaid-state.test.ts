import { describe, expect, it } from "@jest/globals";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import { OverlaidState, overlaidUsage } from "../../../../src/domain/outbox/overlaid-state.js";
import type { PendingAmounts } from "../../../../src/domain/outbox/pending-amounts.js";
import { usageReport } from "../../../builders/reports.js";
import { boolean, contentsOf, metered, stateWith, wallet } from "../../../builders/states.js";

const NOW = 10_000;
const SUBJECT = { customerId: "c" };

/** 8 seats are used, each of which costs 2 of 100 credits, 40 of which are consumed. */
const known = stateWith(
  [metered({ id: "seats", creditRate: { amount: 2, currencyId: "credits" } }), metered({ id: "calls" }), boolean()],
  {
    credits: [wallet({ used: 40 }), wallet({ currencyId: "tokens", used: 5 })],
    unknown: [{ type: "feature", id: "x" }],
    updatedAt: 7,
    accessDeniedReason: "NoActiveSubscription",
  },
);

function accepted(...values: readonly { readonly featureId: string; readonly value: number }[]) {
  const outbox = new OutboxState();
  for (const parts of values) {
    const report = { ...usageReport({ subject: SUBJECT, ...parts }), timestamp: NOW };
    outbox.apply({ type: "usage-accepted", at: NOW, items: [outbox.reserve(report, Infinity, NOW)] });
  }
  return outbox.seriesOf(SUBJECT);
}

const ofOthers = (featureId: string, value: number, behavior: "DELTA" | "SET" = "DELTA"): PendingAmounts =>
  new Map([[featureId, [{ behavior, value, group: Infinity }]]]);

function overlaidState(
  state: CustomerState,
  own: ReturnType<typeof accepted> | undefined,
  others: readonly PendingAmounts[],
): OverlaidState {
  const pending = { mayHave: () => true, of: () => ({ own, others }) };
  return new OverlaidState(state, pending, SUBJECT.customerId, undefined, NOW);
}

describe("a state with what waits in the outbox", () => {
  it("is as it was in everything but usage", () => {
    const overlaid = overlaidState(known, accepted({ featureId: "other", value: 1 }), []);
    expect(contentsOf(overlaid)).toEqual(contentsOf(known));
    expect(overlaid.unknown).toEqual(known.unknown);
    expect(overlaid.feature("seats")).toBe(known.feature("seats"));
    expect(overlaid.credit("credits")).toBe(known.credit("credits"));
    expect(overlaid.featureUsage("seats")).toBe(known.featureUsage("seats"));
  });

  it("is rounded once, however many amounts there are", () => {
    const amounts = Array.from({ length: 1_000 }, () => ({
      behavior: "DELTA" as const,
      value: 0.000_001,
      group: Infinity,
    }));
    expect(overlaidUsage({ currentUsage: 123_456_789_012.345 }, amounts, NOW).currentUsage).toBe(123_456_789_012.346);
  });

  it("takes other usages as the state that it lies over does", () => {
    const usages = { features: new Map([["seats", { currentUsage: 1 }]]) };
    const overlaid = overlaidState(known, accepted({ featureId: "seats", value: 1 }), []);
    expect(contentsOf(overlaid.withUsages(usages))).toEqual(contentsOf(known.withUsages(usages)));
  });

  it.each([
    { what: "nothing", own: undefined, others: [], used: 8 },
    { what: "what waits here", own: [{ featureId: "seats", value: 3 }], others: [], used: 11 },
    { what: "what waits of another feature", own: [{ featureId: "calls", value: 3 }], others: [], used: 8 },
    { what: "what waits elsewhere", own: undefined, others: [ofOthers("seats", 4)], used: 12 },
    {
      what: "what waits here and in two other places",
      own: [{ featureId: "seats", value: 3 }],
      others: [ofOthers("seats", 4), ofOthers("calls", 9), ofOthers("seats", 5)],
      used: 20,
    },
    {
      what: "what others set, and then what waits here",
      own: [{ featureId: "seats", value: 3 }],
      others: [ofOthers("seats", 1, "SET")],
      used: 4,
    },
    { what: "no less than nothing", own: [{ featureId: "seats", value: -20 }], others: [], used: 0 },
  ])("counts $what", ({ own, others, used }) => {
    const overlaid = overlaidState(known, own && accepted(...own), others);
    expect(overlaid.featureUsage("seats").currentUsage).toBe(used);
  });

  it.each([
    { what: "what is used here", own: [{ featureId: "seats", value: 3 }], others: [], credits: 46 },
    { what: "what is used elsewhere", own: undefined, others: [ofOthers("seats", 5)], credits: 50 },
    {
      what: "both",
      own: [{ featureId: "seats", value: 3 }],
      others: [ofOthers("seats", 5)],
      credits: 56,
    },
    { what: "nothing for what costs none", own: [{ featureId: "calls", value: 3 }], others: [], credits: 40 },
    {
      what: "nothing for what the customer does not have",
      own: [{ featureId: "no", value: 3 }],
      others: [],
      credits: 40,
    },
    { what: "what is given back", own: [{ featureId: "seats", value: -3 }], others: [], credits: 34 },
  ])("has the wallet pay for $what", ({ own, others, credits }) => {
    const overlaid = overlaidState(known, own && accepted(...own), others);
    expect(overlaid.creditUsage("credits").currentUsage).toBe(credits);
    expect(overlaid.creditUsage("tokens").currentUsage).toBe(5);
  });

  it("begins at 0 where the period that the usage belongs to is over", () => {
    const usage = { currentUsage: 8, periodEnd: NOW - 1 };
    const state = stateWith([metered({ usage })]);
    const overlaid = overlaidState(state, accepted({ featureId: "seats", value: 3 }), []);
    expect(overlaid.featureUsage("seats").currentUsage).toBe(3);
  });
});
