import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CatalogEngine } from "../../../../../src/adapters/catalog/engine/catalog-engine.js";
import { loadCatalogObject } from "../../../../../src/adapters/catalog/file/load-catalog.js";
import { UsageJournal } from "../../../../../src/adapters/catalog/ledger/usage-journal.js";
import { UsageLedger } from "../../../../../src/adapters/catalog/ledger/usage-ledger.js";
import { CodedError } from "../../../../../src/domain/errors.js";
import { DependencyState, newTelemetry } from "../../../../../src/ports/telemetry.js";
import { catalogOf, NOON, usageReport } from "../../../../builders/catalog-use.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";
import { type DiskFault, VirtualDisk } from "../../../../fakes/virtual-disk.js";
import { because } from "../../../../support/expectations.js";

const PATH = "/usage.state";
const CUSTOMERS = 12;
const MODEL = loadCatalogObject({
  ...catalogOf({ entitlements: { calls: 100 } }),
  customers: Array.from({ length: CUSTOMERS }, (_, index) => ({ id: `c${index}`, plan: "pro" })),
});
const NOBODY = { confirm: () => Promise.resolve(), release: () => Promise.resolve() };

async function start(disk: VirtualDisk, logger = new RecordingLogger()): Promise<CatalogEngine> {
  const ledger = new UsageLedger();
  const clock = new ManualClock(NOON);
  const journal = await UsageJournal.open(PATH, ledger, disk, NOBODY, logger);
  const engine = new CatalogEngine(ledger, journal, clock, logger);
  await engine.adopt(MODEL);
  await engine.settled();
  return engine;
}

const usedBy = (engine: CatalogEngine, index: number) =>
  engine.stateOf({ customerId: `c${index}` }).featureUsage("calls").currentUsage;
const report = (engine: CatalogEngine, index: number) =>
  engine.reportUsage([usageReport({ customerId: `c${index}` }, "calls", 1)]);

/** What a caller knows of its report. */
type Known = "acknowledged" | "refused" | "may count";

async function outcomeOf(work: Promise<unknown>): Promise<Known> {
  try {
    await work;
    return "acknowledged";
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    const { code, message, mayCount } = error as CodedError;
    expect(mayCount).toBe(message.includes("may count"));
    expect(code).toMatch(/^(resource-exhausted|unavailable)$/);
    expect(message).toMatch(/usage could not be written to the state file/);
    if (
      message.includes(
        "nor could the part that was written be taken back, so after a restart the usage may count; report it again under the same idempotency key",
      )
    )
      return "may count";
    expect(message).toMatch(/the usage is not counted; report it again/);
    return "refused";
  }
}

const faults: fc.Arbitrary<DiskFault> = fc.record({
  kind: fc.constantFrom("error", "error", "error", "kill", "power-cut"),
  code: fc.constantFrom("ENOSPC", "EIO"),
  share: fc.constantFrom(0, 0.01, 0.3, 0.5, 0.9, 1),
});

