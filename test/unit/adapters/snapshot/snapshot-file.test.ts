import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../src/adapters/cache/memory/memory-cache.js";
import { CachedStates } from "../../../../src/adapters/cache/snapshot/cached-states.js";
import { SystemClock } from "../../../../src/adapters/ops/system-clock.js";
import { SnapshotFile } from "../../../../src/adapters/snapshot/snapshot-file.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { DependencyState, newTelemetry } from "../../../../src/ports/telemetry.js";
import { metered, stateWith } from "../../../builders/states.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const CUSTOMERS = 3_000;
const ENVIRONMENT = Buffer.from("12345678");

let folder: string;
let file: string;
const opened: SnapshotFile[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "snapshot-"));
  file = join(folder, "states");
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((snapshot) => snapshot.close()));
  await rm(folder, { recursive: true });
});

async function openSnapshot(environment = ENVIRONMENT) {
  const cache = new MemoryCache(100_000_000, newTelemetry());
  const logger = new RecordingLogger();
  const state = new DependencyState("snapshot", newTelemetry().dependencies);
  const snapshot = new SnapshotFile({
    file,
    environment,
    states: new CachedStates(cache),
    clock: new SystemClock(),
    logger,
    state,
  });
  opened.push(snapshot);
  return { cache, logger, state, snapshot, loaded: await snapshot.load() };
}

const usedOf = (customer: number) => customer % 9;

function fill(cache: MemoryCache, customers = CUSTOMERS): void {
  for (let customer = 0; customer < customers; customer++) {
    cache.keep(
      { customerId: `c${customer}` },
      {
        state: stateWith([metered({ used: usedOf(customer) })], { updatedAt: 1 }),
        verifiedAt: 1_000,
        recheckAt: Infinity,
        isVerified: true,
      },
    );
  }
}

async function filled(): Promise<void> {
  const { cache, snapshot } = await openSnapshot();
  fill(cache);
  await snapshot.close();
}

function rightOnes(cache: MemoryCache): number {
  let right = 0;
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const held = cache.find({ customerId: `c${customer}` });
    if (held === undefined) continue;
    expect(held.state.featureUsage("seats").currentUsage).toBe(usedOf(customer));
    right++;
  }
  return right;
}

describe("cached states in a file", () => {
  it("are there again, and go on being written", async () => {
    await filled();
    const second = await openSnapshot();
    expect(second.loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
    expect(rightOnes(second.cache)).toBe(CUSTOMERS);
    second.cache.keep(
      { customerId: "c0" },
      {
        state: stateWith([metered({ used: 10 })], { updatedAt: 2 }),
        verifiedAt: 2_000,
        recheckAt: Infinity,
        isVerified: true,
      },
    );
    await second.cache.forget({ customerId: "c1" });
    await second.snapshot.close();
    const third = await openSnapshot();
    expect(third.cache.find({ customerId: "c0" })?.state.featureUsage("seats").currentUsage).toBe(10);
    expect(third.cache.find({ customerId: "c1" })).toBeUndefined();
    expect(third.cache.size.subjects).toBe(CUSTOMERS - 1);
    expect(third.logger.lines.filter(({ level }) => level === "warn")).toEqual([]);
  });

  it("of another environment are not read, which is reported", async () => {
    await filled();
    const { loaded, cache, logger } = await openSnapshot(Buffer.from("87654321"));
    expect(loaded.subjects).toBe(0);
    expect(cache.size.subjects).toBe(0);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("another environment") as unknown as string,
      }),
    );
  });

  it("of another version are not read, which is reported", async () => {
    await filled();
    const bytes = await readFile(file);
    bytes[6] = 9;
    await writeFile(file, bytes);
    const { logger } = await openSnapshot();
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("another version") as unknown as string,
      }),
    );
  });

  it.each([
    { what: "a text", bytes: Buffer.from("plans:\n  - id: pro\n"), isOverwritten: false },
    { what: "a large file", bytes: Buffer.alloc(5 << 20, "catalog "), isOverwritten: false },
    { what: "the first bytes of a snapshot", bytes: Buffer.from([0xe5, 0x53, 0x4e]), isOverwritten: true },
    { what: "the zeros of a crash", bytes: Buffer.alloc(100), isOverwritten: true },
    { what: "nothing", bytes: Buffer.alloc(0), isOverwritten: true },
  ])("go over $what: $isOverwritten", async ({ bytes, isOverwritten }) => {
    await writeFile(file, bytes);
    const { cache, logger, snapshot } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    await snapshot.close();
    const left = (await readFile(file)).equals(bytes);
    expect(left).toBe(!isOverwritten);
    const warnings = logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(warnings.some((message) => message.includes("another program's"))).toBe(!isOverwritten);
  });

  it("are written by one process alone, which is reported", async () => {
    await filled();
    await openSnapshot();
    const { cache, logger, snapshot } = await openSnapshot();
    expect(rightOnes(cache)).toBe(CUSTOMERS);
    const { size } = await stat(file);
    fill(cache);
    await snapshot.close();
    expect((await stat(file)).size).toBe(size);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("another process") as unknown as string,
      }),
    );
  });

  it("are written by the next process once the one before has ended", async () => {
    const before = await openSnapshot();
    fill(before.cache);
    await before.snapshot.written();
    const next = await openSnapshot();
    expect(next.state).toMatchObject({ isUp: false, lastError: "another process writes to the snapshot" });
    fill(next.cache, 1);
    await next.snapshot.written();
    expect(next.state.isUp).toBe(false);
    await before.snapshot.close();
    await next.snapshot.written();
    expect(next.state.isUp).toBe(true);
    expect(next.logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    await next.snapshot.close();
    expect((await openSnapshot()).loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
  });

  it("that cannot be kept cost nothing but a warning", async () => {
    file = join(folder, "no", "such", "folder", "states");
    const { loaded, logger } = await openSnapshot();
    expect(loaded.subjects).toBe(0);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("SNAPSHOT_FILE") as unknown as string,
      }),
    );
  });
});

