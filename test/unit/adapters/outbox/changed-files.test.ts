import { describe, expect, it } from "@jest/globals";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import type { AcceptedEvent, OutboxRecord } from "../../../../src/domain/outbox/outbox-record.js";
import { DependencyState, newTelemetry } from "../../../../src/ports/telemetry.js";
import { usageReport } from "../../../builders/reports.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";

const AT = Date.UTC(2026, 0, 1);

function open(disk: VirtualOutboxDisk, state?: DependencyState) {
  const logger = new RecordingLogger();
  const outbox = new SegmentedOutbox(
    disk.mount(),
    { ...OUTBOX_DEFAULTS, durability: "process", maxBytes: 1e6, segmentBytes: 700, compactBytes: 2_500 },
    new ManualClock(),
    logger,
    state,
  );
  const accept = (record: Extract<OutboxRecord, { type: "usage-accepted" | "events-accepted" }>) =>
    new Promise((resolve) => outbox.accept(record, resolve));
  return {
    outbox,
    logger,
    note: (record: OutboxRecord) => new Promise((resolve) => outbox.note(record, resolve)),
    usage: (customerId: string, idempotencyKey: string) => {
      const report = usageReport({ subject: { customerId, resourceId: undefined }, idempotencyKey, timestamp: AT });
      const item = outbox.state.reserve({ ...report, timestamp: AT }, Infinity, AT, outbox.digestOfUsage(report));
      return accept({ type: "usage-accepted", at: AT, items: [item] });
    },
    event: (name: string) => {
      const event: AcceptedEvent = {
        eventName: name,
        subject: { customerId: "e", resourceId: undefined },
        idempotencyKey: name,
        dimensions: new Map(),
        timestamp: AT,
      };
      return accept({
        type: "events-accepted",
        at: AT,
        firstId: outbox.state.takeId(),
        events: [event],
        digests: [undefined],
      });
    },
  };
}

type Opened = ReturnType<typeof open>;

/** All that one has to find again. */
function contentOf({ outbox }: Opened, keys: readonly string[]) {
  const { entries, events, eventBatches, aside, totals, pending } = outbox.state;
  const names = (list: Parameters<SegmentedOutbox["readEvents"]>[0]) =>
    outbox.readEvents(list).map(({ eventName }) => eventName);
  return {
    entries: [...entries.values()].map(({ value, count, triedAt, isFormed, series: { subject } }) => [
      subject.customerId,
      value,
      count,
      triedAt,
      isFormed,
    ]),
    events: names([...events.all()]),
    batches: [...eventBatches.values()].map(({ id, triedAt, events: some }) => [id, triedAt, names(some)]),
    aside: [...aside.values()],
    totals: { ...totals },
    pending,
    keys: keys.map((key) => {
      const [customerId = ""] = key.split(" ");
      return outbox.find(
        outbox.digestOfUsage(
          usageReport({ subject: { customerId, resourceId: undefined }, idempotencyKey: key, timestamp: AT }),
        )!,
      );
    }),
  };
}

/** A checkpoint, keys, complete segments and one that is being written, with some of everything in them. */
async function filled(disk: VirtualOutboxDisk, state?: DependencyState) {
  const opened = open(disk, state);
  const { outbox, usage, event, note } = opened;
  const keys: string[] = [];
  for (let i = 0; i < 24; i++) {
    keys.push(`c${i % 3} ${i}`);
    await usage(`c${i % 3}`, `c${i % 3} ${i}`);
    if (i === 8) await note({ type: "delivered", ids: [1], count: 1, at: AT });
  }
  await outbox.idle();
  const [entry] = outbox.state.entries.values();
  await note({ ...entry!.record(outbox.id), triedAt: AT, isFormed: true });
  for (const name of ["first", "second", "third", "fourth", "fifth"]) await event(name);
  const { firstId } = outbox.state.events.range(5)!;
  const batch = outbox.state.takeId();
  await note({ type: "event-batch", id: batch, firstId, lastId: firstId + 1, at: AT + 5 });
  await note({
    type: "set-aside",
    item: {
      id: outbox.state.takeId(),
      list: "rejected",
      reason: "no such feature",
      at: AT,
      count: 1,
      content: { usage: { ...usageReport(), timestamp: AT }, group: Infinity },
    },
  });
  await usage("last", "last key");
  keys.push("last key");
  return { ...opened, keys };
}

const CHANGES: readonly (readonly [string, (disk: VirtualOutboxDisk, name: string) => void])[] = [
  ["has a bit flipped near its end", (disk, name) => disk.flipBit(name, disk.size(name) - 3)],
  ["has a bit flipped in its middle", (disk, name) => disk.flipBit(name, Math.floor(disk.size(name) / 2))],
  ["has a bit flipped in its header", (disk, name) => disk.flipBit(name, 20)],
  ["is cut", (disk, name) => disk.truncate(name, disk.size(name) - 20)],
  ["is emptied", (disk, name) => disk.truncate(name, 0)],
  ["is removed", (disk, name) => disk.remove(name)],
  [
    "is replaced",
    (disk, name) => {
      const length = disk.size(name);
      disk.create(name).write(Buffer.alloc(length, 7), 0);
    },
  ],
];

