import { once } from "node:events";
import { copyFileSync, existsSync } from "node:fs";
import {
  appendFile,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { contentOf } from "../../../src/adapters/catalog/engine/catalog-changes.js";
import type { CatalogEngine } from "../../../src/adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { CodedError } from "../../../src/domain/errors.js";
import type { UsageReport } from "../../../src/domain/usage/usage-report.js";
import { ACME, catalogOf, NOON, usageEvent, usageReport } from "../../builders/catalog-use.js";
import { anyCatalog, anyEvent, anyReport, CATALOG_NOW, CATALOG_SUBJECTS } from "../../builders/catalogs.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

const CATALOG = catalogOf({ entitlements: { calls: 100, seats: 100 } }, { usage: { seats: 3 } });

let directory: string;
let stateFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-state-"));
  stateFile = join(directory, "usage.state");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function open(
  catalog: CatalogInput = CATALOG,
  file = stateFile,
  clock = new ManualClock(NOON),
): Promise<CatalogEngine> {
  return openCatalog({ source: { catalog }, stateFile: file, clock, logger: new RecordingLogger() });
}

function used(engine: CatalogEngine, featureId = "calls"): number {
  return engine.stateOf(ACME).featureUsage(featureId).currentUsage;
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CodedError);
  return `${(error as CodedError).code}: ${(error as CodedError).message}`;
}

