import { afterEach, beforeEach, describe, expect, it, test } from "@jest/globals";
import type { ConnectRule } from "../../src/adapters/emulator/faults/fault-rules.js";
import { DEFAULT_STREAM_TIMING } from "../../src/adapters/stream/reconnect-schedule.js";
import type { HttpFault } from "../../src/ports/upstream-client.js";
import { eventually } from "../support/expectations.js";
import { SidecarUnderFault } from "./sidecar-under-fault.js";

let rig: SidecarUnderFault;

beforeEach(async () => {
  rig = await SidecarUnderFault.start();
  expect(await rig.seats()).toMatchObject({ source: "upstream", limit: 10 });
});

afterEach(() => rig.stop());

const AWAY: ConnectRule = { target: "ws", kind: "upgrade-status", status: 503 };

/** Begins a fault whose sockets are broken from now on; resolves once the sidecar has tried so many new ones. */
async function refusing(rule: ConnectRule, triesSeen: number): Promise<() => void> {
  const { faults, stats } = rig.emulator;
  const before = stats.upgrades;
  const heal = faults.inject(rule);
  faults.resetSockets();
  await stats.until(({ upgrades }) => upgrades >= before + triesSeen);
  return heal;
}

const GAPS: readonly { readonly name: string; readonly begin: () => Promise<() => void | Promise<void>> }[] = [
  { name: "its connection reset", begin: () => refusing(AWAY, 1) },
  {
    name: "its socket closed in the orderly way",
    begin: () => {
      const heal = rig.emulator.faults.inject(AWAY);
      rig.emulator.faults.closeSockets(1012, "Service restart");
      return Promise.resolve(heal);
    },
  },
  {
    name: "its socket half-open",
    begin: async () => {
      const { faults, stats } = rig.emulator;
      const before = stats.upgrades;
      const heal = faults.inject(AWAY);
      faults.halfOpenSockets();
      await stats.until(({ upgrades }) => upgrades > before);
      return heal;
    },
  },
  { name: "an upgrade that never comes", begin: () => refusing({ target: "ws", kind: "upgrade-hang" }, 2) },
  { name: "an acknowledgement that never comes", begin: () => refusing({ target: "ws", kind: "ack-hang" }, 2) },
  {
    name: "its key refused",
    begin: () => refusing({ target: "ws", kind: "refuse", code: 4401, reason: "Invalid API key" }, 3),
  },
  {
    name: "being throttled",
    begin: () =>
      refusing({ target: "ws", kind: "refuse", code: 4429, reason: "ThrottlerException: Too Many Requests" }, 2),
  },
  {
    name: "upstream gone altogether",
    begin: async () => {
      await rig.emulator.faults.goDown();
      return () => rig.emulator.faults.comeBack();
    },
  },
];

test.each(GAPS)(
  "the stream survives $name: the cache answers meanwhile, and says so, and what was missed is known afterwards",
  async ({ begin }) => {
    const heal = await begin();
    rig.grantSeats(20);
    await eventually(() => rig.seats()).toMatchObject({ source: "stale", isFallback: false, limit: 10 });
    await heal();
    await rig.connectedTimes(2);
    expect(await rig.seats()).toMatchObject({ isFallback: false, limit: 20 });
    rig.grantSeats(30);
    await rig.seatsUntil(({ limit, source }) => limit === 30 && source === "memory");
  },
);

test("a refused key is reported once, counted each time, and tried for ever", async () => {
  const { telemetry, logger } = rig.sidecar;
  const before = telemetry.invalidApiKeyErrors;
  const heal = await refusing({ target: "ws", kind: "refuse", code: 4401, reason: "Invalid API key" }, 5);
  expect(telemetry.invalidApiKeyErrors - before).toBeGreaterThanOrEqual(4);
  expect(logger.count("refuses the API key")).toBe(1);
  heal();
  await rig.connectedTimes(2);
});

describe.each(["entitlementsUpdatedV2", "usageUpdatedV2", "packagePublished", undefined] as const)(
  "a completed subscription (%s)",
  (field) => {
    it("is renewed on the same socket, and nothing missed goes on being believed", async () => {
      const { faults, stats } = rig.emulator;
      faults.completeSubscriptions(field);
      rig.grantSeats(20);
      await rig.useElsewhere("seats");
      await rig.connectedTimes(2);
      expect(await rig.seats()).toMatchObject({ limit: 20, usage: 9 });
      expect(stats.upgrades).toBe(1);
      expect([...stats.subscriptions]).toEqual(
        expect.arrayContaining([
          ["entitlementsUpdatedV2", 1],
          ["usageUpdatedV2", 1],
          ["packagePublished", 1],
        ]),
      );
    });
  },
);

describe("upstream down altogether, with a warm cache", () => {
  it("changes no answer but for what it says of its source, however often upstream is tried", async () => {
    const { telemetry } = rig.sidecar;
    await rig.emulator.faults.goDown();
    const lost = telemetry.networkRequestErrors;
    let checks = 0;
    while (telemetry.networkRequestErrors < lost + 10) {
      expect(await rig.seats()).toMatchObject({ isFallback: false, limit: 10 });
      checks++;
    }
    expect(await rig.seats()).toMatchObject({ source: "stale" });
    const { memory, stale, fallback } = telemetry.answers;
    expect({ cached: memory + stale, fallback }).toEqual({ cached: checks + 1, fallback: 0 });
    await rig.emulator.faults.comeBack();
    await rig.connectedTimes(2);
  });
});

describe.each<HttpFault>([
  { kind: "status", status: 503 },
  { kind: "reset", when: "before-effect" },
  { kind: "malformed" },
  { kind: "hang" },
])("updates back after a gap, and states that cannot be asked for ($kind)", (fault) => {
  it("the known state answers, and tells that it is stale, until upstream can be asked", async () => {
    await rig.stop();
    rig = await SidecarUnderFault.start({ ENTITLEMENTS_TIMEOUT_MS: "200" }, { limits: { probeDelayMs: 10 } });
    await rig.seats();
    const { faults } = rig.emulator;
    for (const target of ["edge", "api"] as const) faults.inject({ target, ...fault });
    faults.resetSockets();
    await rig.connectedTimes(2);
    for (let i = 0; i < 10; i++)
      expect(await rig.seats()).toMatchObject({ source: "stale", isFallback: false, limit: 10 });
    faults.clear();
    await rig.seatsUntil(({ source }) => source === "upstream" || source === "memory");
  });
});

describe("the service's own times", () => {
  const { acknowledgeTimeoutMs, pingIntervalMs, maxDelays, firstDelayMs, refusedDelayMs, settleMs } =
    DEFAULT_STREAM_TIMING;
  const longestWaitAfter = (ms: number) => maxDelays.find(({ untilMs }) => ms < untilMs)?.maxDelayMs;

  it.each([
    ["a socket without a sign of life is given up within 20 s", 3 * pingIntervalMs, 20_000],
    ["a connection that nobody acknowledges is given up within 20 s", acknowledgeTimeoutMs, 20_000],
    [
      "a server that is soon back is found within 1 s",
      Math.max(firstDelayMs, longestWaitAfter(0) ?? Infinity) + settleMs,
      1_000,
    ],
    ["a server that is back after 10 s is found within 5 s", (longestWaitAfter(10_000) ?? Infinity) + settleMs, 5_000],
    ["a server that is back after long is found within 30 s", longestWaitAfter(3_600_000) ?? Infinity, 30_000],
    ["a key that is right again is found within 30 s", refusedDelayMs, 30_000],
  ])("%s", (_, waits, bound) => {
    expect(waits).toBeLessThanOrEqual(bound);
  });
});
