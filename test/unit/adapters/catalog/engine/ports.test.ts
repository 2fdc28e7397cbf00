import { describe, expect, it } from "@jest/globals";
import {
  CatalogUpdateStream,
  CatalogUpstreamClient,
} from "../../../../../src/adapters/catalog/engine/catalog-ports.js";
import { openCatalog } from "../../../../../src/adapters/catalog/engine/open-catalog.js";
import type { UpdateListener } from "../../../../../src/ports/change-sources.js";
import { ACME, catalogOf, NOON, open, usageEvent, usageReport } from "../../../../builders/catalog-use.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

const CATALOG = catalogOf({ entitlements: { calls: 10 } });
const WAITING = { signal: new AbortController().signal };
const GONE = { signal: AbortSignal.abort() };

/** Records what it receives. */
function listenerInto(received: string[]): UpdateListener {
  return {
    connected: () => void received.push("connected"),
    changed: ({ type }) => void received.push(type),
    disconnected: () => void received.push("disconnected"),
  };
}

describe("a catalog as upstream", () => {
  it("tells states, counts reports and events", async () => {
    const { engine } = await open(CATALOG);
    const upstream = new CatalogUpstreamClient(engine);
    expect((await upstream.reportUsage(usageReport(ACME, "calls", 2), WAITING)).currentUsage).toBe(2);
    expect(
      await upstream.reportUsageBulk([usageReport(ACME, "calls", 1), usageReport(ACME, "seats", 1)], WAITING),
    ).toHaveLength(2);
    expect(await upstream.reportUsageBulk([], WAITING)).toEqual([]);
    await upstream.reportEvents([usageEvent(ACME, "call")], WAITING);
    const state = await upstream.fetchState(ACME, { ...WAITING, latest: false });
    expect(state.featureUsage("calls").currentUsage).toBe(4);
  });

  it("does not begin for a caller who went away", async () => {
    const { engine } = await open(CATALOG);
    const upstream = new CatalogUpstreamClient(engine);
    const refused = { code: "cancelled" };
    await expect(upstream.fetchState(ACME, { ...GONE, latest: true })).rejects.toMatchObject(refused);
    await expect(upstream.reportUsage(usageReport(ACME, "calls", 1), GONE)).rejects.toMatchObject(refused);
    await expect(upstream.reportUsageBulk([usageReport(ACME, "calls", 1)], GONE)).rejects.toMatchObject(refused);
    await expect(upstream.reportEvents([usageEvent(ACME, "call")], GONE)).rejects.toMatchObject(refused);
    expect(engine.stateOf(ACME).featureUsage("calls").currentUsage).toBe(0);
  });
});

describe("a catalog as update stream", () => {
  it("is connected from its start, tells what changes, and nothing after its stop", async () => {
    const { engine } = await open(CATALOG);
    const stream = new CatalogUpdateStream(engine);
    const received: string[] = [];
    stream.start(listenerInto(received));
    await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    engine.replace(catalogOf({ entitlements: { calls: 11 } }));
    await stream.stop();
    engine.replace(CATALOG);
    expect(received).toEqual(["connected", "usage-updated", "entitlements-updated"]);
  });

  it("tells each of several listeners", async () => {
    const { engine } = await open(CATALOG);
    const received: string[] = [];
    for (let count = 0; count < 2; count++) new CatalogUpdateStream(engine).start(listenerInto(received));
    await engine.reportEvents([usageEvent(ACME, "call"), usageEvent(ACME, "call")]);
    expect(received).toEqual(["connected", "connected", "usage-updated", "usage-updated"]);
  });
});

describe("a catalog object", () => {
  it("that has a fault leaves the present one serving", async () => {
    const { engine } = await open(CATALOG);
    expect(() => engine.replace({ ...CATALOG, customers: [{ id: "acme", plan: "gold" }] })).toThrow(
      /customers\[0\]\.plan: there is no plan "gold"/,
    );
    expect(engine.stateOf(ACME).feature("calls")?.usageLimit).toBe(10);
  });

  it("is refused at start where it has a fault", async () => {
    const opening = openCatalog({
      source: { catalog: { ...CATALOG, plans: [] } },
      clock: new ManualClock(NOON),
      logger: new RecordingLogger(),
    });
    await expect(opening).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("may be changed by who gave it without any effect", async () => {
    const customers = [...CATALOG.customers];
    const values = ["pdf"];
    const features = [
      ...CATALOG.features.filter(({ id }) => id !== "formats"),
      { id: "formats", kind: "enum", values } as const,
    ];
    const { engine } = await open({ ...CATALOG, features, customers });
    customers.splice(0);
    values.push("html");
    expect(engine.model.features.get("formats")?.values).toEqual(["pdf"]);
    expect(engine.stateOf(ACME).accessDeniedReason).toBeUndefined();
  });
});