describe("damage costs at most its block, and is reported", () => {
  it("a flipped bit anywhere", async () => {
    await filled();
    const whole = await readFile(file);
    for (let step = 0; step < 60; step++) {
      const at = Math.floor((whole.length - 1) * (step / 59));
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (step % 8));
      await writeFile(file, bytes);
      const { cache, loaded, logger, snapshot } = await openSnapshot();
      expect([at, loaded.damaged]).toEqual([at, 1]);
      expect(rightOnes(cache)).toBeGreaterThanOrEqual(CUSTOMERS - 500);
      expect(logger.lines.some(({ level }) => level === "warn")).toBe(true);
      await snapshot.close();
    }
  });

  it("an end that was cut off, anywhere", async () => {
    await filled();
    const whole = await readFile(file);
    for (let step = 1; step <= 20; step++) {
      const length = Math.floor((whole.length * step) / 21);
      await writeFile(file, whole.subarray(0, length));
      const { cache, loaded, snapshot } = await openSnapshot();
      expect(loaded.damaged).toBe(1);
      expect(rightOnes(cache)).toBeGreaterThan(CUSTOMERS * (step / 21) - 1_000);
      await snapshot.close();
    }
  });

  it("and is mended where links lead to, by writing the file anew", async () => {
    const place = join(folder, "volume", "states");
    await mkdir(join(folder, "volume"));
    await symlink(join("volume", "states"), file);
    await filled();
    await writeFile(place, (await readFile(place)).subarray(0, -10));
    const { cache, snapshot } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    await snapshot.close();
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    const { loaded } = await openSnapshot();
    expect(loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
  });

  it("and is mended by writing the file anew", async () => {
    await filled();
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, bytes.length - 10));
    const { cache, snapshot } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    await snapshot.close();
    const { loaded } = await openSnapshot();
    expect(loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
  });
});