describe("a report", () => {
  it("counts if it was acknowledged and does not if it was refused, under whatever faults, also after a restart", async () => {
    let restarts = 0;
    const seen = { acknowledged: 0, refused: 0, "may count": 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(120), faults), { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        fc.array(fc.nat(2), { minLength: 1, maxLength: CUSTOMERS }),
        async (planned, keeps, batches) => {
          let kept = 0;
          const disk = new VirtualDisk(() => keeps[kept++ % keeps.length] === true);
          let engine = await start(disk);
          const first = disk.operations;
          for (const [after, fault] of planned) disk.faults.set(first + after, fault);
          const known = new Map<number, Known>();
          let next = 0;
          const restart = async () => {
            restarts++;
            disk.reboot();
            disk.faults.clear();
            engine = await start(disk);
          };
          const check = (isRestarted: boolean) => {
            for (const [index, outcome] of known) {
              const used = usedBy(engine, index);
              if (outcome === "acknowledged") expect(used).toBe(1);
              else if (outcome === "refused" || !isRestarted) expect(used).toBe(0);
              else expect([0, 1]).toContain(used);
            }
          };
          for (const size of batches) {
            const indexes = Array.from({ length: size + 1 }, () => next++).filter((index) => index < CUSTOMERS);
            const done = Promise.all(
              indexes.map(async (index) => known.set(index, await outcomeOf(report(engine, index)))),
            );
            const isDown = await Promise.race([disk.whenDown().then(() => true), done.then(() => false)]);
            if (isDown) {
              // Nobody was answered: it may count.
              for (const index of indexes) if (!known.has(index)) known.set(index, "may count");
              await restart();
              check(true);
              for (const [index, outcome] of known) if (outcome === "may count") known.delete(index);
            } else check(false);
          }
          for (const outcome of known.values()) seen[outcome]++;
          disk.kill();
          await restart();
          check(true);
        },
      ),
      { numRuns: 400 },
    );
    // The property says little unless all of it happens.
    expect(Math.min(seen.acknowledged, seen.refused, seen["may count"])).toBeGreaterThan(5);
    expect(restarts).toBeGreaterThan(400);
  });

  it("that cannot be written is told of once, as a figure too, and so is the recovery", async () => {
    const [disk, logger, telemetry] = [new VirtualDisk(), new RecordingLogger(), newTelemetry()];
    const state = new DependencyState("state_file", telemetry.dependencies);
    const ledger = new UsageLedger();
    const journal = await UsageJournal.open(PATH, ledger, disk, NOBODY, logger, state);
    const engine = new CatalogEngine(ledger, journal, new ManualClock(NOON), logger);
    await engine.adopt(MODEL);
    await engine.settled();
    expect(state.isUp).toBe(true);
    for (let tries = 0; tries < 2; tries++) {
      disk.faults.set(disk.operations, { kind: "error", code: "ENOSPC", share: 0 });
      expect(await outcomeOf(report(engine, 0))).toBe("refused");
      expect(state).toMatchObject({ isUp: false, lastError: expect.stringContaining("could not be written") });
    }
    await report(engine, 0);
    expect(state.isUp).toBe(true);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["error", expect.stringContaining("make room on its disk, or raise the quota")],
      ["error", "the state file is written to again"],
    ]);
  });

  it("is refused wherever its write breaks off, and the next one counts", async () => {
    for (const code of ["ENOSPC", "EIO"] as const) {
      for (let percent = 0; percent <= 100; percent += 2) {
        const disk = new VirtualDisk();
        const engine = await start(disk);
        await report(engine, 0);
        disk.faults.set(disk.operations, { kind: "error", code, share: percent / 100 });
        expect(await outcomeOf(report(engine, 1))).toBe("refused");
        await report(engine, 2);
        disk.kill();
        disk.reboot();
        const restarted = await start(disk);
        expect([0, 1, 2].map((index) => usedBy(restarted, index))).toEqual([1, 0, 1]);
      }
    }
  });

  it("that could not be taken back says that it may count, and counts once under its key", async () => {
    const disk = new VirtualDisk();
    const engine = await start(disk);
    const again = usageReport({ customerId: "c0" }, "calls", 1);
    // Behind two looks at the file and the write: the sync fails, and so does what takes the record back.
    for (const operation of [3, 4])
      disk.faults.set(disk.operations + operation, { kind: "error", code: "EIO", share: 0 });
    expect(await outcomeOf(engine.reportUsage([again]))).toBe("may count");
    expect(usedBy(engine, 0)).toBe(0);
    disk.kill();
    disk.reboot();
    const restarted = await start(disk);
    expect(usedBy(restarted, 0)).toBe(1);
    await restarted.reportUsage([again]);
    expect(usedBy(restarted, 0)).toBe(1);
  });

  it("is refused by its room or by its disk", async () => {
    for (const [code, expected] of [
      ["ENOSPC", "resource-exhausted"],
      ["EIO", "unavailable"],
    ] as const) {
      const disk = new VirtualDisk();
      const engine = await start(disk);
      disk.faults.set(disk.operations, { kind: "error", code, share: 0.5 });
      await expect(report(engine, 0)).rejects.toMatchObject({ code: expected });
    }
  });

  it("that cannot be counted is refused for what it is, whatever the disk does, and those beside it count", async () => {
    const engine = await start(new VirtualDisk());
    const [counted, refused] = await Promise.allSettled([report(engine, 0), report(engine, CUSTOMERS)]);
    expect(counted.status).toBe("fulfilled");
    expect((refused as PromiseRejectedResult).reason).toMatchObject({ code: "not-found" });
    expect(usedBy(engine, 0)).toBe(1);
  });

  it("is not seen by a check before it is safe", async () => {
    const engine = await start(new VirtualDisk());
    const safe = report(engine, 0);
    expect(usedBy(engine, 0)).toBe(0);
    await safe;
    expect(usedBy(engine, 0)).toBe(1);
  });
});

