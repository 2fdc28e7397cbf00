import { describe, expect, it } from "@jest/globals";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import { AcceptReports } from "../../../../src/application/report/accept-reports.js";
import { DeliverReports } from "../../../../src/application/report/deliver-reports.js";
import { DELIVERY_LIMITS } from "../../../../src/application/report/delivery-pace.js";
import { UsageOverlay } from "../../../../src/application/report/usage-overlay.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { UsageEvent, UsageMeasurement } from "../../../../src/domain/usage/usage-report.js";
import { usageReport } from "../../../builders/reports.js";
import { metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { MeteredUpstream } from "../../../fakes/metered-upstream.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";
import { eventually } from "../../../support/expectations.js";

interface Circumstances {
  readonly remember?: (measurements: readonly UsageMeasurement[]) => Promise<void>;
  /** What upstream does by chance. */
  readonly random?: () => number;
}

function delivering({ remember = () => Promise.resolve(), random = () => 0 }: Circumstances = {}) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const upstream = new MeteredUpstream(() => clock.now(), random);
  const outbox = new SegmentedOutbox(
    new VirtualOutboxDisk().mount(),
    { ...OUTBOX_DEFAULTS, durability: "power", maxBytes: 1e6 },
    clock,
    logger,
  );
  const deliver = new DeliverReports({
    outbox,
    upstream,
    clock,
    logger,
    limits: DELIVERY_LIMITS,
    remember,
    isUpstreamDown: () => false,
    random: () => 0,
  });
  const accept = new AcceptReports(outbox, { peek: () => undefined } as never, clock, () => deliver.wake());
  deliver.start();
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds * 2; i++) {
      clock.advance(500);
      await promisesSettled();
    }
  };
  return { accept, upstream, outbox, clock, pass };
}

const event = (customerId: string): UsageEvent => ({
  eventName: "call",
  subject: { customerId },
  idempotencyKey: `of ${customerId}`,
  dimensions: new Map(),
  timestamp: undefined,
});

it("takes an event for rejected that upstream refused at its only try, whatever it was first sent with", async () => {
  const { accept, upstream, outbox, pass } = delivering();
  upstream.archived.add("former");
  await accept.reportEvents(["a", "b", "former", "c"].map(event));
  await pass(10);
  expect(upstream.events.map(({ subject }) => subject.customerId).sort()).toEqual(["a", "b", "c"]);
  expect([...outbox.state.aside.values()].map(({ list }) => list)).toEqual(["rejected"]);
});

it("takes it for in doubt where the answer of an earlier try was lost", async () => {
  const { accept, upstream, outbox, pass } = delivering();
  upstream.mood = "loses-answers";
  await accept.reportEvents(["a", "former"].map(event));
  await pass(1);
  upstream.mood = "fine";
  upstream.archived.add("former");
  await pass(10);
  expect([...outbox.state.aside.values()].map(({ list }) => list)).toEqual(["in-doubt"]);
});

it("takes it for in doubt where that was so within its only request", async () => {
  const { accept, upstream, outbox, pass } = delivering();
  const lost = new CodedError("not-found", "there is no such customer", { mayCount: true });
  upstream.reportEvents = () => Promise.reject(lost);
  await accept.reportEvents([event("former")]);
  await pass(10);
  expect([...outbox.state.aside.values()].map(({ list }) => list)).toEqual(["in-doubt"]);
});

it("sends a batch of events once that is written together with an event that is accepted", async () => {
  const { accept, upstream, outbox, clock, pass } = delivering();
  await accept.reportEvents([event("a")]);
  await eventually(() => outbox.state.pending).toBe(0);
  // The next ones wait for a while, to go together.
  await accept.reportEvents([event("b")]);
  const together = accept.reportEvents([event("c")]);
  clock.advance(DELIVERY_LIMITS.spacingMs);
  await together;
  await pass(5);
  expect(upstream.calls.map(({ size }) => size)).toEqual([1, 1, 1]);
  expect([outbox.state.totals.delivered, outbox.state.pending]).toEqual([3, 0]);
});

