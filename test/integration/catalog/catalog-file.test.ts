import { execFileSync } from "node:child_process";
import {
  appendFile,
  mkdir,
  mkdtemp,
  open as openFile,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { CatalogEngine } from "../../../src/adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import type { Change } from "../../../src/domain/change.js";
import type { CancelTimer } from "../../../src/ports/clock.js";
import type { LogFields } from "../../../src/ports/logger.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

function catalogText(days: number, more = ""): string {
  return `features:
  - { id: days, kind: numeric }
plans:
  - { id: pro, entitlements: { days: ${days} } }
customers:
  - { id: acme, plan: pro }
  - { id: other, overrides: { days: 1 } }
${more}`;
}

/** Tells when something is logged. */
class WaitingLogger extends RecordingLogger {
  readonly #waiting = new Set<() => void>();

  override error(message: string, fields?: LogFields): void {
    super.error(message, fields);
    for (const look of this.#waiting) look();
  }

  logged(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = () => {
        const line = this.lines.find(({ message }) => pattern.test(message));
        if (line === undefined) return;
        this.#waiting.delete(look);
        resolve(line.message);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** Tells when the file has been looked at. */
class WatchedClock extends SystemClock {
  #looks = 0;
  #waiting: (() => void)[] = [];

  override after(delayMs: number, callback: () => void): CancelTimer {
    return super.after(delayMs, () => {
      callback();
      this.#looks++;
      for (const look of this.#waiting.splice(0)) look();
    });
  }

  async looked(times: number): Promise<void> {
    const until = this.#looks + times;
    while (this.#looks < until) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** More looks than a change takes to be seen, settle and be read. */
const ENOUGH_LOOKS = 10;

let clock: WatchedClock;
let directory: string;
let file: string;
let logger: WaitingLogger;
let engine: CatalogEngine | undefined;
let changes: Change[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-file-"));
  file = join(directory, "catalog.yaml");
  logger = new WaitingLogger();
  changes = [];
  clock = new WatchedClock();
});

afterEach(async () => {
  await engine?.close();
  engine = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function serve(): Promise<void> {
  const opened = await openCatalog({ source: { file }, clock, logger });
  opened.subscribe((change) => changes.push(change));
  engine = opened;
}

function daysOf(customerId = "acme"): number | undefined {
  return engine?.stateOf({ customerId }).feature("days")?.usageLimit;
}

/** Resolves once a change makes it so. */
function until(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = engine?.subscribe(() => {
      if (!isSo()) return;
      unsubscribe?.();
      resolve();
    });
    if (isSo()) resolve();
  });
}

const WAYS_TO_CHANGE: readonly (readonly [string, () => Promise<void>])[] = [
  ["is written in place", () => writeFile(file, catalogText(2))],
  [
    "is written in pieces",
    async () => {
      const handle = await openFile(file, "w");
      for (const line of catalogText(2).split("\n")) await handle.write(`${line}\n`);
      await handle.close();
    },
  ],
  [
    "is replaced by another",
    async () => {
      await writeFile(join(directory, ".catalog.yaml.tmp"), catalogText(2));
      await rename(join(directory, ".catalog.yaml.tmp"), file);
    },
  ],
  [
    "is moved away and written anew, as some editors do",
    async () => {
      await rename(file, `${file}~`);
      await writeFile(file, catalogText(2));
    },
  ],
  [
    "is removed and made again",
    async () => {
      await unlink(file);
      await writeFile(file, catalogText(2));
    },
  ],
  [
    "has the size and time that it had before",
    async () => {
      const time = new Date(1_700_000_000_000);
      await writeFile(file, catalogText(2));
      await utimes(file, time, time);
    },
  ],
];

describe("a catalog file at run time", () => {
  it.each(WAYS_TO_CHANGE)("is served anew when it %s", async (_how, change) => {
    await writeFile(file, catalogText(1));
    const time = new Date(1_700_000_000_000);
    await utimes(file, time, time);
    await serve();
    await change();
    await until(() => daysOf() === 2);
    const received = changes.map((each) => (each.type === "entitlements-updated" ? each.subject : each.type));
    expect(received).toEqual([{ customerId: "acme" }]);
  });

  it("is served anew when the link that Kubernetes mounts is swapped", async () => {
    const version = async (name: string, days: number) => {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "catalog.yaml"), catalogText(days));
    };
    await version("..1", 1);
    await symlink("..1", join(directory, "..data"));
    await symlink("..data/catalog.yaml", file);
    await serve();
    expect(daysOf()).toBe(1);
    await version("..2", 2);
    await symlink("..2", join(directory, "..data_tmp"));
    await rename(join(directory, "..data_tmp"), join(directory, "..data"));
    await rm(join(directory, "..1"), { recursive: true });
    await until(() => daysOf() === 2);
  });

  it("is served anew when its directory is replaced", async () => {
    const inner = join(directory, "mounted");
    file = join(inner, "catalog.yaml");
    await mkdir(inner);
    await writeFile(file, catalogText(1));
    await serve();
    await rename(inner, join(directory, "before"));
    await mkdir(inner);
    await writeFile(file, catalogText(2));
    await until(() => daysOf() === 2);
  });

  it("is followed through many changes", async () => {
    await writeFile(file, catalogText(0));
    await serve();
    for (let days = 1; days <= 10; days++) {
      await writeFile(file, catalogText(days));
      await until(() => daysOf() === days);
    }
  });

  it("tells of customers that come and go", async () => {
    await writeFile(file, catalogText(1));
    await serve();
    await writeFile(file, catalogText(1, "  - { id: new, plan: pro }\n").replace(/.*id: other.*\n/, ""));
    await until(() => changes.length === 2);
    expect(changes).toMatchObject([
      { subject: { customerId: "other" }, state: { accessDeniedReason: "CustomerNotFound" } },
      { subject: { customerId: "new" }, state: { featureCount: 1 } },
    ]);
  });

  it.each([
    ["does not parse", "features: [", /catalog\.yaml:1:\d+ .*correct it as YAML or JSON/],
    ["is empty", "", /must be a mapping, not nothing/],
    [
      "does not fit",
      catalogText(1, "  - { id: third, plan: gold }\n"),
      /catalog\.yaml:8:18 customers\[2\]\.plan: there is no plan "gold"; there is "pro"/,
    ],
    ["is not text", Buffer.from([0xff, 0xfe, 0x00]), /is not UTF-8 text; save it as UTF-8/],
  ])(
    "that %s leaves the last good one serving, says so once, and is served again when it is mended",
    async (_what, bad, message) => {
      await writeFile(file, catalogText(1));
      await serve();
      await writeFile(file, bad);
      expect(await logger.logged(message)).toMatch(
        /The last good catalog goes on serving until the file is corrected\.$/,
      );
      expect(daysOf()).toBe(1);
      await writeFile(file, bad);
      await clock.looked(ENOUGH_LOOKS);
      await writeFile(file, catalogText(2));
      await until(() => daysOf() === 2);
      expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    },
  );

  it("that is written again as it was changes nothing", async () => {
    await writeFile(file, catalogText(1));
    await serve();
    await writeFile(file, catalogText(1));
    await clock.looked(ENOUGH_LOOKS);
    expect([changes, logger.lines]).toEqual([[], []]);
  });

  it("that is gone leaves the last good one serving until it is back", async () => {
    await writeFile(file, catalogText(1));
    await serve();
    await unlink(file);
    await logger.logged(/cannot be read any more; the last good catalog goes on serving until the file is back/);
    expect(daysOf()).toBe(1);
    await writeFile(file, catalogText(2));
    await until(() => daysOf() === 2);
  });
});

describe("a catalog file that is being written", () => {
  const more = Array.from({ length: 40 }, (_, index) => `  - { id: customer-${index}, plan: pro }\n`).join("");

  /** Writes in slices at any offset, each a while after the one before. */
  async function writeSlowly(text: string, pauseMs: (slice: number) => number): Promise<void> {
    await writeFile(file, "");
    const length = 37;
    for (let at = 0; at < text.length; at += length) {
      await appendFile(file, text.slice(at, at + length));
      await setTimeout(pauseMs(at / length));
    }
  }

  it.each([
    ["in many slices", () => 2],
    ["with pauses", (slice: number) => (slice % 10 === 3 ? 90 : 0)],
    ["with one long pause", (slice: number) => (slice === 20 ? 450 : 0)],
  ])("%s is served once it is complete, and no customer is without its plan before", async (_how, pauseMs) => {
    await writeFile(file, catalogText(1, more));
    await serve();
    for (let days = 2; days <= 4; days++) {
      await writeSlowly(catalogText(days, more), pauseMs);
      await until(() => daysOf("customer-39") === days);
    }
    const limits = changes.map((change) =>
      change.type === "entitlements-updated" ? change.state.feature("days")?.usageLimit : undefined,
    );
    expect(new Set(limits)).toEqual(new Set([2, 3, 4]));
    expect(logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("when the service starts is given time to be complete", async () => {
    await writeFile(file, "");
    const writing = writeSlowly(catalogText(1, more), () => 5);
    await serve();
    await writing;
    expect(daysOf("customer-39")).toBe(1);
  });
});

describe("a catalog file at start", () => {
  it.each([
    ["is not there", () => Promise.resolve(), /cannot be read: ENOENT.*; correct the path or its permissions/],
    ["is a directory", () => mkdir(file), /cannot be read: .* is a directory, and not a file/],
    // Whoever opens one the usual way waits until somebody writes to it.
    [
      "is a pipe",
      () => Promise.resolve(execFileSync("mkfifo", [file])),
      /cannot be read: .* is a pipe, and not a file/,
    ],
    [
      "has a fault",
      () => writeFile(file, catalogText(1, "  - { id: acme }\n")),
      /catalog\.yaml:8:7 customers\[2\]\.id: there is a customer "acme" already/,
    ],
  ])("that %s is refused", async (_what, prepare, message) => {
    await prepare();
    await expect(serve()).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message) as unknown as string,
    });
  });
});