describe("a state file of six reports", () => {
  async function written(close: boolean): Promise<Buffer> {
    const disk = new VirtualDisk();
    const engine = await start(disk);
    for (let index = 0; index < 6; index++) await report(engine, index);
    if (close) await engine.close();
    else disk.kill();
    return disk.contentOf(PATH) ?? Buffer.alloc(0);
  }

  /** How a start ends: what is counted and what is logged, or why it is refused. */
  async function startOn(
    content: Buffer,
  ): Promise<{ readonly counted?: number; readonly warnings: readonly string[]; readonly refusal?: string }> {
    const disk = new VirtualDisk();
    disk.put(PATH, content);
    const logger = new RecordingLogger();
    try {
      const engine = await start(disk, logger);
      const counted = Array.from({ length: CUSTOMERS }, (_, index) => usedBy(engine, index)).reduce(
        (sum, each) => sum + each,
        0,
      );
      return { counted, warnings: logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message) };
    } catch (error) {
      expect(error).toMatchObject({ code: "failed-precondition" });
      expect(disk.contentOf(PATH)?.equals(content)).toBe(true);
      return { refusal: (error as Error).message, warnings: [] };
    }
  }

  it.each([
    ["an older copy of it", (content: Buffer) => content.subarray(0, -150)],
    ["nothing", () => Buffer.alloc(0)],
    ["another one of the same length", (content: Buffer) => Buffer.from(content.toString().replace(/\d/g, "7"))],
    ["more", (content: Buffer) => Buffer.concat([content, Buffer.from("more")])],
  ])(
    "into which somebody put %s while it was in use has all that was acknowledged, and the log says so",
    async (_, put) => {
      for (const isReportedLater of [true, false]) {
        const disk = new VirtualDisk();
        const logger = new RecordingLogger();
        const engine = await start(disk, logger);
        for (let index = 0; index < 3; index++) await report(engine, index);
        disk.overwrite(PATH, put(disk.contentOf(PATH) ?? Buffer.alloc(0)));
        if (isReportedLater) for (let index = 3; index < 6; index++) await report(engine, index);
        await engine.close();
        expect(logger.lines.map(({ level }) => level)).toEqual(["warn"]);
        const again = new RecordingLogger();
        const engineAgain = await start(disk, again);
        const counted = Array.from({ length: CUSTOMERS }, (_value, index) => usedBy(engineAgain, index));
        expect(counted.reduce((sum, used) => sum + used, 0)).toBe(isReportedLater ? 6 : 3);
        expect(again.lines).toEqual([]);
      }
    },
  );

  it("that was closed is read without a word", async () => {
    expect(await startOn(await written(true))).toEqual({ counted: 6, warnings: [] });
  });

  it("of a process that was killed is read, and the log says that it was not closed", async () => {
    const { counted, warnings } = await startOn(await written(false));
    expect(counted).toBe(6);
    expect(warnings).toEqual([
      expect.stringMatching(
        /was not closed: the process before this one was killed, or the machine stopped. All \d+ records that it acknowledged are there$/,
      ),
    ]);
  });

  it.each([true, false])(
    "(closed: %s) that lost its end, wherever, is refused and says what is missing",
    async (isClosed) => {
      const content = await written(isClosed);
      for (let length = 1; length < content.length; length++) {
        const { refusal } = await startOn(content.subarray(0, length));
        because(`cut to ${length} bytes`, () =>
          expect(refusal).toMatch(
            /usage\.state:\d+ (is cut short|is not a usage state file|is damaged).*restore it from a copy/,
          ),
        );
      }
      const lines = content.toString().split("\n").slice(0, -3).join("\n");
      expect((await startOn(Buffer.from(`${lines}\n`))).refusal).toMatch(
        /is cut short: \d+ of \d+ bytes and 4 of 6 records are there, 2 that were acknowledged are missing/,
      );
    },
  );

  it("that is empty begins anew, and the log says so", async () => {
    const { counted, warnings } = await startOn(Buffer.alloc(0));
    expect(counted).toBe(0);
    expect(warnings).toEqual([
      expect.stringMatching(
        /is empty: counting begins from what the catalog says; where it was not made empty on purpose, restore it/,
      ),
    ]);
  });

  it.each([true, false])(
    "(closed: %s) with any one bit flipped is refused, or read completely and warned of",
    async (isClosed) => {
      const content = await written(isClosed);
      for (let place = 0; place < content.length; place++) {
        const flipped = Buffer.from(content);
        flipped[place] = (flipped[place] ?? 0) ^ (1 << (place % 8));
        const { counted, warnings, refusal } = await startOn(flipped);
        if (refusal !== undefined) continue;
        expect([place, counted, warnings.length]).toEqual([place, 6, 1]);
      }
    },
  );

  it("of which a line is missing or stands elsewhere is refused", async () => {
    const lines = (await written(true)).toString().split("\n");
    const records = lines.slice(3, -1);
    for (let i = 0; i < records.length; i++) {
      const without = [...lines.slice(0, 3), ...records.filter((_, index) => index !== i), ""].join("\n");
      expect((await startOn(Buffer.from(without))).refusal).toMatch(/is damaged|is cut short/);
      const swapped = [...lines.slice(0, 3), ...records.slice(i), ...records.slice(0, i), ""].join("\n");
      if (i > 0) expect((await startOn(Buffer.from(swapped))).refusal).toMatch(/is damaged/);
    }
  });

  it("that grew after it was closed is refused", async () => {
    const content = await written(true);
    expect((await startOn(Buffer.concat([content, Buffer.from("more")]))).refusal).toMatch(
      /has 4 bytes behind its end/,
    );
  });
});
