import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import { overlaidUsage } from "../../../../src/domain/outbox/overlaid-state.js";
import { amountsOf } from "../../../../src/domain/outbox/pending-amounts.js";
import { UsageEntry } from "../../../../src/domain/outbox/usage-entry.js";
import { usageReport } from "../../../builders/reports.js";

interface Step {
  readonly value: number;
  readonly updateBehavior?: "DELTA" | "SET";
  readonly group?: number;
  readonly isUnwritten?: boolean;
  readonly isMeasured?: boolean;
}

const series = { subject: { customerId: "c" }, featureId: "seats", entries: [], open: new Map<string, UsageEntry>() };

function entryOf(step: Step): UsageEntry {
  const { value, updateBehavior = "DELTA", group = Infinity, isUnwritten = false, isMeasured = false } = step;
  const report = { ...usageReport({ value, updateBehavior }), timestamp: 0 };
  const entry = new UsageEntry(1, series, report, group, 0);
  if (!isUnwritten) entry.add(report);
  entry.isMeasured = isMeasured;
  return entry;
}

const amount = (value: number, group = Infinity) => ({ behavior: "DELTA", value, group });

describe("what entries come to", () => {
  it.each<{ is: string; steps: readonly Step[]; amounts: readonly unknown[] }>([
    { is: "nothing, of none", steps: [], amounts: [] },
    { is: "their sum", steps: [{ value: 0.1 }, { value: 0.2 }], amounts: [amount(0.3)] },
    { is: "nothing of what is not written yet", steps: [{ value: 1, isUnwritten: true }], amounts: [] },
    {
      is: "nothing of what upstream's usage contains",
      steps: [{ value: 1, isMeasured: true }, { value: 2 }],
      amounts: [amount(2)],
    },
    { is: "one step for each sign", steps: [{ value: 1 }, { value: -1 }], amounts: [amount(1), amount(-1)] },
    {
      is: "one step for each period",
      steps: [
        { value: 1, group: 10 },
        { value: 2, group: 20 },
      ],
      amounts: [amount(1, 10), amount(2, 20)],
    },
    {
      is: "one step for all periods that are not known",
      steps: [
        { value: 1, group: -7 },
        { value: 2, group: -8 },
      ],
      amounts: [amount(3, -1)],
    },
    {
      is: "a step of its own for what is set",
      steps: [{ value: 1 }, { value: 9, updateBehavior: "SET" }, { value: 2 }],
      amounts: [amount(1), { behavior: "SET", value: 9, group: Infinity }, amount(2)],
    },
    {
      is: "two steps where no number stands for their sum",
      steps: [{ value: Number.MAX_SAFE_INTEGER }, { value: 0.5 }],
      amounts: [amount(Number.MAX_SAFE_INTEGER), amount(0.5)],
    },
  ])("$is", ({ steps, amounts }) => expect(amountsOf(steps.map(entryOf))).toEqual(amounts));

  it("is the same as what the entries of an outbox say, whatever was reported", () => {
    const delta = fc.record({ value: fc.integer({ min: -5, max: 5 }), isSet: fc.constant(false) });
    const set = fc.record({ value: fc.integer({ min: -5, max: 5 }), isSet: fc.constant(true) });
    const reports = fc.array(fc.oneof(delta, set));
    fc.assert(
      fc.property(reports, fc.nat({ max: 20 }), (given, before) => {
        const state = new OutboxState();
        let expected = before;
        for (const { value, isSet } of given) {
          const updateBehavior = isSet ? "SET" : "DELTA";
          const report = { ...usageReport({ value, updateBehavior }), timestamp: 0 };
          state.apply({ type: "usage-accepted", at: 0, items: [state.reserve(report, Infinity, 0)] });
          expected = Math.max(0, isSet ? value : expected + value);
        }
        const entries = state.seriesOf({ customerId: "c" })?.get("seats")?.entries ?? [];
        const usage = { currentUsage: before };
        const after = overlaidUsage(usage, amountsOf(entries), 0).currentUsage;
        expect(overlaidUsage(usage, entries, 0).currentUsage).toBe(expected);
        expect(after).toBe(expected);
      }),
    );
  });
});
