import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Emulator } from "../../../src/adapters/emulator/start-emulator.js";
import { inkwell } from "../../builders/inkwell.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { ReferenceClient, type ReferenceConfiguration } from "../../fixtures/reference-client/reference-client.js";

/** The published client, unchanged, against the emulator, over real HTTP and WebSocket. */

const AWKWARD_RESOURCE = "site 1/eu+west?";
const OLDER_SUBSCRIPTIONS = ["entitlementsUpdated", "usageUpdated", "packagePublished", "creditBalanceUpdated"];

let emulated: EmulatedCatalog;
let client: ReferenceClient;

function start(emulator: Emulator, rest: Partial<ReferenceConfiguration> = {}): Promise<ReferenceClient> {
  return ReferenceClient.start({
    apiKey: API_KEY,
    baseUri: emulator.url,
    baseEdgeUri: emulator.url,
    wsUrl: emulator.wsUrl,
    ...rest,
  });
}

/** From here on the client hears of every change. */
async function listening({ stats }: Emulator): Promise<void> {
  await stats.until(({ subscriptions }) => OLDER_SUBSCRIPTIONS.every((field) => subscriptions.get(field) === 1));
}

function check(
  kind: "Boolean" | "Numeric" | "Metered" | "Enum" | "",
  featureId: string,
  options?: object,
  who: object = {},
): Promise<object> {
  return client.call(`get${kind}Entitlement`, { customerId: "acme", featureId, options, ...who });
}

it("is the version that the promises are about", () => {
  const { version } = createRequire(import.meta.url)("@stigg/node-server-sdk/package.json") as { version: string };
  expect(version).toBe("3.95.0");
});

