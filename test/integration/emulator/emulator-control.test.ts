import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { inkwell } from "../../builders/inkwell.js";
import { emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { getEdge, type Json, rawSubscriber, RawSubscription } from "../../fixtures/raw-api.js";
import { ServiceProcess } from "../service/service-process.js";

const STATE_FILE = "/v1/c/acme/entitlements-state.json";

let emulated: EmulatedCatalog;

beforeAll(async () => {
  emulated = await emulateCatalog(inkwell(), { control: true });
});

afterAll(() => emulated.stop());

async function control(method: string, path: string, body?: object | string): Promise<{ status: number; json: Json }> {
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const response = await fetch(`${emulated.emulator.url}/emulator/${path}`, {
    method,
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: response.status, json: await response.json() };
}

const RULES = [
  { target: "edge", kind: "delay", ms: 10 },
  { target: "api", kind: "hold" },
  { target: "edge", kind: "hang", operation: "entitlements.json" },
  { target: "api", kind: "status", status: 500, body: "oops" },
  { target: "api", kind: "reset", when: "after-effect" },
  { target: "edge", kind: "malformed" },
  { target: "edge", kind: "truncated", times: 3 },
  { target: "api", kind: "errors", code: "RateLimitExceeded", message: "slow down" },
  { target: "ws", kind: "upgrade-hang" },
  { target: "ws", kind: "upgrade-status", status: 503 },
  { target: "ws", kind: "ack-hang", times: 1 },
  { target: "ws", kind: "refuse", code: 4401, reason: "Invalid API key" },
  { target: "events", kind: "drop", change: "usage-updated" },
  { target: "events", kind: "null-payload" },
  { target: "events", kind: "null-list" },
  { target: "events", kind: "reorder" },
  { target: "events", kind: "hold" },
  { target: "events", kind: "event-errors", message: "no" },
];

describe("faults over HTTP", () => {
  it.each(RULES)("can be switched on, told and switched off: %o", async (rule) => {
    expect((await control("POST", "faults", rule)).json).toEqual({ active: [rule] });
    expect((await control("GET", "faults")).json).toEqual({ active: [rule] });
    expect((await control("DELETE", "faults")).json).toEqual({ active: [] });
  });

  it("strike", async () => {
    await control("POST", "faults", { target: "edge", kind: "status", status: 503, times: 1 });
    expect((await getEdge(emulated.emulator.url, STATE_FILE)).status).toBe(503);
    expect((await getEdge(emulated.emulator.url, STATE_FILE)).status).toBe(200);
  });

  it.each([
    ["no JSON", "{"],
    ["no target", { kind: "hang" }],
    ["a target that has no such fault", { target: "ws", kind: "truncated" }],
    ["no status", { target: "edge", kind: "status" }],
    ["a status that is none", { target: "edge", kind: "status", status: 99 }],
    ["a field too many", { target: "edge", kind: "hang", ms: 3 }],
    ["zero times", { target: "edge", kind: "hang", times: 0 }],
  ])("are refused: %s", async (_, body) => {
    const { status, json } = await control("POST", "faults", body);
    expect(status).toBe(400);
    expect(json.error).toMatch(/^(send a fault as JSON|this is no fault)/);
    expect(emulated.emulator.faults.active).toEqual([]);
  });
});

describe("sockets over HTTP", () => {
  async function subscribed(): Promise<RawSubscription> {
    const subscription = new RawSubscription(
      rawSubscriber(emulated.emulator.wsUrl),
      "subscription { packagePublished { migrationType } }",
    );
    await emulated.emulator.stats.until(({ subscriptions }) => subscriptions.get("packagePublished") === 1);
    return subscription;
  }

  it("are closed", async () => {
    const subscription = await subscribed();
    expect((await control("POST", "close-sockets?code=4429&reason=Throttled")).status).toBe(200);
    expect(await subscription.ended).toMatchObject({ error: { code: 4429, reason: "Throttled" } });
  });

  it.each(["code=1006", "code=5000", "code=x", `code=4000&reason=${"x".repeat(124)}`])(
    "are not closed as nobody may: %s",
    async (query) => {
      expect((await control("POST", `close-sockets?${query}`)).status).toBe(400);
    },
  );

  it("are reset", async () => {
    const subscription = await subscribed();
    await control("POST", "reset-sockets");
    expect(await subscription.ended).toMatchObject({ error: { code: 1006 } });
  });

  it("have their subscriptions completed", async () => {
    const subscription = await subscribed();
    await control("POST", "complete-subscriptions");
    expect(await subscription.ended).toEqual({ completed: true });
  });
});

it("Edge lags until the faults are cleared", async () => {
  const limit = async () => {
    const { json } = await getEdge(emulated.emulator.url, STATE_FILE);
    return json.data.entitlementsState.entitlementsV2.find((each: Json) => each.feature?.refId === "seats").usageLimit;
  };
  expect(await limit()).toBe(10);
  await control("POST", "edge-lag");
  emulated.engine.replace(inkwell({ overrides: { seats: 11 } }));
  expect(await limit()).toBe(10);
  await control("DELETE", "faults");
  expect(await limit()).toBe(11);
});

describe("the catalog over HTTP", () => {
  it("is there where the emulator has one to change", async () => {
    const emulator = new ServiceProcess(
      ["emulate", "--catalog", "examples/catalog.yaml", "--port", "0", "--control"],
      {},
    );
    const [, url = ""] = await emulator.printed(/ API_URL=(\S+)/);
    const send = async (method: string, body?: string) => {
      const response = await fetch(`${url}/emulator/catalog`, { method, ...(body === undefined ? {} : { body }) });
      return { status: response.status, text: await response.text() };
    };
    const reasonOf = async (customer: string) => {
      const response = await fetch(`${url}/v1/c/${customer}/entitlements-state.json`, {
        headers: { "x-api-key": "any" },
      });
      return ((await response.json()) as Json).data.entitlementsState.accessDeniedReason;
    };
    try {
      expect(await reasonOf("customer-demo")).toBeNull();
      const other = "features: [{ id: sso, kind: boolean }]\ncustomers: [{ id: acme, overrides: { sso: true } }]";
      expect(await send("PUT", other)).toEqual({ status: 200, text: "{}" });
      expect(await reasonOf("customer-demo")).toBe("CustomerNotFound");
      const faulty = await send("PUT", "features: [{ id: sso }]\ncustomers: []");
      expect(faulty.status).toBe(400);
      expect(faulty.text).toContain("kind");
      expect(await reasonOf("customer-demo")).toBe("CustomerNotFound");
      expect((await send("DELETE")).status).toBe(200);
      expect(await reasonOf("customer-demo")).toBeNull();
    } finally {
      emulator.child.kill("SIGKILL");
      await emulator.ended;
    }
  });

  it("is not there else", async () => {
    expect((await control("PUT", "catalog", "features: []")).status).toBe(404);
    expect((await control("DELETE", "catalog")).status).toBe(404);
  });
});

it("tells what was seen", async () => {
  const { json } = await control("GET", "stats");
  expect(json).toMatchObject({
    edge: { inFlight: 0, byOperation: { "entitlements-state.json": expect.any(Number) } },
    overruns: 0,
    reports: 0,
  });
});

it("says what there is", async () => {
  const { status, json } = await control("GET", "nothing");
  expect(status).toBe(404);
  expect(json.error).toContain("There is GET stats");
});

it("is not there unless it is asked for", async () => {
  const plain = await emulateCatalog(inkwell());
  expect((await fetch(`${plain.emulator.url}/emulator/stats`)).status).toBe(404);
  await plain.stop();
});
