import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { EventFault, EventRule } from "../../src/adapters/emulator/faults/fault-rules.js";
import { usageReport } from "../builders/catalog-use.js";
import { inkwell } from "../builders/inkwell.js";
import type { SeatsAnswer } from "./seats-answer.js";
import { SidecarUnderFault } from "./sidecar-under-fault.js";

const OTHER = "Ünï/cödé & co?";

let rig: SidecarUnderFault;

beforeEach(async () => {
  rig = await SidecarUnderFault.start({ ENTITLEMENTS_TIMEOUT_MS: "20000" });
});

afterEach(() => rig.stop());

describe.each<{ name: string; fault: EventFault }>([
  { name: "null", fault: { kind: "null-payload" } },
  { name: "with a null list", fault: { kind: "null-list" } },
  { name: "of errors", fault: { kind: "event-errors", message: "on purpose" } },
])("an event $name", ({ fault }) => {
  const strike = (change: NonNullable<EventRule["change"]>) =>
    rig.emulator.faults.inject({ target: "events", change, times: 1, ...fault });

  it.each([
    ["of entitlements", "entitlements-updated", () => rig.grantSeats(20), { limit: 20, usage: 8 }],
    ["of usage", "usage-updated", () => rig.useElsewhere("seats"), { limit: 10, usage: 9 }],
  ] as const)("%s is counted and logged, and its entry is read again", async (_, type, change, expected) => {
    const { telemetry, logger } = rig.sidecar;
    await rig.seats();
    strike(type);
    await change();
    await rig.seatsUntil(({ limit, usage }) => limit === expected.limit && usage === expected.usage);
    expect(telemetry.malformedUpstreamData).toBeGreaterThan(0);
    expect(logger.count("a part of what upstream sent cannot be used")).toBeGreaterThan(0);
    expect(rig.emulator.stats.upgrades).toBe(1);
  });
});

describe("out of order", () => {
  it("usage told late does not undo what is newer", async () => {
    await rig.seats();
    rig.emulator.faults.inject({ target: "events", kind: "reorder", change: "usage-updated", times: 1 });
    await rig.useElsewhere("seats", 1);
    await rig.useElsewhere("seats", 1);
    await rig.caughtUp();
    expect(await rig.seats()).toMatchObject({ source: "memory", usage: 10 });
  });

  it("a set of entitlements told late does not undo what is newer", async () => {
    await rig.seats();
    await rig.seats(OTHER);
    rig.emulator.faults.inject({ target: "events", kind: "reorder", change: "entitlements-updated", times: 1 });
    rig.grantSeats(20);
    rig.grantSeats(30);
    grantToOther(7, 30);
    await rig.seatsUntil(({ limit }) => limit === 7, OTHER);
    expect(await rig.seats()).toMatchObject({ source: "memory", limit: 30 });
  });

  it("a report that is answered late does not undo what is newer", async () => {
    const report = () => rig.client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 });
    await rig.seats();
    const release = rig.emulator.faults.inject({ target: "api", operation: "ReportUsage", kind: "hold", times: 1 });
    const first = report();
    await rig.emulator.stats.until(({ reports }) => reports.length === 1);
    await report();
    release();
    await first;
    expect(await rig.seats()).toMatchObject({ source: "memory", usage: 10 });
  });
});

describe("a fetch that is answered after a newer event", () => {
  it.each<{
    of: string;
    change: () => void | Promise<void>;
    arrived: () => Promise<void>;
    expected: Partial<SeatsAnswer>;
  }>([
    {
      of: "entitlements",
      change: () => rig.grantSeats(20),
      // What is told after it on the same subscription, of a customer of whom nothing is being fetched.
      arrived: async () => {
        grantToOther(7, 20);
        await rig.seatsUntil(({ limit }) => limit === 7, OTHER);
      },
      expected: { limit: 20, usage: 8 },
    },
    {
      of: "entitlements that cannot be read",
      change: () => {
        rig.emulator.faults.inject({ target: "events", kind: "null-list", times: 1 });
        rig.grantSeats(20);
      },
      arrived: async () => {
        grantToOther(7, 20);
        await rig.seatsUntil(({ limit }) => limit === 7, OTHER);
      },
      expected: { limit: 20, usage: 8 },
    },
    {
      of: "what is lost in a gap",
      change: () => {
        rig.emulator.faults.inject({ target: "events", kind: "drop", times: 1 });
        rig.grantSeats(20);
        rig.emulator.faults.resetSockets();
      },
      arrived: () => rig.connectedTimes(2),
      expected: { limit: 20, usage: 8 },
    },
    {
      of: "usage",
      change: () => rig.useElsewhere("seats"),
      arrived: async () => {
        await rig.engine.reportUsage([usageReport({ customerId: OTHER }, "seats", 1)]);
        await rig.seatsUntil(({ usage }) => usage === 6, OTHER);
      },
      expected: { limit: 10, usage: 9 },
    },
  ])("($of) brings nothing older into the cache", async ({ change, arrived, expected }) => {
    await rig.seats(OTHER);
    const release = rig.emulator.faults.inject({ target: "edge", kind: "hold", times: 1 });
    const asked = rig.seats();
    await rig.emulator.stats.until(({ edge }) => edge.inFlight === 1);
    await change();
    await arrived();
    release();
    await asked;
    expect(await rig.seats()).toMatchObject({ isFallback: false, ...expected });
  });
});

/** Changes another customer's entitlements alone. */
function grantToOther(seats: number, seatsOfAcme: number): void {
  const catalog = inkwell({ overrides: { seats: seatsOfAcme } });
  rig.engine.replace({
    ...catalog,
    customers: catalog.customers.map((customer) =>
      customer.id === OTHER ? { ...customer, overrides: { seats } } : customer,
    ),
  });
}
