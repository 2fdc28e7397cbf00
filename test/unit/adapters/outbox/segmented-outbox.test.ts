import { describe, expect, it } from "@jest/globals";
import { RESERVE_BYTES } from "../../../../src/adapters/outbox/outbox-disk.js";
import { fileName } from "../../../../src/adapters/outbox/outbox-file-header.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../../../src/adapters/outbox/segmented-outbox.js";
import type { CodedError } from "../../../../src/domain/errors.js";
import type { AcceptedReport } from "../../../../src/domain/outbox/outbox-record.js";
import { DependencyState, newTelemetry } from "../../../../src/ports/telemetry.js";
import { usageReport } from "../../../builders/reports.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { VirtualOutboxDisk } from "../../../fakes/virtual-outbox-disk.js";

const SEGMENT = fileName("segment", 1);

function open(disk: VirtualOutboxDisk, logger = new RecordingLogger(), maxBytes = 100_000): SegmentedOutbox {
  return new SegmentedOutbox(
    disk.mount(),
    { ...OUTBOX_DEFAULTS, durability: "power", maxBytes },
    new ManualClock(),
    logger,
  );
}

function accept(outbox: SegmentedOutbox, parts: Partial<AcceptedReport> = {}): Promise<CodedError | undefined> {
  const report = { ...usageReport(), timestamp: 1, ...parts };
  const item = outbox.state.reserve(report, Infinity, 1, outbox.digestOfUsage(report));
  return new Promise((resolve) =>
    outbox.accept({ type: "usage-accepted", at: Date.UTC(2026, 0, 1), items: [item] }, resolve),
  );
}

const sums = (outbox: SegmentedOutbox) => [...outbox.state.entries.values()].map(({ value, count }) => [value, count]);