describe("usage with a state file", () => {
  it("is after a restart what it was before, whatever was reported, and no key counts again", async () => {
    const anyReports = fc.array(fc.oneof(fc.array(anyReport, { minLength: 1, maxLength: 3 }), anyEvent), {
      maxLength: 15,
    });
    await fc.assert(
      fc.asyncProperty(anyCatalog, anyReports, fc.nat(100), async (catalog, reports, hours) => {
        await rm(stateFile, { force: true });
        const clock = new ManualClock(CATALOG_NOW);
        const contents = (engine: CatalogEngine) =>
          CATALOG_SUBJECTS.map((subject) => contentOf(engine.stateOf(subject)));
        const reportAll = async (engine: CatalogEngine) => {
          for (const each of reports) {
            const safe = Array.isArray(each) ? engine.reportUsage(each) : engine.reportEvents([each]);
            await safe.catch((error: unknown) => expect(error).toBeInstanceOf(CodedError));
          }
        };
        const before = await open(catalog, stateFile, clock);
        await reportAll(before);
        clock.advance(hours * 3_600_000 + 7);
        const known = contents(before);
        await before.close();
        const after = await open(catalog, stateFile, clock);
        expect(contents(after)).toEqual(known);
        await reportAll(after);
        expect(contents(after)).toEqual(known);
        await after.close();
      }),
      { numRuns: 60 },
    );
  });

  it("is in the file by the time a report is acknowledged, so that a crash loses nothing", async () => {
    const engine = await open();
    for (let count = 1; count <= 5; count++) {
      await engine.reportUsage([usageReport(ACME, "calls", 1)]);
      const crashed = join(directory, `crashed-${count}`);
      await copyFile(stateFile, crashed);
      const restarted = await open(CATALOG, crashed);
      expect(used(restarted)).toBe(count);
      await restarted.close();
    }
    await engine.close();
  });

  it("survives a crash in the middle of a write, without what was not acknowledged", async () => {
    const engine = await open();
    await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    const acknowledged = (await stat(stateFile)).size;
    const crashed = join(directory, "crashed");
    await copyFile(stateFile, crashed);
    await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    await engine.close();
    const content = await readFile(stateFile);
    // As it was when the second record was being written: what the file says of its end is of before.
    await copyFile(crashed, stateFile);
    await appendFile(stateFile, content.subarray(acknowledged, acknowledged + 20));
    const restarted = await open();
    expect(used(restarted)).toBe(1);
    await restarted.close();
  });

  it("orders what comes after a restart behind what was before it, also when the clock was set back", async () => {
    const engine = await open();
    const [before] = await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    await engine.close();
    const restarted = await open(CATALOG, stateFile, new ManualClock(NOON - 3_600_000));
    const [after] = await restarted.reportUsage([usageReport(ACME, "calls", 1)]);
    expect(after?.updatedAt).toBeGreaterThan(before?.updatedAt ?? Infinity);
    await restarted.close();
  });

  it("goes on from what was counted, and not from the catalog's number again", async () => {
    const engine = await open();
    await engine.reportUsage([usageReport(ACME, "seats", 4)]);
    await engine.close();
    const restarted = await open();
    expect(used(restarted, "seats")).toBe(7);
    await restarted.close();
  });

  it("is refused when the file is damaged, and the file is left as it is", async () => {
    const engine = await open();
    await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    await engine.close();
    const damaged = (await readFile(stateFile, "utf8")).replace('"acme"', '"acne"');
    await writeFile(stateFile, damaged);
    expect(await refusalOf(open())).toMatch(
      /^failed-precondition: the state file .*usage\.state:\d+ is damaged: a checksum does not fit; restore it from a copy, or remove it/,
    );
    expect(await readFile(stateFile, "utf8")).toBe(damaged);
    await rm(stateFile);
    await (await open()).close();
  });

  it.each([true, false])(
    "is kept where links lead to, and they go on leading there (the file was there before: %s)",
    async (isThere) => {
      const folder = join(directory, "volume");
      await mkdir(folder);
      const real = join(folder, "usage.state");
      if (isThere) await writeFile(real, "");
      await symlink(join("volume", "usage.state"), join(directory, "link"));
      await symlink("link", stateFile);
      const engine = await open();
      await expect(open(CATALOG, real)).rejects.toThrow(/is in use by process/);
      await engine.reportUsage([usageReport(ACME, "calls", 5)]);
      await engine.close();
      expect((await lstat(stateFile)).isSymbolicLink()).toBe(true);
      const again = await open(CATALOG, real);
      expect(used(again)).toBe(5);
      await again.close();
    },
  );

  it("is never kept in place of what is no file", async () => {
    await mkdir(join(directory, "folder"));
    const socket = join(directory, "socket");
    const server = createServer().listen(socket);
    await once(server, "listening");
    await symlink("socket", join(directory, "link"));
    await symlink("circle", join(directory, "circle"));
    expect(await refusalOf(open(CATALOG, join(directory, "folder")))).toMatch(/folder is a directory, and not a file/);
    expect(await refusalOf(open(CATALOG, socket))).toMatch(
      /^failed-precondition: .*socket is a socket, and not a file/,
    );
    expect(await refusalOf(open(CATALOG, join(directory, "link")))).toMatch(/socket is a socket, and not a file/);
    expect(await refusalOf(open(CATALOG, join(directory, "circle")))).toMatch(/circle is a link that leads back/);
    expect((await lstat(socket)).isSocket()).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });

  it("cannot be kept where there is no directory", async () => {
    expect(await refusalOf(open(CATALOG, join(directory, "missing", "usage.state")))).toMatch(
      /^failed-precondition: .*its directory has to exist and be writable/,
    );
  });

  it("that cannot be written is an error, counts once when it can be, and is never half written", async () => {
    const engine = await open();
    await rm(directory, { recursive: true });
    const report = usageReport(ACME, "calls", 2);
    expect(await refusalOf(engine.reportUsage([report]))).toMatch(
      /^unavailable: usage could not be written to the state file .*: the usage is not counted; report it again once that is mended/,
    );
    expect(await refusalOf(engine.reportUsage([report]))).toMatch(/^unavailable/);
    expect(used(engine)).toBe(0);
    await mkdir(directory);
    await engine.reportUsage([report]);
    await engine.close();
    const restarted = await open();
    expect(used(restarted)).toBe(2);
    await restarted.close();
  });

  it("stays small however much is reported", async () => {
    const customerId = "c".repeat(20_000);
    const catalog: CatalogInput = { ...CATALOG, customers: [{ id: customerId, plan: "pro" }] };
    const engine = await open(catalog);
    const sizes: number[] = [];
    for (let batch = 0; batch < 40; batch++) {
      await Promise.all(
        Array.from({ length: 25 }, () => engine.reportUsage([usageReport({ customerId }, "calls", 1)])),
      );
      sizes.push((await stat(stateFile)).size);
    }
    await engine.close();
    // 1,000 records of 20 kB each were written.
    expect(Math.max(...sizes)).toBeLessThan(10_000_000);
    expect(sizes.at(-1)).toBeLessThan(Math.max(...sizes));
    const restarted = await open(catalog);
    expect(restarted.stateOf({ customerId }).featureUsage("calls").currentUsage).toBe(1_000);
    await restarted.close();
  });

  it("counts each report once when all are tried again after a crash, also one while the file is rewritten", async () => {
    const customers = Array.from({ length: 2_000 }, (_, index) => ({
      id: `c${index}`,
      plan: "pro",
      usage: { calls: 0 },
    }));
    const catalog: CatalogInput = { ...CATALOG, customers };
    const engine = await open(catalog);
    const bulks: (readonly UsageReport[])[] = [];
    const safe: Promise<unknown>[] = [];
    await rm(stateFile);
    while (!existsSync(stateFile)) {
      const bulk = ["c0", "c1999"].map((customerId) => usageReport({ customerId }, "calls", 1));
      bulks.push(bulk);
      safe.push(engine.reportUsage(bulk));
      await new Promise((next) => setImmediate(next));
    }
    copyFileSync(stateFile, `${stateFile}.crashed`);
    await Promise.all(safe);
    await engine.close();
    const restarted = await open(catalog, `${stateFile}.crashed`);
    for (const bulk of bulks) await restarted.reportUsage(bulk);
    const counted = ["c0", "c1999"].map(
      (customerId) => restarted.stateOf({ customerId }).featureUsage("calls").currentUsage,
    );
    expect(counted).toEqual([bulks.length, bulks.length]);
    await restarted.close();
  });

  it("leaves nothing but the file behind", async () => {
    const engine = await open();
    await engine.reportEvents([usageEvent(ACME, "call")]);
    await engine.close();
    await engine.close();
    expect(await readdir(directory)).toEqual(["usage.state"]);
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600);
  });
});
