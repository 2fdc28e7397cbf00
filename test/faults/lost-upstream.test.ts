import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, test } from "@jest/globals";
import type { HttpFault } from "../../src/ports/upstream-client.js";
import { SidecarUnderFault } from "./sidecar-under-fault.js";

let rig: SidecarUnderFault;

afterEach(() => rig.stop());

/** Counts checks of customers of whom nothing is known yet. */
let cold = 0;
const coldCustomer = () => `cold ${++cold}`;

const FAULTS: readonly HttpFault[] = [
  { kind: "status", status: 503 },
  { kind: "status", status: 429 },
  { kind: "status", status: 401 },
  { kind: "reset", when: "before-effect" },
  { kind: "malformed" },
  { kind: "truncated" },
  { kind: "errors", code: "UnexpectedError", message: "on purpose" },
  { kind: "hang" },
];

describe("Edge down, the API up", () => {
  it.each(FAULTS)("$kind $status: a cold check is answered by the API", async (fault) => {
    rig = await SidecarUnderFault.start();
    const { stats, faults } = rig.emulator;
    faults.inject({ target: "edge", operation: "entitlements-state.json", ...fault });
    expect(await rig.seats()).toMatchObject({ source: "upstream", isFallback: false, limit: 10, usage: 8 });
    expect(stats.api.byOperation.get("GetEntitlementsState")).toBe(1);
    expect(await rig.seats()).toMatchObject({ source: "memory", limit: 10 });
  });

  test("an Edge that is not even there costs nothing but the look", async () => {
    rig = await SidecarUnderFault.start({ EDGE_API_URL: `http://127.0.0.1:${await closedPort()}` });
    expect(await rig.seats()).toMatchObject({ source: "upstream", limit: 10 });
  });

  it("is no longer waited for, and used again as soon as it works", async () => {
    rig = await SidecarUnderFault.start({}, { limits: { probeDelayMs: 10 } });
    const { stats, faults } = rig.emulator;
    const asked = () => stats.edge.byOperation.get("entitlements-state.json");
    faults.inject({ target: "edge", kind: "status", status: 503 });
    while (rig.sidecar.logger.count("Edge does not work") === 0) await rig.seats(coldCustomer());
    const askedBefore = asked();
    expect(await rig.seats()).toMatchObject({ source: "upstream", limit: 10 });
    expect(asked()).toBe(askedBefore);
    faults.clear();
    while (rig.sidecar.logger.count("Edge works again") === 0) await rig.seats(coldCustomer());
    expect(asked()).toBeGreaterThan(askedBefore ?? 0);
  });
});

describe.each(FAULTS)("a cold check, all of upstream down ($kind $status)", (fault) => {
  const strike = () => {
    const { faults } = rig.emulator;
    const off = [faults.inject({ target: "edge", ...fault }), faults.inject({ target: "api", ...fault })];
    return () => off.forEach((end) => end());
  };

  beforeEach(async () => {
    rig = await SidecarUnderFault.start(
      {
        ENTITLEMENTS_TIMEOUT_MS: "200",
        ENTITLEMENTS_FALLBACK: JSON.stringify({ seats: { hasAccess: true, usageLimit: 5 } }),
      },
      { limits: { failuresToOpen: 3, probeDelayMs: 10, probeTimeoutMs: 100 } },
    );
  });

  it("falls back within the budget, at once while it is known to be down, and heals by itself", async () => {
    const { telemetry, logger } = rig.sidecar;
    const heal = strike();
    expect(await rig.seats()).toMatchObject({ source: "fallback", isFallback: true, hasAccess: true, limit: 5 });
    const isKnown = () => logger.count("Edge does not work") > 0 && logger.count("the API does not work") > 0;
    while (!isKnown()) expect(await rig.seats(coldCustomer())).toMatchObject({ source: "fallback" });
    if (fault.kind !== "hang") await rig.emulator.stats.until(({ http }) => http.inFlight === 0);
    expect(telemetry.answers).toMatchObject({ upstream: 0, stale: 0 });
    heal();
    expect(await rig.seatsUntil(({ source }) => source !== "fallback")).toMatchObject({
      isFallback: false,
      limit: 10,
      usage: 8,
    });
  });
});

test("while both are known to be down, no check of a customer reaches them", async () => {
  rig = await SidecarUnderFault.start({}, { limits: { failuresToOpen: 2, probeDelayMs: 10 } });
  const { faults, stats } = rig.emulator;
  for (const target of ["edge", "api"] as const) faults.inject({ target, kind: "status", status: 500 });
  const { logger } = rig.sidecar;
  while (logger.count("does not work") < 2) await rig.seats(coldCustomer());
  const fetches = rig.fetches;
  const probes = stats.http.requests - fetches;
  for (let i = 0; i < 20; i++) expect(await rig.seats(coldCustomer())).toMatchObject({ source: "fallback" });
  await stats.until(({ http }) => http.requests - rig.fetches >= probes + 4);
  expect(rig.fetches).toBe(fetches);
});

test("a refused connection is a fallback as well, and upstream is found when it is back", async () => {
  rig = await SidecarUnderFault.start({}, { limits: { failuresToOpen: 2, probeDelayMs: 10 } });
  await rig.emulator.faults.goDown();
  for (let i = 0; i < 10; i++)
    expect(await rig.seats()).toMatchObject({ source: "fallback", isFallback: true, reason: "UNKNOWN" });
  await rig.emulator.faults.comeBack();
  await rig.seatsUntil(({ source, limit }) => source === "upstream" && limit === 10);
});

test("a check that falls back for want of time does not waste the fetch: the next one has its answer", async () => {
  rig = await SidecarUnderFault.start(
    { ENTITLEMENTS_TIMEOUT_MS: "200" },
    { limits: { hedgeAfterMs: 60_000, fetchTimeoutMs: 60_000 } },
  );
  const release = rig.emulator.faults.inject({ target: "edge", kind: "hold" });
  expect(await rig.seats()).toMatchObject({ source: "fallback" });
  expect(rig.emulator.stats.edge.inFlight).toBe(1);
  release();
  await rig.emulator.stats.until(({ http }) => http.inFlight === 0);
  await rig.seatsUntil(({ source }) => source !== "fallback");
  expect(rig.fetches).toBe(1);
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
