import { afterEach, describe, expect, it } from "@jest/globals";
import { streamUnderTest } from "./stream-under-test.js";

type UnderTest = Awaited<ReturnType<typeof streamUnderTest>>;
const opened: UnderTest[] = [];

async function connected(): Promise<UnderTest> {
  const test = await streamUnderTest();
  opened.push(test);
  test.stream.start(test.listener);
  await test.listener.until("connected");
  return test;
}

afterEach(async () => {
  for (const { stream, server } of opened.splice(0)) {
    const stopped = stream.stop();
    await server.stop();
    await stopped;
  }
});

const sso = { __typename: "FeatureEntitlement", feature: { refId: "sso", featureType: "BOOLEAN" } };
const entitlementsOf = (customerId: string) => ({
  data: { entitlementsUpdatedV2: { customerId, entitlements: [sso] } },
});
const usageOf = (customerId: string, currentUsage: number) => ({
  data: {
    usageUpdatedV2: { customerId, entitlementReference: { id: "seats", type: "FEATURE" }, usage: { currentUsage } },
  },
});

describe("events", () => {
  it("of all three subscriptions arrive in the order in which upstream sent them", async () => {
    const { server, listener } = await connected();
    server.send("OnUsageUpdatedV2", usageOf("a", 1));
    server.send("OnEntitlementsUpdatedV2", entitlementsOf("a"));
    server.send("OnUsageUpdatedV2", usageOf("a", 2));
    server.send("OnPackagePublished", { data: { packagePublished: { migrationType: "ALL_CUSTOMERS" } } });
    await listener.until("package-published");
    expect(listener.received.slice(1)).toEqual([
      "usage-updated",
      "entitlements-updated",
      "usage-updated",
      "package-published",
    ]);
  });

  it("with a null list mark their subject stale, and are counted and logged; the stream goes on", async () => {
    const { server, listener, telemetry, logger } = await connected();
    server.send("OnEntitlementsUpdatedV2", {
      data: { entitlementsUpdatedV2: { customerId: "c", entitlements: null } },
    });
    server.send("OnEntitlementsUpdatedV2", entitlementsOf("after"));
    await listener.until("entitlements-updated");
    expect(listener.received.slice(1)).toEqual(["subject-invalidated", "entitlements-updated"]);
    expect(telemetry.malformedUpstreamData).toBe(1);
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("that name nobody mark everything stale, once for many", async () => {
    const test = await connected();
    for (let i = 0; i < 50; i++) test.server.send("OnEntitlementsUpdatedV2", { data: { entitlementsUpdatedV2: null } });
    test.server.send("OnEntitlementsUpdatedV2", entitlementsOf("after"));
    await test.listener.until("entitlements-updated");
    test.clock.advance(1_000);
    expect(test.listener.received.slice(1)).toEqual(["entitlements-updated", "disconnected", "connected"]);
    expect(test.telemetry.malformedUpstreamData).toBe(50);
    expect(test.logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("without any result end the connection, which is a gap like any other", async () => {
    const test = await connected();
    test.server.send("OnEntitlementsUpdatedV2", null);
    await test.listener.until("connected", 2);
    expect(test.listener.received).toEqual(["connected", "disconnected", "connected"]);
  });

  it("10,000 in a row all arrive, in order", async () => {
    const { server, listener } = await connected();
    for (let i = 0; i < 10_000; i++) server.send("OnUsageUpdatedV2", usageOf("c", i));
    await listener.until("usage-updated", 10_000);
    expect(listener.changes.map((change) => change.type === "usage-updated" && change.usage.currentUsage)).toEqual(
      Array.from({ length: 10_000 }, (_, i) => i),
    );
  });
});
