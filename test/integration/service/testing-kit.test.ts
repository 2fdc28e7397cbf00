import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  customer,
  feature,
  metered,
  plan,
  resource,
  type RunningSidecar,
  startSidecar,
} from "../../../src/public/testing.js";

const PRO = plan("pro").with("sso", true).with("seats", 10).with("calls", { limit: 100, resetPeriod: "MONTH" });

let sidecar: RunningSidecar;
beforeAll(async () => {
  sidecar = await startSidecar({
    now: "2026-01-31T12:00:00Z",
    catalog: {
      features: [feature("sso"), metered("seats"), metered("calls", { meterType: "Incremental" })],
      plans: [PRO],
      customers: [customer("acme").onPlan("pro", { startedAt: "2026-01-31T00:00:00Z" }).withUsage("seats", 7)],
    },
  });
});
beforeEach(() => sidecar.reset());
afterAll(() => sidecar.stop());

interface Answer {
  readonly hasAccess?: boolean;
  readonly isFallback?: boolean;
  readonly code?: string;
  readonly entitlement?: { readonly currentUsage: number; readonly usageLimit: number };
}

async function call(method: string, body: object): Promise<Answer> {
  const response = await fetch(`${sidecar.baseUrl}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(method === "ReportEvents" ? body : { customerId: "acme", ...body }),
  });
  return (await response.json()) as Answer;
}

const usedOf = async (featureId: string) =>
  (await call("GetMeteredEntitlement", { featureId })).entitlement?.currentUsage;

describe("the time of a test", () => {
  it("moves when it is told to, and usage periods with it", async () => {
    await call("ReportUsage", { featureId: "calls", value: 40 });
    expect(await usedOf("calls")).toBe(40);
    sidecar.clock.advanceTo("2026-02-27T23:00:00Z");
    expect(await usedOf("calls")).toBe(40);
    sidecar.clock.advance(3_600_000 * 2);
    expect(await usedOf("calls")).toBe(0);
  });

  it("does not go back", () => {
    expect(() => sidecar.clock.advance(-1)).toThrow(RangeError);
    expect(() => sidecar.clock.advanceTo("yesterday, perhaps")).toThrow(/no time/);
  });
});

describe("what is true", () => {
  it("is built in readable calls, each of which leaves what it builds on as it was", async () => {
    const more = PRO.with("seats", 20);
    expect(PRO.input.entitlements?.["seats"]).toBe(10);
    sidecar.setPlan(more);
    expect((await call("GetMeteredEntitlement", { featureId: "seats" })).entitlement).toMatchObject({
      usageLimit: 20,
      currentUsage: 7,
    });
  });

  it("takes another customer, and one in the place of another", async () => {
    sidecar.setCustomer(
      customer("globex")
        .withOverride("sso", true)
        .withResource(resource("berlin").withOverride("seats", 3).withUsage("seats", 3)),
    );
    expect(await call("GetBooleanEntitlement", { customerId: "globex", featureId: "sso" })).toMatchObject({
      hasAccess: true,
    });
    expect(
      await call("GetMeteredEntitlement", {
        customerId: "globex",
        resourceId: "berlin",
        featureId: "seats",
        options: { requestedUsage: 1 },
      }),
    ).toMatchObject({ hasAccess: false });
    sidecar.setCustomer(customer("acme").onPlan("pro").archived());
    expect(await call("GetBooleanEntitlement", { featureId: "sso" })).toMatchObject({ hasAccess: false });
  });
});

it("tells what was reported", async () => {
  await call("ReportUsage", { featureId: "seats", value: 2 });
  await call("ReportUsage", { featureId: "nothing", value: 1 });
  await call("ReportEvents", { events: [{ customerId: "acme", eventName: "opened", idempotencyKey: "k" }] });
  expect(sidecar.reports()).toMatchObject([
    { type: "usage", customerId: "acme", featureId: "seats", value: 2, updateBehavior: "DELTA" },
    { type: "event", customerId: "acme", eventName: "opened", idempotencyKey: "k" },
  ]);
});

it("answers who is cached while upstream is away, nobody else, and fails reports", async () => {
  await call("GetBooleanEntitlement", { featureId: "sso" });
  sidecar.goOffline();
  expect(await call("GetBooleanEntitlement", { featureId: "sso" })).toMatchObject({
    hasAccess: true,
    isFallback: false,
  });
  expect(await call("GetBooleanEntitlement", { customerId: "other", featureId: "sso" })).toMatchObject({
    hasAccess: false,
    isFallback: true,
  });
  expect(await call("ReportUsage", { featureId: "seats", value: 1 })).toMatchObject({ code: "unavailable" });
  sidecar.goOnline();
  expect(await call("ReportUsage", { featureId: "seats", value: 1 })).toMatchObject({ currentUsage: 8 });
});

it("begins anew with each reset, on the same port", async () => {
  await call("ReportUsage", { featureId: "seats", value: 2 });
  sidecar.clock.advance(86_400_000);
  sidecar.goOffline();
  await sidecar.reset();
  expect(await usedOf("seats")).toBe(7);
  expect(sidecar.reports()).toEqual([]);
  expect(new Date(sidecar.clock.now()).toISOString()).toMatch(/^2026-01-31T12:00/);
});