it("counts a report once in checks, at each time between its acceptance and the end of its delivery", async () => {
  const seen: unknown[] = [];
  const used = (currentUsage: number, updatedAt: number) => {
    const state = stateWith([metered({ id: "seats", usage: { currentUsage, updatedAt } })]);
    return new UsageOverlay(outbox.state).over(state, "acme", undefined, updatedAt).featureUsage("seats").currentUsage;
  };
  const { accept, upstream, outbox, pass } = delivering({
    remember: ([measurement]) => {
      const { currentUsage = 0, updatedAt = 0 } = measurement ?? {};
      // The measurement is cached before it is known that it is.
      seen.push(used(8, updatedAt - 1), used(8 + currentUsage, updatedAt), used(8 + currentUsage, updatedAt + 1));
      return Promise.resolve();
    },
  });
  const report = usageReport({ subject: { customerId: "acme" }, featureId: "seats", value: 1 });
  await accept.reportBulk([report]);
  seen.push(used(8, upstream.now()));
  await pass(10);
  seen.push(used(9, upstream.now()));
  expect(seen).toEqual([9, 9, 9, 9, 9]);
});

it("sends again, alone and under its key, what upstream did not confirm of a bulk", async () => {
  const fractions = [0.1, 0.9, 0.9, 0.9];
  const { accept, upstream, outbox, pass } = delivering({ random: () => fractions.shift() ?? 0.9 });
  upstream.mood = "takes-parts-of-bulks";
  await accept.reportBulk(["a", "b", "c"].map((customerId) => usageReport({ subject: { customerId } })));
  await pass(10);
  expect([...upstream.counted.values()].map((reports) => reports.length)).toEqual([1, 1, 1]);
  expect(upstream.calls.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["bulk", "single"]));
  expect(outbox.state.totals).toMatchObject({ accepted: 3, delivered: 3, rejected: 0, stale: 0 });
});

it("knows what a bulk that was refused in part may count: it is in doubt where it is refused alone", async () => {
  const { accept, upstream, outbox, pass } = delivering({ random: () => 0.4 });
  upstream.mood = "takes-parts-of-bulks";
  upstream.archived.add("former");
  await accept.reportBulk(["a", "former"].map((customerId) => usageReport({ subject: { customerId } })));
  await pass(10);
  expect(outbox.state.totals).toMatchObject({ accepted: 2, delivered: 1, rejected: 0, stale: 1 });
});

describe("a refusal without a word of upstream's own", () => {
  const of = (customerId: string) => usageReport({ subject: { customerId } });

  it("loses no report: each one is delivered once it passes", async () => {
    const { accept, upstream, outbox, pass } = delivering();
    for (const id of ["a", "b"]) upstream.blocked.add(id);
    await accept.reportBulk(["a", "b"].map(of));
    await accept.reportEvents(["a", "b"].map(event));
    await pass(600);
    expect([outbox.state.pending, outbox.state.aside.size]).toEqual([4, 0]);
    upstream.blocked.clear();
    await pass(120);
    expect(outbox.state.totals).toMatchObject({ accepted: 4, delivered: 4, rejected: 0, stale: 0 });
    expect([upstream.counted.size, upstream.events.length]).toEqual([2, 2]);
  });

  it("of one report or event holds up nobody else's", async () => {
    const { accept, upstream, outbox, pass } = delivering();
    const customers = Array.from({ length: 50 }, (_, i) => `c${i}`);
    upstream.blocked.add("c17");
    await accept.reportBulk(customers.map(of));
    await accept.reportEvents(customers.map(event));
    await pass(60);
    expect([upstream.counted.size, upstream.events.length, outbox.state.pending]).toEqual([49, 49, 2]);
  });

  it("of everything is asked about once a second, and each report less and less often", async () => {
    const { accept, upstream, pass } = delivering();
    for (const id of ["a", "b", "c"]) upstream.blocked.add(id);
    await accept.reportBulk(["a", "b", "c"].map(of));
    await pass(3_600);
    const [first = 0, ...later] = upstream.calls.map(({ at }) => at);
    expect(later.length).toBeLessThan((3 * 3_600) / 30 + 30);
    expect(Math.min(...later.map((at, i) => at - (later[i - 1] ?? first)))).toBeGreaterThanOrEqual(500);
  });
});
