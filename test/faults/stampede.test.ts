import { setTimeout as pause } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../builders/sidecar-on-emulator.js";

const CUSTOMERS = 10_000;
/** How many states are refetched after a gap, the most recently used, and how many of them at once. */
const REFRESHED = 1_000;
const MAX_CONCURRENT_REFRESHES = 8;
/** How many fetches there are at once in all. */
const MAX_CONCURRENT_FETCHES = 64;
const CONNECTED = "the update stream is connected";
/** Fewer than are refreshed, so that all of them are, however the cache spreads customers over its shards. */
const RECENT = Array.from({ length: 500 }, (_, index) => idOf(index * 20));
/** Long enough for fetches to pile up. */
const SLOW_MS = 100;

let upstream: EmulatedUpstream;
let sidecar: SidecarUnderTest;
let client: Client<typeof SidecarService>;
let connections = 1;

beforeAll(async () => {
  upstream = await emulatedUpstream(catalogOfMany());
  // A budget that no machine is too slow for: here it is counts that matter, and time is for the benchmark.
  sidecar = await sidecarOn(upstream.emulator, { ENTITLEMENTS_TIMEOUT_MS: "20000" });
  client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  await sidecar.logger.until(CONNECTED, connections);
  await checkAll(
    Array.from({ length: CUSTOMERS }, (_, index) => idOf(index)),
    100,
  );
}, 240_000);

beforeEach(async () => {
  upstream.emulator.faults.clear();
  await checkAll(RECENT, 20);
  upstream.emulator.stats.forgetMaxima();
});

afterAll(async () => {
  await sidecar.stop();
  await upstream.stop();
});

function catalogOfMany(): CatalogInput {
  return {
    features: [{ id: "seats", displayName: "Seats", kind: "metered", meterType: "Fluctuating" }],
    plans: [{ id: "pro", entitlements: { seats: 10 } }],
    customers: Array.from({ length: CUSTOMERS }, (_, index) => ({ id: idOf(index), plan: "pro" })),
  };
}

function idOf(index: number): string {
  return `customer ${index}`;
}

/** @returns where the answer came from; rejects where the check fails or is not answered as the catalog says */
async function check(customerId: string): Promise<string | null> {
  let source: string | null = null;
  const { hasAccess } = await client.getMeteredEntitlement(
    { customerId, featureId: "seats" },
    { onHeader: (headers) => (source = headers.get("x-entitlement-source")) },
  );
  expect(hasAccess).toBe(true);
  return source;
}

async function checkAll(customerIds: readonly string[], atOnce: number): Promise<(string | null)[]> {
  const sources: (string | null)[] = [];
  for (let start = 0; start < customerIds.length; start += atOnce) {
    sources.push(...(await Promise.all(customerIds.slice(start, start + atOnce).map(check))));
  }
  return sources;
}

/** Resolves once the stream is back. */
async function cutStream(): Promise<void> {
  upstream.emulator.faults.resetSockets();
  await sidecar.logger.until(CONNECTED, ++connections);
}

const fetches = () => upstream.emulator.stats.http.byOperation.get("GetEntitlementsState") ?? 0;

it("knows all customers, before anything happens", () => {
  expect(sidecar.telemetry.answers.upstream).toBe(CUSTOMERS);
});

it("refetches the most recently used in the background, a few at a time, so that their checks never notice", async () => {
  const { stats } = upstream.emulator;
  const before = fetches();
  await cutStream();
  await stats.until(({ http }) => fetches() - before >= REFRESHED && http.inFlight === 0);
  expect(stats.http.maxInFlight).toBeLessThanOrEqual(MAX_CONCURRENT_REFRESHES);
  expect(new Set(await checkAll(RECENT, 20))).toEqual(new Set(["memory"]));
  // What each shard of the cache holds is rounded up.
  expect(fetches() - before).toBeLessThan(REFRESHED + 16);
});

it("asks upstream within its bound and answers every check, while they go on over a stream that is cut twice", async () => {
  const { stats, faults } = upstream.emulator;
  faults.inject({ target: "api", kind: "delay", ms: SLOW_MS });
  const checks: Promise<string | null>[] = [];
  const checking = new AbortController();
  const pacing = (async () => {
    for (let index = 0; !checking.signal.aborted; index++) {
      checks.push(check(idOf((index * 7) % CUSTOMERS)));
      await pause(2);
    }
  })();
  await cutStream();
  // All at once, on top: as many customers come back as they please.
  checks.push(...Array.from({ length: 1_000 }, (_, index) => check(idOf(index * 10))));
  await cutStream();
  await Promise.all(checks.slice(0, 1_500));
  checking.abort();
  await pacing;
  const sources = new Set(await Promise.all(checks));
  expect(sources).not.toContain("fallback");
  expect(sources).not.toContain(null);
  expect(stats.http.maxInFlight).toBeLessThanOrEqual(MAX_CONCURRENT_FETCHES);
  // Otherwise nothing was shown: the bound was never needed.
  expect(stats.http.maxInFlight).toBeGreaterThan(MAX_CONCURRENT_REFRESHES);
  expect(sidecar.telemetry.answers.fallback).toBe(0);
});
