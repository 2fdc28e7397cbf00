import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { inkwell } from "../../builders/inkwell.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { getEdge, type Json, WITHOUT_VALID_KEY } from "../../fixtures/raw-api.js";

let emulated: EmulatedCatalog;
let url: string;

beforeAll(async () => {
  emulated = await emulateCatalog(inkwell());
  ({ url } = emulated.emulator);
});

afterAll(() => emulated.stop());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe("the newer file, entitlements-state.json", () => {
  it("tells every kind of entitlement in full", async () => {
    const { status, json } = await getEdge(url, "/v1/c/acme/entitlements-state.json");
    expect(status).toBe(200);
    const { entitlementsV2, accessDeniedReason } = json.data.entitlementsState;
    expect(accessDeniedReason).toBeNull();
    const byId = Object.fromEntries(
      entitlementsV2.map((each: Json) => [each.feature?.refId ?? each.currency.currencyId, each]),
    );
    expect(Object.keys(byId).sort()).toEqual(["calls", "formats", "images", "ink", "retention", "seats", "sso"]);
    expect(byId["calls"]).toEqual({
      __typename: "FeatureEntitlement",
      isGranted: true,
      accessDeniedReason: null,
      usageLimit: 1000,
      hasUnlimitedUsage: false,
      hasSoftLimit: false,
      currentUsage: 3,
      enumValues: null,
      entitlementUpdatedAt: ISO,
      usageUpdatedAt: ISO,
      usagePeriodAnchor: ISO,
      usagePeriodStart: ISO,
      usagePeriodEnd: ISO,
      resetPeriod: "MONTH",
      resetPeriodConfiguration: { __typename: "MonthlyResetPeriodConfig", monthlyAccordingTo: "StartOfTheMonth" },
      feature: {
        __typename: "EntitlementFeature",
        refId: "calls",
        displayName: "calls",
        description: null,
        featureType: "NUMBER",
        meterType: "Incremental",
        featureUnits: null,
        featureUnitsPlural: null,
        unitTransformation: null,
      },
      creditRate: null,
      validUntil: null,
    });
    expect(byId["images"]).toMatchObject({ hasUnlimitedUsage: true, creditRate: { amount: 10, currencyId: "ink" } });
    expect(byId["formats"]).toMatchObject({
      enumValues: ["pdf", "html"],
      currentUsage: null,
      feature: { featureType: "ENUM" },
    });
    expect(byId["sso"]).toMatchObject({
      isGranted: true,
      feature: { featureType: "BOOLEAN", displayName: "Single sign-on" },
    });
    expect(byId["retention"]).toMatchObject({
      usageLimit: 30,
      feature: { featureType: "NUMBER", meterType: "None", featureUnits: "day", featureUnitsPlural: "days" },
    });
    expect(byId["ink"]).toEqual({
      __typename: "CreditEntitlement",
      isGranted: true,
      accessDeniedReason: null,
      currency: {
        __typename: "CreditCurrency",
        currencyId: "ink",
        displayName: "Ink",
        description: null,
        unitSingular: "drop",
        unitPlural: "drops",
        additionalMetaData: { colour: "black" },
      },
      usageLimit: 100,
      currentUsage: 0,
      hasSoftLimit: false,
      usageUpdatedAt: ISO,
      entitlementUpdatedAt: ISO,
      usagePeriodEnd: null,
      validUntil: null,
    });
  });

  it.each([
    ["/v1/c/nobody/entitlements-state.json", "CustomerNotFound"],
    ["/v1/c/acme/entitlements-state.json?resourceId=nowhere", "CustomerResourceNotFound"],
    ["/v1/c/guest/entitlements-state.json", "NoActiveSubscription"],
    ["/v1/c/former/entitlements-state.json", "CustomerIsArchived"],
  ])("explains an empty state: %s", async (path, reason) => {
    const { json } = await getEdge(url, path);
    expect(json).toEqual({ data: { entitlementsState: { entitlementsV2: [], accessDeniedReason: reason } } });
  });
});

