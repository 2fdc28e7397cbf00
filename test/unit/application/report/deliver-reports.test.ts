import { expect, it } from "@jest/globals";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import { AcceptReports } from "../../../../src/application/report/accept-reports.js";
import { DeliverReports } from "../../../../src/application/report/deliver-reports.js";
import { DELIVERY_LIMITS } from "../../../../src/application/report/delivery-limits.js";
import type { UsageEvent } from "../../../../src/domain/usage/usage-report.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { MeteredUpstream } from "../../../fakes/metered-upstream.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";

function delivering() {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const upstream = new MeteredUpstream(() => clock.now());
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
    remember: () => Promise.resolve(),
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
  return { accept, upstream, outbox, pass };
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
