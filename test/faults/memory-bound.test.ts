import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { inkwell } from "../builders/inkwell.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../builders/sidecar-on-emulator.js";

const CUSTOMERS = 500;
const MAX_BYTES = 100_000;

let upstream: EmulatedUpstream;
let sidecar: SidecarUnderTest;

const idOf = (number: number) => `customer ${number}`;

beforeEach(async () => {
  const customers = Array.from({ length: CUSTOMERS }, (_, i) => ({
    id: idOf(i),
    plan: "pro",
    usage: { seats: i % 10 },
  }));
  upstream = await emulatedUpstream({ ...inkwell(), customers });
  sidecar = await sidecarOn(upstream.emulator, { CACHE_MAX_SIZE_BYTES: String(MAX_BYTES) });
});

afterEach(async () => {
  await sidecar.stop();
  await upstream.stop();
});

async function gauge(name: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${sidecar.metricsPort}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1]);
}

test("the cache stays within its bytes; who was forgotten is fetched again, and every answer is true", async () => {
  const client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  const check = async (i: number) => {
    const { isFallback, entitlement } = await client.getMeteredEntitlement({ customerId: idOf(i), featureId: "seats" });
    expect({ isFallback, usage: entitlement?.currentUsage }).toEqual({ isFallback: false, usage: i % 10 });
  };
  for (let i = 0; i < CUSTOMERS; i++) {
    await check(i);
    if (i % 100 === 0) expect(await gauge("sidecar_cache_bytes")).toBeLessThanOrEqual(MAX_BYTES);
  }
  const kept = await gauge("sidecar_cache_subjects");
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(CUSTOMERS);
  expect(await gauge("sidecar_cache_bytes")).toBeLessThanOrEqual(MAX_BYTES);
  expect(await gauge("sidecar_cache_evictions_total")).toBe(CUSTOMERS - kept);

  // The ones used last are the ones kept.
  const { requests } = upstream.emulator.stats.edge;
  for (let i = CUSTOMERS - 1; i >= CUSTOMERS - 50; i--) await check(i);
  expect(upstream.emulator.stats.edge.requests).toBe(requests);
  await check(0);
  expect(upstream.emulator.stats.edge.requests).toBe(requests + 1);
});