describe("an outbox", () => {
  it("has after a power cut what was accepted, and knows its keys again", async () => {
    const disk = new VirtualOutboxDisk();
    const outbox = open(disk);
    await Promise.all([
      accept(outbox, { value: 0.1, idempotencyKey: "a" }),
      accept(outbox, { value: 0.2, idempotencyKey: "b" }),
      accept(outbox, { subject: { customerId: "d", resourceId: "r" }, dimensions: new Map([["n", 1]]) }),
    ]);
    disk.cutPower();
    const again = open(disk);
    expect(sums(again)).toEqual([
      [0.3, 2],
      [1, 1],
    ]);
    const keyed = (value: number) => again.find(again.digestOfUsage(usageReport({ idempotencyKey: "a", value }))!);
    expect([keyed(0.1), keyed(0.5)]).toEqual(["same", "other"]);
  });

  it("refuses what it has no room for, keeps the rest, and takes more once there is", async () => {
    const disk = new VirtualOutboxDisk(() => 0.9);
    const outbox = open(disk);
    await accept(outbox);
    disk.isFull = true;
    expect(await accept(outbox, { value: 5 })).toMatchObject({
      code: "resource-exhausted",
      message: expect.stringContaining("is not counted"),
    });
    disk.isFull = false;
    expect(await accept(outbox, { value: 7 })).toBeUndefined();
    disk.kill();
    expect(sums(open(disk))).toEqual([[8, 2]]);
  });

  it("is seen to refuse what it cannot write, until it can", async () => {
    const disk = new VirtualOutboxDisk(() => 0.9);
    const telemetry = newTelemetry();
    const state = new DependencyState("outbox", telemetry.dependencies);
    const options = { ...OUTBOX_DEFAULTS, durability: "power", maxBytes: 100_000 } as const;
    const outbox = new SegmentedOutbox(disk.mount(), options, new ManualClock(), new RecordingLogger(), state);
    expect(state.isUp).toBe(true);
    disk.isFull = true;
    await accept(outbox);
    expect(state).toMatchObject({ isUp: false, lastError: expect.stringContaining("cannot be written to") });
    disk.isFull = false;
    await accept(outbox);
    expect(state.isUp).toBe(true);
  });

  it("writes no file where another process has the directory by now, and passes by those that it left", async () => {
    const disk = new VirtualOutboxDisk();
    let isLocked = false;
    const options = { ...OUTBOX_DEFAULTS, durability: "power", maxBytes: 100_000, isLocked: () => isLocked } as const;
    const outbox = new SegmentedOutbox(disk.mount(), options, new ManualClock(), new RecordingLogger());
    expect(await accept(outbox)).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/another process has the outbox.*is not counted/),
    });
    disk.mount().create(SEGMENT).close();
    isLocked = true;
    expect(await accept(outbox, { value: 7 })).toBeUndefined();
    expect(disk.mount().size(SEGMENT)).toBe(0);
    expect(disk.mount().size(fileName("segment", 2))).toBeGreaterThan(0);
  });

  it("tells of a record that cannot be read, and takes what waited there for tried", async () => {
    const disk = new VirtualOutboxDisk();
    const outbox = open(disk);
    for (const value of [1, 2, 4]) await accept(outbox, { value, subject: { customerId: `customer ${value}` } });
    disk.kill();
    const first = disk.mount().read(SEGMENT)!.indexOf("customer 2");
    disk.flipBit(SEGMENT, first);
    const logger = new RecordingLogger();
    const again = open(disk, logger);
    expect(again.damagedRecords).toBe(1);
    expect(logger.lines.filter(({ level }) => level === "error")).toEqual([
      expect.objectContaining({ message: expect.stringContaining(SEGMENT) }),
    ]);
    expect([...again.state.entries.values()].map(({ value, triedAt }) => [value, triedAt !== undefined])).toEqual([
      [1, true],
      [4, false],
    ]);
  });

  describe("that lost whole groups of records, so that what is left reads well,", () => {
    /** Two segments of three reports each, and where the second report of each ends. */
    async function twoSegments() {
      const disk = new VirtualOutboxDisk();
      const ends: number[] = [];
      for (const number of [1, 2]) {
        const outbox = open(disk);
        for (const value of [1, 2, 4]) {
          await accept(outbox, { value, subject: { customerId: `customer ${number}.${value}` } });
          if (value === 2) ends.push(disk.size(fileName("segment", number)));
        }
        await outbox.close();
      }
      return { disk, ends };
    }
    const linesOf = (disk: VirtualOutboxDisk) => {
      const logger = new RecordingLogger();
      const { damagedRecords } = open(disk, logger);
      return [damagedRecords, ...logger.lines.map(({ level, message }) => `${level}: ${message}`)];
    };

    it("says nothing where nothing is lost", async () => {
      expect(linesOf((await twoSegments()).disk)).toEqual([0]);
    });

    it("tells of a segment that is shorter than it was", async () => {
      const { disk, ends } = await twoSegments();
      disk.truncate(fileName("segment", 1), ends[0]!);
      expect(linesOf(disk)).toEqual([1, expect.stringMatching(/^error: .*0000000001\.segment was cut/)]);
    });

    it("tells of a segment that is not there", async () => {
      const { disk } = await twoSegments();
      disk.remove(fileName("segment", 1));
      expect(linesOf(disk)).toEqual([1, expect.stringMatching(/^error: .*0000000001\.segment is not there/)]);
    });

    it("tells of a last segment that is not known to be complete", async () => {
      const { disk, ends } = await twoSegments();
      disk.truncate(fileName("segment", 2), ends[1]!);
      expect(linesOf(disk)).toEqual([0, expect.stringMatching(/^warn: .*unless the last file was cut/)]);
    });
  });

  it.each<[what: string, act: (disk: VirtualOutboxDisk) => void]>([
    ["removed", (disk) => disk.remove(SEGMENT)],
    ["renamed", (disk) => disk.rename(SEGMENT, "elsewhere")],
    ["replaced", (disk) => void disk.create(SEGMENT)],
    ["cut", (disk) => disk.truncate(SEGMENT, 10)],
  ])("writes all that it acknowledged to a new file once the last one was %s, and tells", async (_, act) => {
    const disk = new VirtualOutboxDisk();
    const logger = new RecordingLogger();
    const outbox = open(disk, logger);
    await accept(outbox, { value: 1 });
    act(disk);
    expect(await accept(outbox, { value: 2, idempotencyKey: "after" })).toBeUndefined();
    expect(sums(outbox)).toEqual([[3, 2]]);
    expect(logger.count("a file of the outbox was removed, cut or changed")).toBe(1);
    disk.kill();
    const found = new RecordingLogger();
    expect(sums(open(disk, found))).toEqual([[3, 2]]);
    expect(found.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("cuts off what was being written when the process ended", async () => {
    const disk = new VirtualOutboxDisk(() => 0.5);
    const outbox = open(disk);
    await accept(outbox);
    disk.fault = "kill";
    await accept(outbox, { value: 9 });
    const logger = new RecordingLogger();
    expect(sums(open(disk, logger))).toEqual([[1, 1]]);
    expect(logger.count("cut off")).toBe(1);
  });

  it("has room again for as much as was delivered, however little it may take and however much waited once", async () => {
    const disk = new VirtualOutboxDisk();
    let outbox = open(disk);
    const deliverAll = (): Promise<unknown> => {
      const ids = [...outbox.state.entries.keys()];
      return new Promise((resolve) =>
        outbox.note({ type: "delivered", ids, count: outbox.state.pending, at: 1 }, resolve),
      );
    };
    const refused: (CodedError | undefined)[] = [];
    for (let round = 0; round < 20; round++) {
      const all = Array.from({ length: 200 }, (_, n) => accept(outbox, { subject: { customerId: `customer ${n}` } }));
      refused.push(...(await Promise.all(all)).filter((error) => error !== undefined));
      await outbox.idle();
      if (round > 0) await deliverAll();
      if (round === 10) {
        disk.kill();
        outbox = open(disk);
      }
    }
    expect(refused).toEqual([]);
  });

  it("lets others have their turn while it replaces what was delivered, and knows all keys after that", async () => {
    const disk = new VirtualOutboxDisk();
    let turns = 0;
    const soon = (turn: () => void) => {
      turns++;
      setImmediate(turn);
    };
    const sizes = { segmentBytes: 300_000, compactBytes: 500_000, maxBytes: 1e9 };
    const outbox = new SegmentedOutbox(
      disk.mount(),
      { ...OUTBOX_DEFAULTS, ...sizes, durability: "process", soon },
      new ManualClock(),
      new RecordingLogger(),
    );
    const keys: string[] = [];
    for (let bytes = 0; bytes < sizes.compactBytes; bytes = disk.bytes - RESERVE_BYTES) {
      const some = Array.from({ length: 20 }, (_, n) => `key ${keys.length + n}`);
      keys.push(...some);
      await Promise.all(some.map((idempotencyKey) => accept(outbox, { idempotencyKey })));
    }
    turns = 0;
    await outbox.idle();
    expect(disk.names()).toContain(fileName("checkpoint", 1));
    expect(turns).toBeGreaterThan((sizes.segmentBytes / 32_768) * 0.8);
    await outbox.close();
    const again = open(disk);
    const digests = keys.map((idempotencyKey) => again.digestOfUsage(usageReport({ idempotencyKey }))!);
    expect(digests.filter((digest) => again.find(digest) !== "same")).toEqual([]);
    expect(again.damagedRecords).toBe(0);
  });

  it("makes room after a start with more than it may take", async () => {
    const disk = new VirtualOutboxDisk();
    const before = open(disk);
    const all = Array.from({ length: 300 }, (_, n) => accept(before, { subject: { customerId: `customer ${n}` } }));
    await Promise.all(all);
    await new Promise((resolve) =>
      before.note({ type: "delivered", ids: [...before.state.entries.keys()], count: 300, at: 1 }, resolve),
    );
    disk.kill();
    const outbox = open(disk, undefined, 20_000);
    expect(await accept(outbox)).toMatchObject({ code: "resource-exhausted" });
    await outbox.idle();
    expect(await accept(outbox)).toBeUndefined();
  });

  it("does not gather files while there is no room to begin one", async () => {
    const disk = new VirtualOutboxDisk(() => 0.9);
    const outbox = open(disk);
    disk.isFull = true;
    for (let i = 0; i < 10; i++) expect(await accept(outbox)).toMatchObject({ code: "resource-exhausted" });
    expect(disk.names().filter((name) => name.endsWith(".segment"))).toEqual([]);
    disk.isFull = false;
    expect(await accept(outbox, { value: 7 })).toBeUndefined();
    disk.kill();
    expect(sums(open(disk))).toEqual([[7, 1]]);
  });

  it("is not opened by what belongs to another outbox", async () => {
    const [one, other] = [new VirtualOutboxDisk(), new VirtualOutboxDisk()];
    await accept(open(one));
    await accept(open(other));
    const file = one.create(fileName("segment", 2));
    file.write(other.mount().read(SEGMENT)!, 0);
    expect(() => open(one)).toThrow("belongs to another outbox");
  });
});
