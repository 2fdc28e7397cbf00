import { describe, expect, it } from "@jest/globals";
import { UsageOverlay } from "../../../../src/application/report/usage-overlay.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import type { PendingAmounts } from "../../../../src/domain/outbox/pending-amounts.js";
import type { SharedPending } from "../../../../src/ports/shared-cache.js";
import { usageReport } from "../../../builders/reports.js";
import { metered, stateWith } from "../../../builders/states.js";

const NOW = 10_000;
/** 8 seats are used. */
const STATE = stateWith([metered()]);

function outboxWith(...customerIds: readonly string[]): OutboxState {
  const outbox = new OutboxState();
  for (const customerId of customerIds) {
    const report = { ...usageReport({ subject: { customerId }, value: 1 }), timestamp: NOW };
    outbox.apply({ type: "usage-accepted", at: NOW, items: [outbox.reserve(report, Infinity, NOW)] });
  }
  return outbox;
}

function othersWith(...customerIds: readonly string[]): SharedPending {
  const amounts: PendingAmounts = new Map([["seats", [{ behavior: "DELTA", value: 10, group: Infinity }]]]);
  return {
    lastsMs: 1,
    othersSize: customerIds.length,
    ofOthers: (customerId) => (customerIds.includes(customerId) ? [amounts] : undefined),
    write: () => Promise.resolve(),
    start: () => undefined,
    stop: () => Promise.resolve(),
  };
}

describe("a check counts, beside what upstream counts,", () => {
  it.each([
    { what: "nothing, where nothing waits", own: [], others: undefined, used: 8 },
    { what: "nothing, where nothing waits anywhere", own: [], others: [], used: 8 },
    { what: "nothing, where only of others something waits", own: ["d"], others: ["e"], used: 8 },
    {
      what: "nothing, where nobody shares the cache and only of others something waits",
      own: ["d"],
      others: undefined,
      used: 8,
    },
    { what: "what waits here", own: ["c", "d"], others: undefined, used: 9 },
    { what: "what waits here, where elsewhere only of others something waits", own: ["c"], others: ["e"], used: 9 },
    { what: "what waits elsewhere", own: [], others: ["c"], used: 18 },
    { what: "what waits elsewhere, where here only of others something waits", own: ["d"], others: ["c"], used: 18 },
    { what: "both", own: ["c"], others: ["c"], used: 19 },
  ])("$what", ({ own, others, used }) => {
    const overlay = new UsageOverlay(outboxWith(...own), others && othersWith(...others));
    const state = overlay.over(STATE, "c", undefined, NOW);
    expect(state.featureUsage("seats").currentUsage).toBe(used);
    // What is not changed is not made anew: every check comes by here.
    expect(state.featureUsage("seats") === STATE.featureUsage("seats")).toBe(used === 8);
  });
});