describe("an outbox of which, while a process has it, a file", () => {
  describe.each(CHANGES)("%s", (_, change) => {
    it("has all that the process knew after it was killed", async () => {
      const names = (await filledNames()).filter((name) => name !== "reserve");
      expect(new Set(names.map((name) => name.split(".")[1]))).toEqual(new Set(["segment", "checkpoint", "keys"]));
      for (const name of names) {
        const disk = new VirtualOutboxDisk();
        const running = await filled(disk);
        const before = contentOf(running, running.keys);
        const segmentsOfEvents = new Set(names.filter((other) => other.endsWith(".segment")).slice(-2));
        change(disk, name);
        await running.outbox.verify();
        expect([name, running.outbox.rewrites]).toEqual([name, 1]);
        // What events say is on disk alone.
        const after = contentOf(running, running.keys);
        if (!segmentsOfEvents.has(name)) expect(after).toEqual(before);
        expect({ ...after, events: [], batches: [], totals: {}, pending: 0 }).toEqual({
          ...before,
          events: [],
          batches: [],
          totals: {},
          pending: 0,
        });
        await running.usage("c0", "after");
        const atTheEnd = contentOf(running, [...running.keys, "after"]);
        disk.kill();
        const again = open(disk);
        expect(contentOf(again, [...running.keys, "after"])).toEqual(atTheEnd);
        expect(again.outbox.damagedRecords).toBe(0);
      }
    });
  });

  async function filledNames(): Promise<readonly string[]> {
    const disk = new VirtualOutboxDisk();
    await filled(disk);
    return [...disk.names()].sort();
  }

  it("is noticed whichever it is, also where little is read at once", async () => {
    const names = (await filledNames()).filter((name) => name !== "reserve");
    for (const name of names) {
      const disk = new VirtualOutboxDisk();
      const { outbox } = await filled(disk);
      disk.flipBit(name, disk.size(name) - 3);
      // Each time one file, none of which is larger than what is read at once.
      for (let looks = names.length; looks > 0; looks--) await outbox.verify(1);
      expect([name, outbox.rewrites]).toEqual([name, 1]);
    }
  });

  it("keeps it, as far as memory goes, where it ends by itself before anybody looked", async () => {
    const disk = new VirtualOutboxDisk();
    const running = await filled(disk);
    const before = contentOf(running, running.keys);
    disk.remove([...disk.names()].find((name) => name.endsWith(".checkpoint"))!);
    await running.outbox.close();
    expect(contentOf(open(disk), running.keys)).toEqual(before);
  });

  it("was the whole directory: it has all but the events again, and room for notes", async () => {
    const disk = new VirtualOutboxDisk();
    const running = await filled(disk);
    const { entries, aside, keys } = contentOf(running, running.keys);
    for (const name of [...disk.names()]) disk.remove(name);
    await Promise.all([running.outbox.verify(), running.usage("new", "meanwhile"), running.outbox.verify()]);
    expect([running.outbox.rewrites, disk.size("reserve")]).toEqual([1, 1024 * 1024]);
    disk.kill();
    const again = contentOf(open(disk), running.keys);
    expect(again).toMatchObject({ aside, keys, entries: [...entries, ["new", 1, 1, undefined, false]] });
  });

  it("does not make a checkpoint of what was changed", async () => {
    const disk = new VirtualOutboxDisk();
    const running = open(disk);
    for (let i = 0; i < 6; i++) await running.usage(`c${i}`, `key ${i}`);
    disk.flipBit("0000000001.segment", 150);
    for (let i = 6; i < 40; i++) await running.usage(`c${i}`, `key ${i}`);
    await running.outbox.idle();
    await running.usage("z", "key z");
    expect(running.outbox.rewrites).toBe(1);
    const before = contentOf(running, []);
    disk.kill();
    expect(contentOf(open(disk), [])).toEqual(before);
  });

  it("says so, and that it is mended, as a dependency and in the log", async () => {
    const disk = new VirtualOutboxDisk(() => 0.9);
    const state = new DependencyState("outbox", newTelemetry().dependencies);
    const { outbox, logger, usage } = await filled(disk, state);
    disk.flipBit(
      [...disk.names()].find((name) => name.endsWith(".keys"))!,
      60,
    );
    disk.isFull = true;
    await outbox.verify();
    await usage("c0", "refused");
    expect(state).toMatchObject({ isUp: false });
    disk.isFull = false;
    await outbox.verify();
    expect(state.isUp).toBe(true);
    expect(outbox.rewrites).toBe(1);
    expect(logger.lines.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/changed by another program/),
        expect.stringMatching(/cannot be written anew for now/),
        expect.stringMatching(/is written anew from memory: what waits is on disk again/),
      ]),
    );
  });

  it("tells how many events are lost with the only file that had them, and delivers none that says another thing", async () => {
    const disk = new VirtualOutboxDisk();
    const { outbox, event, logger } = open(disk);
    await event("first");
    const at = disk.read("0000000001.segment")!.indexOf("first");
    await event("second");
    disk.flipBit("0000000001.segment", at);
    expect(() => outbox.readEvents([...outbox.state.events.all()])).toThrow("cannot be read");
    await outbox.verify();
    expect(outbox.readEvents([...outbox.state.events.all()])).toEqual([
      expect.objectContaining({ eventName: "second" }),
    ]);
    expect(outbox.state.totals.accepted).toBe(1);
    expect(outbox.damagedRecords).toBe(1);
    expect(logger.lines).toContainEqual(expect.objectContaining({ level: "error", fields: { events: 1 } }));
  });

  it("does not count a key as known whose report was only being written", async () => {
    const disk = new VirtualOutboxDisk();
    const running = await filled(disk);
    disk.remove([...disk.names()].find((name) => name.endsWith(".checkpoint"))!);
    const written = running.usage("late", "late key");
    await running.outbox.verify();
    await written;
    const keysFile = [...disk.names()].filter((name) => name.endsWith(".keys"));
    for (const name of [...disk.names()].filter((other) => other.endsWith(".segment"))) disk.remove(name);
    disk.kill();
    expect(keysFile).toHaveLength(1);
    expect(contentOf(open(disk), ["late key"]).keys).toEqual(["unknown"]);
  });
});
