import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { CatalogUpstreamClient } from "../../../src/adapters/catalog/engine/catalog-ports.js";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { createWebSocketUpdateStream } from "../../../src/adapters/stream/websocket-update-stream.js";
import { createVendorUpstream, type VendorUpstream } from "../../../src/adapters/upstream/create-vendor-upstream.js";
import type { Change } from "../../../src/domain/change.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { UpdateStream } from "../../../src/ports/change-sources.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { inkwell } from "../../builders/inkwell.js";
import { contentsOf } from "../../builders/states.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { RecordingListener } from "../../fakes/recording-listener.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { patient, usageReport } from "./upstream-under-test.js";

const clock = new SystemClock();
let emulated: EmulatedCatalog;
let closing: (() => unknown)[];
let logger: RecordingLogger;
let telemetry: ReturnType<typeof newTelemetry>;

beforeEach(async () => {
  logger = new RecordingLogger();
  telemetry = newTelemetry();
  emulated = await emulateCatalog(named(inkwell()));
  closing = [() => emulated.stop()];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

/** The vendor gives every feature a display name; a catalog may leave it out. */
function named(catalog: CatalogInput): CatalogInput {
  return { ...catalog, features: catalog.features.map((feature) => ({ displayName: feature.id, ...feature })) };
}

const identity = (apiKey = API_KEY) => ({
  apiKey,
  source: "TEST",
  instanceId: crypto.randomUUID(),
  startedAt: clock.now(),
});

function connectUpstream(withEdge: boolean, apiKey?: string): VendorUpstream {
  const { url } = emulated.emulator;
  const upstream = createVendorUpstream(
    { identity: identity(apiKey), apiUrl: url, edgeApiUrl: withEdge ? url : undefined, checkBudgetMs: 10_000 },
    { clock, logger, telemetry },
  );
  closing.push(() => upstream.close());
  return upstream;
}

async function connectStream(): Promise<{ readonly stream: UpdateStream; readonly listener: RecordingListener }> {
  const stream = createWebSocketUpdateStream(
    { identity: identity(), wsUrl: emulated.emulator.wsUrl },
    { clock, logger, telemetry },
  );
  const listener = new RecordingListener();
  closing.push(() => stream.stop());
  stream.start(listener);
  await listener.until("connected");
  return { stream, listener };
}

const subjects: Subject[] = [
  { customerId: "acme" },
  { customerId: "acme", resourceId: "site 1/eu+west?" },
  { customerId: "Ünï/cödé & co?" },
  { customerId: "guest" },
  { customerId: "former" },
  { customerId: "nobody" },
  { customerId: "acme", resourceId: "nothing" },
];

describe.each([
  ["Edge", true],
  ["the API", false],
])("what is read from %s", (_, withEdge) => {
  it.each(subjects)("of %j is what the catalog says", async (subject) => {
    const received = await connectUpstream(withEdge).fetchState(subject, { signal: patient(), latest: false });
    const meant = await new CatalogUpstreamClient(emulated.engine).fetchState(subject, {
      signal: patient(),
      latest: false,
    });
    expect(contentsOf(received!)).toEqual(contentsOf(meant));
    expect(telemetry.malformedUpstreamData).toBe(0);
  });

  it("with a wrong key is refused", async () => {
    const fetch = connectUpstream(withEdge, "wrong").fetchState(
      { customerId: "acme" },
      { signal: patient(), latest: false },
    );
    await expect(fetch).rejects.toMatchObject({ code: "unauthenticated" });
    expect(telemetry.invalidApiKeyErrors).toBeGreaterThan(0);
  });
});

describe("what is reported", () => {
  it("is counted, and reported to whoever listens", async () => {
    const { listener } = await connectStream();
    const upstream = connectUpstream(true);
    const report = usageReport({ subject: { customerId: "acme" }, featureId: "seats", value: 1 });
    expect(await upstream.reportUsage(report, { signal: patient() })).toMatchObject({
      featureId: "seats",
      currentUsage: 9,
    });
    await listener.until("usage-updated");
    expect(listener.changes).toContainEqual(
      expect.objectContaining({
        type: "usage-updated",
        subject: { customerId: "acme", resourceId: undefined },
        entitlement: { type: "feature", id: "seats" },
      } satisfies Partial<Change>),
    );
    expect(telemetry.malformedUpstreamData).toBe(0);
  });

  it("twice with one key is counted once, though the first answer was lost", async () => {
    const upstream = connectUpstream(true);
    const report = usageReport({ subject: { customerId: "acme" }, featureId: "seats", value: 1 });
    await upstream.reportUsage(report, { signal: patient() });
    expect(await upstream.reportUsage(report, { signal: patient() })).toMatchObject({ currentUsage: 9 });
  });

  it("in bulk draws on the wallet, too", async () => {
    const [measurement] = await connectUpstream(true).reportUsageBulk(
      [usageReport({ subject: { customerId: "acme" }, featureId: "images", value: 3 })],
      { signal: patient() },
    );
    expect(measurement).toMatchObject({ featureId: "images", credit: { currencyId: "ink", currentUsage: 30 } });
  });

  it("as events is metered", async () => {
    const { listener } = await connectStream();
    await connectUpstream(true).reportEvents(
      [
        {
          eventName: "api_request",
          subject: { customerId: "acme" },
          idempotencyKey: "e1",
          dimensions: new Map(),
          timestamp: undefined,
        },
      ],
      { signal: patient() },
    );
    await listener.until("usage-updated");
    expect(listener.changes.at(-1)).toMatchObject({ entitlement: { id: "calls" }, usage: { currentUsage: 4 } });
  });

  it.each([
    [{ subject: { customerId: "nobody" } }, "not-found"],
    [{ subject: { customerId: "acme" }, featureId: "nothing" }, "not-found"],
  ])("of what does not exist is refused: %j", async (parts, code) => {
    await expect(connectUpstream(true).reportUsage(usageReport(parts), { signal: patient() })).rejects.toMatchObject({
      code,
    });
  });
});

describe("what changes in the catalog", () => {
  it("is told as the state that it makes", async () => {
    const { listener } = await connectStream();
    emulated.engine.replace(named(inkwell({ overrides: { seats: 25 } })));
    await listener.until("entitlements-updated");
    const received = listener.changes.find((change) => change.type === "entitlements-updated");
    expect(received?.subject).toEqual({ customerId: "acme", resourceId: undefined });
    const meant = await new CatalogUpstreamClient(emulated.engine).fetchState(
      { customerId: "acme" },
      { signal: patient(), latest: false },
    );
    expect(contentsOf(received!.state)).toEqual(contentsOf(meant));
    expect(telemetry.malformedUpstreamData).toBe(0);
  });
});
