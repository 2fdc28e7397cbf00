import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";
import { ServiceProcess } from "./service-process.js";

const CUSTOMERS = 300;
const FEATURES = ["seats", "sso", "exports"];

function catalogOf(isRevoked: boolean): CatalogInput {
  const startedAt = "2026-01-01T00:00:00Z";
  return {
    features: [
      { id: "seats", kind: "metered", meterType: "Fluctuating" },
      { id: "sso", kind: "boolean" },
      { id: "exports", kind: "boolean" },
    ],
    plans: [
      { id: "small", entitlements: { seats: 5 } },
      { id: "large", entitlements: { seats: 50, sso: true, exports: true } },
    ],
    customers: Array.from({ length: CUSTOMERS }, (_, customer) => ({
      id: `customer-${customer}`,
      plan: customer % 3 === 0 && !isRevoked ? "large" : "small",
      startedAt,
      usage: { seats: customer % 7 },
    })),
  };
}

let folder: string;
let upstream: EmulatedUpstream;
const processes: ServiceProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "snapshot-"));
  upstream = await emulatedUpstream(catalogOf(false));
});
afterEach(async () => {
  for (const { child } of processes.splice(0)) child.kill("SIGKILL");
  await upstream.stop();
  await rm(folder, { recursive: true });
});

async function start(more: Readonly<Record<string, string>> = {}) {
  const { url, wsUrl } = upstream.emulator;
  const service = new ServiceProcess(["serve"], {
    SERVER_API_KEY: API_KEY,
    API_URL: url,
    EDGE_API_URL: url,
    WS_URL: wsUrl,
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
    SHUTDOWN_LINGER_MS: "0",
    SNAPSHOT_FILE: join(folder, "states"),
    ...more,
  });
  processes.push(service);
  const { grpcPort, metricsPort } = await service.started();
  return { service, grpcPort, metricsPort };
}

/** What is decided, and how: where it came from is not a part of it. */
async function decisions(port: number): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    for (const featureId of FEATURES) {
      const body = JSON.stringify({ customerId: `customer-${customer}`, featureId });
      const answer = await fetch(`http://127.0.0.1:${port}/stigg.sidecar.v1.SidecarService/GetEntitlement`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
      all.push(await answer.json());
    }
  }
  return all;
}

async function isReady(metricsPort: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status === 200;
}

it("a process that was killed is followed by one that decides the same without upstream, and what was revoked stays so", async () => {
  const first = await start();
  const before = await decisions(first.grpcPort);
  upstream.engine.replace(catalogOf(true));
  await eventually(() => decisions(first.grpcPort), { timeout: 30_000, interval: 300 }).not.toEqual(before);
  // Until every change has been heard, and then for as long as the last one may take to be written.
  const revoked = await settled(first.grpcPort);
  first.service.child.kill("SIGKILL");
  await first.service.ended;
  await upstream.emulator.stop();
  const second = await start({ READY_WHEN: "warm" });
  expect(await isReady(second.metricsPort)).toBe(true);
  expect(await decisions(second.grpcPort)).toEqual(revoked);
  expect(JSON.stringify(revoked)).not.toContain('"isFallback":true');
}, 120_000);

it("readiness waits for upstream where nothing is known, if it is told to", async () => {
  await upstream.emulator.stop();
  const { metricsPort } = await start({ READY_WHEN: "warm" });
  expect(await isReady(metricsPort)).toBe(false);
});

async function settled(port: number): Promise<unknown[]> {
  for (;;) {
    const one = await decisions(port);
    const other = await decisions(port);
    if (JSON.stringify(one) === JSON.stringify(other) && !JSON.stringify(one).includes('"usageLimit":50')) return other;
  }
}
