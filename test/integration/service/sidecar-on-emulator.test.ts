import { fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { SidecarMethod } from "../../../src/adapters/rpc/service/sidecar-calls.js";
import { inkwell } from "../../builders/inkwell.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";

let upstream: EmulatedUpstream;
let sidecar: SidecarUnderTest;
let client: Client;

beforeEach(async () => {
  upstream = await emulatedUpstream(inkwell());
  const { stats } = upstream.emulator;
  sidecar = await sidecarOn(upstream.emulator);
  await stats.until(
    ({ subscriptions }) =>
      subscriptions.get("entitlementsUpdatedV2") === 1 && subscriptions.get("usageUpdatedV2") === 1,
  );
  client = new Client(`127.0.0.1:${sidecar.grpcPort}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await sidecar.stop();
  await upstream.stop();
});

/** One call through gRPC, HTTP to upstream and its WebSocket; requests and answers in protobuf's JSON. */
function call(method: SidecarMethod, request: JsonObject): Promise<JsonValue> {
  const { name, input, output } = SidecarService.method[method];
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      `/${SidecarService.typeName}/${name}`,
      (json: JsonObject) => Buffer.from(toBinary(input, fromJson(input, json))),
      (bytes) => toJson(output, fromBinary(output, bytes)),
      request,
      (error: ServiceError | null, response) => (error === null ? resolve(response ?? null) : reject(error)),
    );
  });
}

/** Resolves once a check gives this answer; a change arrives when it arrives. */
async function untilAnswered(method: SidecarMethod, request: JsonObject, answer: unknown): Promise<void> {
  await eventually(() => call(method, request), { timeout: 20_000, interval: 1 }).toMatchObject(answer as object);
}

const ACME = { customerId: "acme" };
const ACME_SITE = { customerId: "acme", resourceId: "site 1/eu+west?" };
const SEATS = { ...ACME, featureId: "seats" };
const CALLS = { ...ACME, featureId: "calls" };
const WALLET = { ...ACME, currencyId: "ink" };

describe("every check", () => {
  it.each<[SidecarMethod, JsonObject, object]>([
    [
      "getBooleanEntitlement",
      { ...ACME, featureId: "sso" },
      { hasAccess: true, entitlement: { feature: { id: "sso" } } },
    ],
    [
      "getNumericEntitlement",
      { ...ACME, featureId: "retention" },
      { hasAccess: true, entitlement: { value: 30, feature: { units: "day", unitsPlural: "days" } } },
    ],
    [
      "getEnumEntitlement",
      { ...ACME, featureId: "formats", options: { requestedValues: ["pdf"] } },
      { hasAccess: true, entitlement: { enumValues: ["pdf", "html"] } },
    ],
    [
      "getEnumEntitlement",
      { ...ACME, featureId: "formats", options: { requestedValues: ["docx"] } },
      { accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_VALUES_MISMATCH" },
    ],
    [
      "getMeteredEntitlement",
      { ...SEATS, options: { requestedUsage: 2 } },
      { hasAccess: true, entitlement: { usageLimit: 10, currentUsage: 8 } },
    ],
    [
      "getMeteredEntitlement",
      { ...SEATS, options: { requestedUsage: 3 } },
      { accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT" },
    ],
    [
      "getMeteredEntitlement",
      { ...ACME_SITE, featureId: "seats" },
      { hasAccess: true, entitlement: { usageLimit: 10, currentUsage: 2 } },
    ],
    [
      "getEntitlement",
      { ...CALLS },
      {
        hasAccess: true,
        metered: { usageLimit: 1000, currentUsage: 3, resetPeriod: "ENTITLEMENT_RESET_PERIOD_MONTH" },
      },
    ],
    [
      "getEntitlement",
      { customerId: "Ünï/cödé & co?", featureId: "seats" },
      { hasAccess: true, metered: { currentUsage: 5 } },
    ],
    [
      "getEntitlement",
      { customerId: "nobody", featureId: "seats" },
      { accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND" },
    ],
    [
      "getEntitlement",
      { customerId: "former", featureId: "seats" },
      { accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_IS_ARCHIVED" },
    ],
    [
      "getEntitlementV2",
      { ...WALLET, options: { requestedUsage: 100 } },
      {
        entitlement: { hasAccess: true, credit: { usageLimit: 100, remaining: 100, currency: { displayName: "Ink" } } },
      },
    ],
    [
      "getEntitlementV2",
      { ...WALLET, options: { requestedUsage: 101 } },
      { entitlement: { accessDeniedReason: "ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS" } },
    ],
    [
      "getEntitlementV2",
      { ...SEATS },
      { entitlement: { hasAccess: true, metered: { usageLimit: 10, currentUsage: 8 } } },
    ],
  ])("%s of %j is answered as the catalog says", async (method, request, answer) => {
    expect(await call(method, request)).toMatchObject(answer);
    expect(sidecar.telemetry).toMatchObject({
      malformedUpstreamData: 0,
      networkRequestErrors: 0,
      answers: { upstream: 1 },
    });
  });
});

it("GetEntitlements lists every feature", async () => {
  const { entitlements } = (await call("getEntitlements", ACME)) as {
    entitlements: Record<string, { feature: { id: string } }>[];
  };
  expect(entitlements.map((entitlement) => Object.values(entitlement)[0]?.feature.id).sort()).toEqual([
    "calls",
    "formats",
    "images",
    "retention",
    "seats",
    "sso",
  ]);
});

it("GetEntitlementsStateV2 lists the wallets, too", async () => {
  const { entitlements } = (await call("getEntitlementsStateV2", ACME)) as { entitlements: object[] };
  expect(entitlements).toHaveLength(7);
  expect(entitlements).toContainEqual(
    expect.objectContaining({ hasAccess: true, credit: expect.objectContaining({ usageLimit: 100 }) }),
  );
});

describe("what is reported", () => {
  it("is counted upstream, told back, and known to the next check", async () => {
    await call("getMeteredEntitlement", SEATS);
    const report = { ...SEATS, value: 1, dimensions: { site: { stringValue: "eu" } } };
    expect(await call("reportUsage", report)).toMatchObject({ ...SEATS, currentUsage: 9 });
    expect(await call("getMeteredEntitlement", SEATS)).toMatchObject({ entitlement: { currentUsage: 9 } });
    const [seen] = upstream.emulator.stats.reports;
    expect(seen).toMatchObject({
      type: "usage",
      operation: "ReportUsage",
      report: { featureId: "seats", value: 1, dimensions: new Map([["site", "eu"]]) },
    });
    expect(sidecar.telemetry.answers).toMatchObject({ upstream: 1, memory: 1 });
  });

  it("in bulk is all counted, the credits that pay for it with it", async () => {
    await call("getEntitlementV2", WALLET);
    const usages = [
      { ...ACME, featureId: "images", value: 2 },
      { ...ACME_SITE, featureId: "seats", value: 7, updateBehavior: "USAGE_UPDATE_BEHAVIOR_SET" },
    ];
    expect(await call("reportUsageBulk", { usages })).toMatchObject({
      usages: [
        { featureId: "images", currentUsage: 2 },
        { ...ACME_SITE, currentUsage: 7 },
      ],
    });
    expect(await call("getEntitlementV2", WALLET)).toMatchObject({
      entitlement: { credit: { currentUsage: 20, remaining: 80 } },
    });
    expect(await call("getMeteredEntitlement", { ...ACME_SITE, featureId: "seats" })).toMatchObject({
      entitlement: { currentUsage: 7 },
    });
  });

  it("as events comes back over the WebSocket", async () => {
    await call("getMeteredEntitlement", CALLS);
    const events = [1, 2].map((key) => ({ ...ACME, eventName: "api_request", idempotencyKey: `event ${key}` }));
    expect(await call("reportEvents", { events })).toEqual({});
    await untilAnswered("getMeteredEntitlement", CALLS, { entitlement: { currentUsage: 5 } });
    expect(sidecar.telemetry.answers.upstream).toBe(1);
  });

  it("of what cannot be counted is refused with upstream's own words", async () => {
    await expect(call("reportUsage", { customerId: "nobody", featureId: "seats", value: 1 })).rejects.toMatchObject({
      details: expect.stringContaining("nobody"),
    });
  });
});

describe("a change in the catalog", () => {
  it("of entitlements is seen by the next check", async () => {
    await call("getMeteredEntitlement", SEATS);
    upstream.engine.replace(inkwell({ overrides: { seats: 25 } }));
    await untilAnswered("getMeteredEntitlement", SEATS, { entitlement: { usageLimit: 25 } });
    expect(sidecar.telemetry.answers.upstream).toBe(1);
  });

  it("that brings a customer into being is seen by who asked for it in vain", async () => {
    const question = { customerId: "newcomer", featureId: "seats" };
    expect(await call("getEntitlement", question)).toMatchObject({
      accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND",
    });
    const catalog = inkwell();
    upstream.engine.replace({ ...catalog, customers: [...catalog.customers, { id: "newcomer", plan: "pro" }] });
    await untilAnswered("getEntitlement", question, { hasAccess: true });
    expect(sidecar.telemetry.answers.upstream).toBe(1);
  });
});

it("ReloadEntitlements reads the present past a cache that lags behind", async () => {
  await call("getMeteredEntitlement", SEATS);
  upstream.emulator.faults.lagEdge();
  upstream.emulator.faults.inject({ target: "events", kind: "drop" });
  upstream.engine.replace(inkwell({ overrides: { seats: 25 } }));
  expect(await call("reloadEntitlements", ACME)).toEqual({ entitledEntityExists: true });
  expect(await call("getMeteredEntitlement", SEATS)).toMatchObject({ entitlement: { usageLimit: 25 } });
  expect(await call("reloadEntitlements", { customerId: "nobody" })).toEqual({});
});
