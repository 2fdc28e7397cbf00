import { describe, expect, it } from "@jest/globals";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import { AcceptReports } from "../../../../src/application/report/accept-reports.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { errorCodeOf } from "../../../../src/domain/errors.js";
import type { UsageEvent } from "../../../../src/domain/usage/usage-report.js";
import { usageReport } from "../../../builders/reports.js";
import { boolean, metered, stateWith } from "../../../builders/states.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";

function accepting(known?: CustomerState) {
  const disk = new VirtualOutboxDisk();
  const clock = new ManualClock();
  /** Groups of records, each to be written when its turn comes. */
  const turns: (() => void)[] = [];
  const outbox = new SegmentedOutbox(
    disk.mount(),
    { ...OUTBOX_DEFAULTS, durability: "power", maxBytes: 1e6, soon: (turn) => void turns.push(turn) },
    clock,
    new RecordingLogger(),
  );
  const reports = new AcceptReports(outbox, { peek: () => known && { state: known } } as never, clock, () => undefined);
  const beginWrite = () => turns.shift()?.();
  const settle = async () => {
    for (let idle = 0; idle < 20; idle++) {
      await Promise.resolve();
      const turn = turns.shift();
      if (turn !== undefined) idle = 0;
      turn?.();
    }
  };
  const of = (key: string, value = 1) => usageReport({ idempotencyKey: key, value, keyOrigin: "caller" });
  const outcome = (answer: Promise<unknown>) =>
    answer.then(
      () => "accepted",
      (error: unknown) => errorCodeOf(error),
    );
  return { disk, outbox, reports, beginWrite, settle, of, outcome };
}

describe("the answer to a report", () => {
  const period = { periodStart: 0, periodEnd: 4e12 };

  it.each([
    { where: "nothing is known", known: undefined, answer: { currentUsage: undefined, periodEnd: undefined } },
    { where: "the feature is not had", known: stateWith([boolean()]), answer: { currentUsage: undefined } },
    {
      where: "it is",
      known: stateWith([metered({ usage: { currentUsage: 8, ...period }, resetPeriod: "MONTH" })]),
      answer: { currentUsage: 11, ...period },
    },
  ])("tells what is used with it, where $where", async ({ known, answer: expected }) => {
    const { reports, settle, of } = accepting(known);
    const answer = reports.report(of("a", 3));
    await settle();
    expect(await answer).toMatchObject({ measurementId: "a", featureId: "seats", state: "accepted", ...expected });
  });

  it("tells what upstream counts, where it was delivered before", async () => {
    const { reports, outbox, settle, of } = accepting(stateWith([metered()]));
    const first = reports.report(of("a", 3));
    await settle();
    await first;
    outbox.state.apply({ type: "delivered", ids: [...outbox.state.entries.keys()], count: 1, at: 0 });
    const again = reports.report(of("a", 3));
    await settle();
    expect(await again).toMatchObject({ currentUsage: 8, state: "delivered" });
  });
});

describe("reports that are accepted", () => {
  it("are not taken for accepted before where that could not be written", async () => {
    const { reports, outbox, settle, of, outcome } = accepting();
    const halfACharacter = usageReport({ idempotencyKey: "b", keyOrigin: "caller", subject: { customerId: "\ud800" } });
    expect(await outcome(reports.reportBulk([of("a"), halfACharacter]))).toBe("invalid-argument");
    const again = outcome(reports.report(of("a")));
    await settle();
    expect(await again).toBe("accepted");
    expect(outbox.state.pending).toBe(1);
  });

  it("count all, where one of them was being written for another call that fails", async () => {
    const { disk, reports, outbox, beginWrite, settle, of, outcome } = accepting();
    const first = outcome(reports.report(of("begins the segment")));
    await settle();
    expect(await first).toBe("accepted");
    disk.fault = "sync-fails";
    const failing = outcome(reports.report(of("a")));
    beginWrite();
    const bulk = outcome(reports.reportBulk([of("a"), of("b", 10)]));
    await settle();
    expect([await failing, await bulk]).toEqual(["unavailable", "accepted"]);
    expect([...outbox.state.entries.values()].reduce((sum, { value }) => sum + value, 0)).toBe(12);
  });

  it("count once under one key, also where it is sent twice at the same time", async () => {
    const { reports, outbox, settle, of, outcome } = accepting();
    const twice = [reports.report(of("a")), reports.report(of("a"))].map(outcome);
    const other = outcome(reports.report(of("a", 7)));
    await settle();
    expect([...(await Promise.all(twice)), await other]).toEqual(["accepted", "accepted", "failed-precondition"]);
    expect(outbox.state.pending).toBe(1);
  });

  it("are refused where one request says two things under one key", async () => {
    const { reports, outbox, settle, outcome } = accepting();
    const event = (n: number): UsageEvent => ({
      eventName: "call",
      subject: { customerId: "c" },
      idempotencyKey: "a",
      dimensions: new Map([["n", n]]),
      timestamp: undefined,
    });
    expect(await outcome(reports.reportEvents([event(1), event(2)]))).toBe("failed-precondition");
    const same = outcome(reports.reportEvents([event(1), event(1)]));
    await settle();
    expect([await same, outbox.state.pending]).toEqual(["accepted", 1]);
  });

  it.each([2 ** 53, -(2 ** 53), 1e300])(
    "are refused where they may have been more before they were read: %s",
    async (value) => {
      const { reports, outbox, of, outcome } = accepting();
      expect(await outcome(reports.report(of("a", value)))).toBe("invalid-argument");
      expect(outbox.state.pending).toBe(0);
    },
  );
});