describe("a snapshot whose file is taken away while it is written", () => {
  it("is written anew", async () => {
    const { cache, snapshot } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    await rm(file);
    fill(cache);
    await snapshot.written();
    await snapshot.close();
    expect((await openSnapshot()).loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
  });

  it("with its folder, is seen to be lost until the folder is there again", async () => {
    const { cache, snapshot, state, logger } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    expect(state.isUp).toBe(true);
    await rm(folder, { recursive: true });
    for (let tries = 0; tries < 2; tries++) {
      fill(cache);
      await snapshot.written();
      expect(state).toMatchObject({ isUp: false, lastError: expect.stringContaining("cannot be written anew") });
    }
    await mkdir(folder);
    fill(cache);
    await snapshot.written();
    expect(state.isUp).toBe(true);
    expect(logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      "the snapshot cannot be written anew: it goes on growing until it can",
      "the snapshot is written again",
    ]);
  });
});

describe("a snapshot that could not be opened at the start", () => {
  const LATER = "of another program, longer than the head of a block would be\n";

  it("is left as it is where another program's file lies there then", async () => {
    await mkdir(file);
    const { cache, snapshot, state } = await openSnapshot();
    expect(state.isUp).toBe(false);
    await rm(file, { recursive: true });
    await writeFile(file, LATER);
    for (let tries = 0; tries < 2; tries++) {
      fill(cache);
      await snapshot.written();
    }
    await snapshot.close();
    expect(await readFile(file, "utf8")).toBe(LATER);
    expect(state.lastError).toBe("SNAPSHOT_FILE is no snapshot");
  });

  it("is not written where another process writes to it then", async () => {
    await mkdir(file);
    const late = await openSnapshot();
    await rm(file, { recursive: true });
    const owner = await openSnapshot();
    fill(owner.cache);
    await owner.snapshot.written();
    const { size } = await stat(file);
    fill(late.cache);
    await late.snapshot.written();
    await late.snapshot.close();
    expect((await stat(file)).size).toBe(size);
    expect(late.state.lastError).toBe("another process writes to the snapshot");
  });

  it("is written once it can be", async () => {
    await mkdir(file);
    const { cache, snapshot, state } = await openSnapshot();
    fill(cache);
    await snapshot.written();
    expect(state.isUp).toBe(false);
    await rm(file, { recursive: true });
    await snapshot.written();
    expect(state.isUp).toBe(true);
    await snapshot.close();
    expect((await openSnapshot()).loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
  });
});

it("a snapshot in a folder that is for reading alone is read, and that it is not written is reported", async () => {
  await filled();
  await rm(`${file}.lock`);
  await chmod(file, 0o444);
  await chmod(folder, 0o555);
  const isRoot = process.geteuid?.() === 0;
  // No permission is missing to root.
  if (isRoot) process.seteuid?.(65_534);
  try {
    const { cache, loaded, state, logger, snapshot } = await openSnapshot();
    expect(loaded).toEqual({ subjects: CUSTOMERS, damaged: 0 });
    expect(rightOnes(cache)).toBe(CUSTOMERS);
    expect(state.isUp).toBe(false);
    fill(cache);
    await snapshot.written();
    expect(logger.lines.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      expect.stringContaining("the snapshot was read, and cannot be written"),
      "the snapshot cannot be written: states are not kept until it can",
    ]);
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(folder, 0o700);
  }
});

it("what cannot be written is tried ever later, and what waits for it is bounded", async () => {
  const clock = new ManualClock();
  const encoded: number[] = [];
  let notify: (subject: Subject) => void = () => undefined;
  const snapshot = new SnapshotFile({
    file,
    environment: ENVIRONMENT,
    states: {
      subjects: () => [],
      encode: (subjects) => {
        encoded.push(subjects.length);
        return Buffer.alloc(8);
      },
      restore: () => 0,
      onChange: (listener) => {
        notify = listener;
      },
    },
    clock,
    logger: new RecordingLogger(),
  });
  opened.push(snapshot);
  await mkdir(file);
  await snapshot.load();
  const subjects = 120_000;
  for (let customer = 0; customer < 3; customer++) {
    notify({ customerId: `c${customer}` });
    await snapshot.written();
  }
  clock.advance(1_599);
  expect(clock.pendingTimers).toBe(1);
  for (let customer = 0; customer < subjects; customer++) notify({ customerId: `c${customer}` });
  await rm(file, { recursive: true });
  await snapshot.written();
  const written = encoded.reduce((sum, count) => sum + count, 0);
  expect(written).toBe(subjects - 100_000);
});
