import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { CatalogEngine } from "../../../src/adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { loadConfig } from "../../../src/bootstrap/config/sidecar-config.js";
import { Sidecar } from "../../../src/bootstrap/sidecar/sidecar.js";
import { catalogSource } from "../../../src/bootstrap/source/catalog-source.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { ServiceProcess } from "../service/service-process.js";

/** More than are compared one by one, and enough for a worker to read them. */
const CUSTOMERS = 2_500;

interface Version {
  readonly limit: number;
  /** Those that have a limit of their own. */
  readonly overrides: ReadonlyMap<number, number>;
  readonly isPretty: boolean;
}

function catalogOf({ limit, overrides }: Version): CatalogInput {
  return {
    features: [{ id: "seats", kind: "metered" }],
    plans: [{ id: "pro", entitlements: { seats: limit } }],
    customers: Array.from({ length: CUSTOMERS }, (_, index) => {
      const own = overrides.get(index);
      return {
        id: `customer-${index}`,
        plan: "pro",
        usage: { seats: 1 },
        ...(own === undefined ? {} : { overrides: { seats: own } }),
      };
    }),
  };
}

function limitOf({ limit, overrides }: Version, customer: number): number {
  return overrides.get(customer) ?? limit;
}

const anyVersion = fc.record({
  limit: fc.integer({ min: 5, max: 1_000 }),
  overrides: fc
    .array(fc.tuple(fc.nat(CUSTOMERS - 1), fc.integer({ min: 5, max: 1_000 })), { maxLength: 40 })
    .map((pairs) => new Map(pairs)),
  isPretty: fc.boolean(),
});

let directory: string;
let file: string;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-reload-"));
  file = join(directory, "catalog.json");
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

async function replaceFile(version: Version): Promise<void> {
  await writeFile(`${file}.next`, JSON.stringify(catalogOf(version), undefined, version.isPretty ? 1 : undefined));
  await rename(`${file}.next`, file);
}

interface Answer {
  readonly hasAccess?: boolean;
  readonly entitlement?: { readonly usageLimit: number; readonly currentUsage: number };
}

async function check(port: number, customer: number): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/stigg.sidecar.v1.SidecarService/GetMeteredEntitlement`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ customerId: `customer-${customer}`, featureId: "seats" }),
  });
  return (await response.json()) as Answer;
}

async function startHere(): Promise<{
  readonly port: number;
  readonly logger: RecordingLogger;
  readonly engine: CatalogEngine;
}> {
  const logger = new RecordingLogger();
  const clock = new SystemClock();
  const engine = await openCatalog({ source: { file }, clock, logger });
  const { config } = loadConfig({
    CATALOG_FILE: file,
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
  });
  const sidecar = new Sidecar({
    config,
    logger,
    clock,
    telemetry: newTelemetry(),
    source: catalogSource(engine, file),
  });
  const { grpcPort } = await sidecar.start();
  closers.push(() => sidecar.stop());
  return { port: grpcPort, logger, engine };
}

describe("a large catalog that is edited while checks go on", () => {
  it("answers each check by the catalog before or the one after, and never again by the one before", async () => {
    const [first, ...edits] = fc.sample(anyVersion, { numRuns: 5, seed: 20_261_129 });
    if (first === undefined) throw new Error("no version was generated");
    await replaceFile(first);
    const { port, logger } = await startHere();
    for (let customer = 0; customer < CUSTOMERS; customer += 10) await check(port, customer);
    let before: Version = first;
    let edited = 0;
    for (const after of edits) {
      let isServed = false;
      await replaceFile(after);
      const changed = logger.until("the catalog changed", ++edited).then(() => (isServed = true));
      const seen = new Set<number>();
      const checkOn = async (offset: number) => {
        for (let step = 0; !isServed || step < 50; step++) {
          const customer = (offset + step * 10) % CUSTOMERS;
          const wasServed = isServed;
          const { hasAccess, entitlement } = await check(port, customer);
          const allowed =
            wasServed || seen.has(customer)
              ? [limitOf(after, customer)]
              : [limitOf(before, customer), limitOf(after, customer)];
          expect(allowed).toContain(entitlement?.usageLimit);
          expect([hasAccess, entitlement?.currentUsage]).toEqual([true, 1]);
          if (entitlement?.usageLimit === limitOf(after, customer)) seen.add(customer);
        }
      };
      await Promise.all([checkOn(0), checkOn(3), checkOn(777)]);
      await changed;
      before = after;
    }
    expect(logger.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  it("keeps the last good one where the next has a fault, which is said with its place", async () => {
    const good: Version = { limit: 7, overrides: new Map(), isPretty: true };
    await replaceFile(good);
    const { port, logger } = await startHere();
    await writeFile(`${file}.next`, JSON.stringify({ ...catalogOf(good), plans: [] }, undefined, 1));
    await rename(`${file}.next`, file);
    await logger.until("The last good catalog goes on serving until the file is corrected.");
    expect(logger.lines.at(-1)?.message).toMatch(/catalog\.json:\d+:\d+ customers\[0\]\.plan: there is no plan "pro"/);
    expect(await check(port, 4)).toMatchObject({ hasAccess: true, entitlement: { usageLimit: 7 } });
  });

  it("keeps what was reported", async () => {
    await replaceFile({ limit: 7, overrides: new Map(), isPretty: false });
    const { logger, engine } = await startHere();
    const subject = { customerId: "customer-1" };
    await engine.reportUsage([
      {
        subject,
        featureId: "seats",
        value: 2,
        updateBehavior: "DELTA",
        timestamp: undefined,
        idempotencyKey: "k",
        dimensions: new Map(),
      },
    ]);
    await replaceFile({ limit: 9, overrides: new Map([[1, 8]]), isPretty: false });
    await logger.until("the catalog changed");
    const state = engine.stateOf(subject);
    expect([state.feature("seats")?.usageLimit, state.featureUsage("seats").currentUsage]).toEqual([8, 3]);
  });
});

describe("the built program", () => {
  it("reads a large catalog, and its edit, in a worker", async () => {
    await replaceFile({ limit: 7, overrides: new Map(), isPretty: true });
    const service = new ServiceProcess(["serve"], {
      CATALOG_FILE: file,
      LISTEN_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    });
    closers.push(async () => {
      service.child.kill("SIGTERM");
      await service.ended;
    });
    const { grpcPort } = await service.started();
    expect(await check(grpcPort, 2_499)).toMatchObject({ entitlement: { usageLimit: 7 } });
    await replaceFile({ limit: 8, overrides: new Map(), isPretty: true });
    while ((await check(grpcPort, 2_499)).entitlement?.usageLimit !== 8);
  });
});