describe.each([
  { name: "Edge on", enableEdge: true },
  { name: "Edge off", enableEdge: false },
])("checks, $name", ({ enableEdge }) => {
  beforeAll(async () => {
    emulated = await emulateCatalog(inkwell({ creditsUsed: { ink: 100 } }));
    client = await start(emulated.emulator, { enableEdge, entitlementsFallback: { sso: { hasAccess: true } } });
    await client.call("waitForInitialization");
    await listening(emulated.emulator);
  });

  afterAll(async () => {
    await client.stop();
    await emulated.stop();
  });

  it("read from where they are told to", async () => {
    await check("", "sso");
    const { edge, api } = emulated.emulator.stats;
    const [read, other] = enableEdge ? [edge, api] : [api, edge];
    expect(other.requests).toBe(0);
    expect([...read.byOperation.keys()]).toEqual(
      enableEdge ? ["server-sdk-configuration.json", "entitlements.json"] : ["GetSdkConfiguration", "GetEntitlements"],
    );
  });

  it("boolean", async () => {
    expect(await check("Boolean", "sso")).toMatchObject({ type: "BOOLEAN", hasAccess: true, isFallback: false });
    expect(await check("Boolean", "nothing")).toMatchObject({
      hasAccess: false,
      isFallback: false,
      accessDeniedReason: "NoFeatureEntitlementInSubscription",
    });
  });

  it("numeric", async () => {
    expect(await check("Numeric", "retention")).toMatchObject({
      type: "NUMERIC",
      hasAccess: true,
      value: 30,
      isUnlimited: false,
      feature: { units: "day", unitsPlural: "days" },
    });
  });

  it.each([
    [undefined, true, undefined],
    [2, true, undefined],
    [3, false, "RequestedUsageExceedingLimit"],
    [-100, true, undefined],
  ])("metered, %s requested", async (requestedUsage, hasAccess, reason) => {
    const options = requestedUsage === undefined ? undefined : { requestedUsage };
    const entitlement = await check("Metered", "seats", options);
    expect(entitlement).toMatchObject({
      type: "METERED",
      hasAccess,
      isFallback: false,
      usageLimit: 10,
      currentUsage: 8,
      isUnlimited: false,
      hasSoftLimit: false,
    });
    expect(entitlement).toHaveProperty("requestedUsage", requestedUsage ?? 0);
    expect((entitlement as { accessDeniedReason?: string }).accessDeniedReason).toBe(reason);
  });

  it("metered, with a period", async () => {
    const { usagePeriodStart, usagePeriodEnd, nextResetDate, ...rest } = (await check("Metered", "calls")) as Record<
      string,
      string
    >;
    expect(rest).toMatchObject({ currentUsage: 3, usageLimit: 1000, resetPeriod: "MONTH" });
    expect(nextResetDate).toBe(usagePeriodEnd);
    expect(Date.parse(usagePeriodStart ?? "")).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(usagePeriodEnd ?? "")).toBeGreaterThan(Date.now());
  });

  it("metered, paid from an empty wallet", async () => {
    expect(await check("Metered", "images")).toMatchObject({
      hasAccess: false,
      isUnlimited: true,
      accessDeniedReason: "InsufficientCredits",
    });
  });

  it.each([
    [["pdf"], true],
    [["pdf", "html"], true],
    [["docx"], false],
    [["PDF"], false],
  ])("enum, %j requested", async (requestedValues, hasAccess) => {
    expect(await check("Enum", "formats", { requestedValues })).toMatchObject({
      type: "ENUM",
      hasAccess,
      enumValues: ["pdf", "html"],
      requestedValues,
    });
  });

  it("of any kind", async () => {
    expect(await check("", "seats", { requestedUsage: 3 })).toMatchObject({ type: "METERED", hasAccess: false });
    expect(await check("", "formats", { requestedValues: ["html"] })).toMatchObject({ type: "ENUM", hasAccess: true });
    expect(await check("", "sso")).toMatchObject({ type: "BOOLEAN", hasAccess: true });
    expect(await check("", "nothing", { fallback: { hasAccess: true } })).toMatchObject({
      hasAccess: true,
      isFallback: true,
    });
  });

  it("of all features", async () => {
    const all = await client.call<{ feature: { id: string }; hasAccess: boolean }[]>("getEntitlements", "acme");
    expect(Object.fromEntries(all.map(({ feature, hasAccess }) => [feature.id, hasAccess]))).toEqual({
      sso: true,
      retention: true,
      formats: true,
      seats: true,
      calls: true,
      images: false,
    });
  });

  // It does not encode the id, so with Edge only one without a question mark arrives as what it is.
  it("of a resource", async () => {
    const resourceId = enableEdge ? encodeURIComponent(AWKWARD_RESOURCE) : AWKWARD_RESOURCE;
    expect(await check("Metered", "seats", undefined, { resourceId })).toMatchObject({
      currentUsage: 2,
      hasAccess: true,
    });
  });

  it.each(["nobody", "guest", "former"])("of %s, who has nothing", async (customerId) => {
    expect(await check("Metered", "seats", undefined, { customerId })).toMatchObject({
      hasAccess: false,
      isFallback: false,
      accessDeniedReason: "CustomerNotFound",
    });
    expect(await client.call("getEntitlements", customerId)).toEqual([]);
  });

  it("of another kind than asked for fall back", async () => {
    const mismatch = { type: "METERED", isFallback: true, accessDeniedReason: "FeatureTypeMismatch" };
    expect(await check("Metered", "retention")).toMatchObject({ ...mismatch, hasAccess: false });
    expect(await check("Metered", "sso")).toMatchObject({ ...mismatch, hasAccess: true });
  });

  it("fall back while nothing can be had", async () => {
    emulated.emulator.faults.inject({ target: "edge", kind: "errors", code: "UnexpectedError", message: "on purpose" });
    emulated.emulator.faults.inject({ target: "api", kind: "errors", code: "UnexpectedError", message: "on purpose" });
    const who = { customerId: "never asked for before" };
    expect(await check("Boolean", "sso", undefined, who)).toMatchObject({ hasAccess: true, isFallback: true });
    expect(await check("Metered", "seats", { fallback: { hasAccess: true, usageLimit: 5 } }, who)).toMatchObject({
      hasAccess: true,
      isFallback: true,
      usageLimit: 5,
    });
    emulated.emulator.faults.clear();
  });
});

