import { describe, expect, it } from "@jest/globals";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import { operateOutbox } from "../../../../src/application/report/operate-outbox.js";
import type { AsideItem } from "../../../../src/domain/outbox/outbox-record.js";
import type { Outbox } from "../../../../src/ports/outbox.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";

function operating({ note }: Partial<Pick<Outbox, "note">> = {}) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const outbox = new SegmentedOutbox(
    new VirtualOutboxDisk().mount(),
    { ...OUTBOX_DEFAULTS, durability: "process", maxBytes: 1e6 },
    clock,
    logger,
  );
  const event = {
    eventName: "e",
    subject: { customerId: "c" },
    idempotencyKey: "k",
    dimensions: new Map(),
    timestamp: 0,
  };
  const item: AsideItem = { id: 1, list: "rejected", reason: "no such feature", at: 0, count: 1, content: { event } };
  outbox.state.aside.set(item.id, item);
  const kept: string[] = [];
  const seen: Outbox = note === undefined ? outbox : ({ state: outbox.state, note } as unknown as Outbox);
  const operate = (action: "retry" | "drop", ids: readonly number[], reason?: string) =>
    operateOutbox({ action, ids, reason }, seen, clock, logger, ({ id }, why) => kept.push(`${id}: ${why}`));
  return { operate, outbox, kept, logger };
}

describe("what an operator decides of reports that were set aside", () => {
  it("drops them with the reason on record", async () => {
    const { operate, outbox, kept, logger } = operating();
    expect(await operate("drop", [1], "agreed with the customer")).toEqual({ done: [1], faults: [] });
    expect([outbox.state.aside.size, kept]).toEqual([0, ["1: agreed with the customer"]]);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({ message: "an operator dropped reports of usage: they do not count" }),
    );
  });

  it("has them tried again, under a new id", async () => {
    const { operate, outbox, kept } = operating();
    expect(await operate("retry", [1])).toEqual({ done: [1], faults: [] });
    expect([outbox.state.aside.size, outbox.state.events.length, kept]).toEqual([0, 1, []]);
  });

  it("names an item that there is not, and goes on", async () => {
    const { operate } = operating();
    expect(await operate("drop", [7, 1], "")).toEqual({ done: [1], faults: ["there is no item 7"] });
  });

  it.each([
    [new Error("no space"), "1: no space"],
    ["no error", "1: no error"],
  ])("says what could not be written: %p", async (failure, fault) => {
    const { operate, logger } = operating({ note: (_record, written) => written(failure as never) });
    expect(await operate("drop", [1], "why")).toEqual({ done: [], faults: [fault] });
    expect(logger.lines).toEqual([]);
  });
});
