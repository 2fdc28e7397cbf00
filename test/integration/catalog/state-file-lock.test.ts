import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { StateFileLock } from "../../../src/adapters/catalog/ledger/state-file-lock.js";
import type { KernelLock } from "../../../src/adapters/files/kernel-lock.js";
import type { Clock } from "../../../src/ports/clock.js";

let directory: string;
let stateFile: string;
let lockFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "state-lock-"));
  stateFile = join(directory, "usage.state");
  lockFile = `${stateFile}.lock`;
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const NO_KERNEL_LOCK: KernelLock = () => "unsupported";

/** A hundred times as fast, and set to another year each time somebody looks: nothing here may go by it. */
function fastClock(isStopped = () => false): Clock {
  let year = 0;
  return {
    now: () => (year++ % 2 === 0 ? 0 : 4e12),
    elapsed: () => 0,
    after(delayMs, callback) {
      const timer = setTimeout(() => {
        if (!isStopped()) callback();
      }, delayMs / 100);
      return () => clearTimeout(timer);
    },
  };
}

const acquire = (tryLock?: KernelLock, clock = fastClock()) => StateFileLock.acquire(stateFile, clock, tryLock);

/** A process with the pid and host name of this one in its lock, as another container can have them. */
async function otherProcess(): Promise<ChildProcess> {
  const owner = JSON.stringify({
    owner: "another",
    pid: process.pid,
    hostname: hostname(),
    hasKernelLock: true,
    beats: 1,
  });
  const program = `
    const fs = require("node:fs");
    const fd = fs.openSync(process.argv[1], "w+");
    if (!require("fs-native-extensions").tryLock(fd)) process.exit(1);
    fs.writeSync(fd, process.argv[2]);
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", program, lockFile, owner], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: join(import.meta.dirname, "../../.."),
  });
  await once(child.stdout, "data");
  return child;
}

const hasKernelLocks = process.platform === "linux";

(hasKernelLocks ? describe : describe.skip)("a state file that is locked by the kernel", () => {
  it("has one owner, within one process too, and none once that has let go", async () => {
    const first = await acquire();
    await expect(acquire()).rejects.toMatchObject({
      code: "failed-precondition",
      message: `the state file ${stateFile} is in use by process ${process.pid} on ${hostname()}; stop that, or give this process another CATALOG_STATE_FILE`,
    });
    await first.confirm();
    await first.release();
    expect(await readdir(directory)).toEqual([]);
    await (await acquire()).release();
  });

  it("is refused while another process lives, whatever its pid, and taken over at once when that is killed", async () => {
    const other = await otherProcess();
    await expect(acquire()).rejects.toThrow(/is in use by process/);
    other.kill("SIGKILL");
    await once(other, "exit");
    // A clock on which nothing ever comes due: there is nothing to wait for.
    const lock = await acquire(
      undefined,
      fastClock(() => true),
    );
    await lock.confirm();
    await lock.release();
  });

  it("is locked anew where somebody removed the lock", async () => {
    const lock = await acquire();
    await rm(lockFile);
    while (!(await readdir(directory)).includes("usage.state.lock")) await new Promise((next) => setImmediate(next));
    await expect(acquire()).rejects.toThrow(/is in use by/);
    await lock.confirm();
    await lock.release();
  });
});

describe.each([
  ["with a lock of the kernel", undefined],
  ["without a lock of the kernel", NO_KERNEL_LOCK],
])("a state file, %s,", (_what, tryLock) => {
  it("has one owner of many that want it at once", async () => {
    const wanted = await Promise.allSettled(Array.from({ length: 12 }, () => acquire(tryLock)));
    const owners = wanted.filter((each) => each.status === "fulfilled");
    expect(owners).toHaveLength(1);
    for (const { value } of owners) await value.release();
  });

  it("is taken over from an earlier version that is silent, whatever the time of its file", async () => {
    for (const time of [new Date(0), new Date(4e12)]) {
      await writeFile(lockFile, JSON.stringify({ pid: process.pid, hostname: hostname(), processId: "p", token: "t" }));
      await utimes(lockFile, time, time);
      await (await acquire(tryLock)).release();
    }
  });

  it("is refused while an earlier version touches its file", async () => {
    await writeFile(lockFile, JSON.stringify({ pid: 7, hostname: "elsewhere", processId: "p", token: "t" }));
    let touches = 0;
    const touching = setInterval(() => void utimes(lockFile, 1, ++touches), 5);
    await expect(acquire(tryLock)).rejects.toThrow(/is in use by process 7 on elsewhere/);
    clearInterval(touching);
  });
});

describe("a state file without a lock of the kernel", () => {
  it("is refused while its owner lives, and taken over when that is silent, which then stops", async () => {
    let isFrozen = false;
    const first = await acquire(
      NO_KERNEL_LOCK,
      fastClock(() => isFrozen),
    );
    await expect(acquire(NO_KERNEL_LOCK)).rejects.toThrow(/is in use by process/);
    await first.confirm();
    isFrozen = true;
    const second = await acquire(NO_KERNEL_LOCK);
    while ((await readFile(lockFile, "utf8")).length === 0) await new Promise((next) => setImmediate(next));
    // Its latest heartbeat is too old to go by: it looks before it writes.
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    await expect(first.confirm()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /was taken over by process .*; the usage is not counted: restart this process/,
      ) as unknown as string,
    });
    await first.release();
    await second.confirm();
    expect(await readdir(directory)).toEqual(["usage.state.lock"]);
    await second.release();
  });
});

it("a state file cannot be locked where there is no directory", async () => {
  await expect(StateFileLock.acquire(join(directory, "missing", "usage.state"), fastClock())).rejects.toMatchObject({
    code: "failed-precondition",
    message: expect.stringMatching(/its directory has to exist and be writable/) as unknown as string,
  });
});