describe("reports and live updates", () => {
  beforeEach(async () => {
    emulated = await emulateCatalog(inkwell());
    client = await start(emulated.emulator);
    await listening(emulated.emulator);
  });

  afterEach(async () => {
    await client.stop();
    await emulated.stop();
  });

  const seats = () => check("Metered", "seats");

  it("adds usage, and sets it", async () => {
    expect(await seats()).toMatchObject({ currentUsage: 8 });
    const added = await client.call("reportUsage", { customerId: "acme", featureId: "seats", value: 2 });
    expect(added).toMatchObject({
      customerId: "acme",
      featureId: "seats",
      currentUsage: 10,
      measurementId: expect.any(String),
    });
    expect(await check("Metered", "seats", { requestedUsage: 1 })).toMatchObject({
      currentUsage: 10,
      hasAccess: false,
    });
    const set = await client.call("reportUsage", {
      customerId: "acme",
      featureId: "seats",
      value: 1,
      updateBehavior: "SET",
    });
    expect(set).toMatchObject({ currentUsage: 1 });
    expect(await seats()).toMatchObject({ currentUsage: 1 });
  });

  it("takes a timestamp, dimensions and a resource", async () => {
    const createdAt = new Date().toISOString();
    const report = {
      customerId: "acme",
      resourceId: AWKWARD_RESOURCE,
      featureId: "calls",
      value: 5,
      createdAt,
      dimensions: { region: "eu" },
    };
    expect(await client.call("reportUsage", report)).toMatchObject({
      resourceId: AWKWARD_RESOURCE,
      currentUsage: 5,
      nextResetDate: expect.any(String),
    });
    expect(emulated.emulator.stats.reports).toMatchObject([
      {
        report: {
          timestamp: Date.parse(createdAt),
          dimensions: new Map([["region", "eu"]]),
          subject: { customerId: "acme", resourceId: AWKWARD_RESOURCE },
        },
      },
    ]);
  });

  it("reports in bulk", async () => {
    const usages = [
      { customerId: "acme", featureId: "seats", value: 1 },
      { customerId: "acme", featureId: "calls", value: 7, updateBehavior: "SET" },
    ];
    expect(await client.call("reportUsageBulk", { usages })).toMatchObject([
      { currentUsage: 9 },
      { featureId: "calls", currentUsage: 7 },
    ]);
  });

  it("reports events, whose usage comes back live", async () => {
    expect(await check("Metered", "calls")).toMatchObject({ currentUsage: 3 });
    const event = { customerId: "acme", eventName: "api_request", dimensions: { path: "/" }, timestamp: new Date() };
    await client.call("reportEvent", [
      { ...event, idempotencyKey: "e-1" },
      { ...event, idempotencyKey: "e-2" },
    ]);
    expect(await client.event("usageUpdated")).toMatchObject({
      usage: { featureId: "calls", currentUsage: 5 },
      entitlement: { feature: { refId: "calls" } },
    });
    expect(await check("Metered", "calls")).toMatchObject({ currentUsage: 5 });
  });

  it.each([
    ["nobody", "seats", "CustomerNotFound"],
    ["acme", "nothing", "FeatureNotFound"],
    ["former", "seats", "EntityIsArchivedError"],
    ["acme", "sso", "BadUserInput"],
  ])("tells why a report was refused: %s %s", async (customerId, featureId, code) => {
    await expect(client.call("reportUsage", { customerId, featureId, value: 1 })).rejects.toMatchObject({ code });
  });

  it("hears of changed entitlements", async () => {
    expect(await check("Metered", "seats", { requestedUsage: 5 })).toMatchObject({ hasAccess: false });
    emulated.engine.replace(inkwell({ overrides: { seats: 20 } }));
    expect(await client.event("entitlementsUpdated")).toMatchObject({ customerId: "acme" });
    const asked = emulated.emulator.stats.edge.requests;
    expect(await check("Metered", "seats", { requestedUsage: 5 })).toMatchObject({ hasAccess: true, usageLimit: 20 });
    expect(emulated.emulator.stats.edge.requests).toBe(asked);
  });

  it("hears of usage that others report", async () => {
    await seats();
    await emulated.engine.reportUsage([
      {
        subject: { customerId: "acme" },
        featureId: "seats",
        value: 1,
        updateBehavior: "DELTA",
        dimensions: new Map(),
        timestamp: undefined,
        idempotencyKey: "other",
      },
    ]);
    await client.event("usageUpdated");
    expect(await seats()).toMatchObject({ currentUsage: 9 });
  });

  it("hears of a wallet that is empty, and full again", async () => {
    const consumed = (currentUsage: number) => {
      emulated.updates.tell({
        type: "usage-updated",
        subject: { customerId: "acme" },
        entitlement: { type: "credit", id: "ink" },
        usage: { currentUsage },
      });
      return client.logged("Credit balance updated event arrived");
    };
    const images = () => check("Metered", "images");
    expect(await images()).toMatchObject({ hasAccess: true });
    await consumed(100);
    expect(await images()).toMatchObject({ hasAccess: false, accessDeniedReason: "InsufficientCredits" });
    await consumed(0);
    expect(await images()).toMatchObject({ hasAccess: true });
  });

  it("draws on the wallet by what it reports", async () => {
    expect(await check("Metered", "images")).toMatchObject({ hasAccess: true });
    await client.call("reportUsage", { customerId: "acme", featureId: "images", value: 10 });
    await client.logged("Credit balance updated event arrived");
    expect(await check("Metered", "images")).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "InsufficientCredits",
    });
  });

  it("forgets all it knows when a package is published to everyone", async () => {
    await seats();
    const asked = emulated.emulator.stats.edge.requests;
    emulated.updates.tell({ type: "package-published", migration: "NEW_CUSTOMERS" });
    expect(await client.event("packagePublished")).toMatchObject({ migrationType: "NEW_CUSTOMERS" });
    await seats();
    expect(emulated.emulator.stats.edge.requests).toBe(asked);
    emulated.updates.tell({ type: "package-published", migration: "ALL_CUSTOMERS" });
    expect(await client.event("packagePublished")).toMatchObject({ migrationType: "ALL_CUSTOMERS" });
    await seats();
    expect(emulated.emulator.stats.edge.requests).toBe(asked + 1);
  });

  it("reloads past an Edge that lags", async () => {
    await seats();
    emulated.emulator.faults.lagEdge();
    emulated.engine.replace(inkwell({ overrides: { seats: 50 } }));
    await client.event("entitlementsUpdated");
    expect(await client.call("reloadEntitlements", "acme")).toEqual({ entitledEntityExists: true });
    expect(await seats()).toMatchObject({ usageLimit: 50 });
    expect(await client.call("reloadEntitlements", "nobody")).toEqual({ entitledEntityExists: false });
    expect(emulated.emulator.stats.api.byOperation.get("GetEntitlements")).toBe(2);
  });

  it("identifies itself by its headers", async () => {
    await seats();
    expect(emulated.emulator.stats.requests.at(-1)?.headers).toMatchObject({
      source: "NODE_SERVER_SDK",
      "x-api-version": "1",
      "x-sdk-instance-id": expect.any(String),
    });
  });
});

describe("a wrong key", () => {
  beforeEach(async () => {
    emulated = await emulateCatalog(inkwell());
  });

  afterEach(async () => {
    await client.stop();
    await emulated.stop();
  });

  it.each([true, false])("is told at the start, and to every check and report; Edge: %s", async (enableEdge) => {
    client = await start(emulated.emulator, { enableEdge, apiKey: "wrong" });
    const initialized = client.call("waitForInitialization");
    await expect(initialized).rejects.toThrow("Double check your API key");
    await client.event("apiKeyInvalid");
    expect(await check("Boolean", "sso", { fallback: { hasAccess: true } })).toMatchObject({
      hasAccess: true,
      isFallback: true,
    });
    await client.event("apiKeyInvalid");
    await expect(client.call("reportUsage", { customerId: "acme", featureId: "seats", value: 1 })).rejects.toThrow(
      "Double check your API key",
    );
    expect(emulated.emulator.stats.reports).toEqual([]);
  });

  it("closes its stream, for which it gives up", async () => {
    client = await start(emulated.emulator, { apiKey: "wrong" });
    expect(await client.logged("giving up permanently")).toContain("Invalid API key");
    expect(emulated.emulator.stats.subscriptions.size).toBe(0);
  });
});