describe("the older file, entitlements.json", () => {
  it("tells feature entitlements with whose they are, and no wallets", async () => {
    const { json } = await getEdge(url, "/v1/c/acme/entitlements.json");
    const { entitlements } = json.data;
    expect(entitlements.map((each: Json) => each.feature.refId).sort()).toEqual([
      "calls",
      "formats",
      "images",
      "retention",
      "seats",
      "sso",
    ]);
    const calls = entitlements.find((each: Json) => each.feature.refId === "calls");
    expect(calls).toMatchObject({
      __typename: "Entitlement",
      customerId: "acme",
      resourceId: null,
      currentUsage: 3,
      requestedUsage: null,
    });
    expect(calls.nextResetDate).toBe(calls.usagePeriodEnd);
  });

  it("is an empty list for a customer that does not exist", async () => {
    expect((await getEdge(url, "/v1/c/nobody/entitlements.json")).json).toEqual({ data: { entitlements: [] } });
  });

  it("tells by a feature's own reason that its wallet cannot pay", async () => {
    const broke = await emulateCatalog(inkwell({ creditsUsed: { ink: 100 } }));
    const reasons = async (file: string, list: (data: Json) => Json[]) => {
      const { json } = await getEdge(broke.emulator.url, `/v1/c/acme/${file}`);
      const images = list(json.data).find((each: Json) => each.feature?.refId === "images");
      return { isGranted: images.isGranted, reason: images.accessDeniedReason };
    };
    expect(await reasons("entitlements.json", (data) => data.entitlements)).toEqual({
      isGranted: false,
      reason: "InsufficientCredits",
    });
    expect(await reasons("entitlements-state.json", (data) => data.entitlementsState.entitlementsV2)).toEqual({
      isGranted: false,
      reason: null,
    });
    await broke.stop();
  });
});

describe("ids", () => {
  const AWKWARD = "Ünï/cödé & co?";

  it("are decoded", async () => {
    const { json } = await getEdge(url, `/v1/c/${encodeURIComponent(AWKWARD)}/entitlements.json`);
    expect(json.data.entitlements[0].customerId).toBe(AWKWARD);
  });

  it.each(["site%201%2Feu%2Bwest%3F", new URLSearchParams({ r: "site 1/eu+west?" }).toString().slice(2)])(
    "of resources are decoded: %s",
    async (encoded) => {
      const { json } = await getEdge(url, `/v1/c/acme/entitlements.json?resourceId=${encoded}`);
      const seats = json.data.entitlements.find((each: Json) => each.feature.refId === "seats");
      expect(seats).toMatchObject({ resourceId: "site 1/eu+west?", currentUsage: 2 });
    },
  );

  it("that were never encoded are taken as they are", async () => {
    await getEdge(url, "/v1/c/a/b/entitlements.json");
    await getEdge(url, "/v1/c/100%/entitlements.json");
    expect(emulated.emulator.stats.requests.slice(-2).map(({ path }) => path)).toEqual([
      "/v1/c/a/b/entitlements.json",
      "/v1/c/100%/entitlements.json",
    ]);
  });
});

describe("the API key", () => {
  const CONFIGURATION = "/v1/config/server-sdk-configuration.json";

  it.each(["/v1/c/acme/entitlements-state.json", "/v1/c/acme/entitlements.json", CONFIGURATION])(
    "is asked for: %s",
    async (path) => {
      for (const headers of WITHOUT_VALID_KEY) {
        const { status, json } = await getEdge(url, path, headers);
        expect(status).toBe(401);
        expect(json.errors).toMatchObject([{ message: "Invalid API key", extensions: { code: "Unauthenticated" } }]);
      }
    },
  );

  it("is told to be valid by the configuration", async () => {
    const { status, json } = await getEdge(url, CONFIGURATION);
    expect(status).toBe(200);
    expect(json.data.sdkConfiguration).toMatchObject({ sentryDsn: null, isWidgetWatermarkEnabled: false });
  });

  it("may be any where none is configured", async () => {
    const open = await emulateCatalog(inkwell(), { apiKey: undefined });
    expect((await getEdge(open.emulator.url, CONFIGURATION, {})).status).toBe(200);
    await open.stop();
  });
});

it("says what there is where there is nothing", async () => {
  const { status, json } = await getEdge(url, "/v1/c//entitlements.json");
  expect(status).toBe(404);
  expect(json.error).toContain("GET /v1/c/{customerId}/entitlements-state.json");
});

it("counts what it is asked, with the headers that came", async () => {
  const { stats } = emulated.emulator;
  const before = stats.edge.byOperation.get("entitlements-state.json") ?? 0;
  await getEdge(url, "/v1/c/acme/entitlements-state.json", { "X-API-KEY": API_KEY, source: "TEST" });
  expect(stats.edge.byOperation.get("entitlements-state.json")).toBe(before + 1);
  expect(stats.requests.at(-1)).toMatchObject({
    target: "edge",
    operation: "entitlements-state.json",
    headers: { source: "TEST" },
  });
});
