import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Client } from "graphql-ws";
import { WebSocket } from "ws";
import type { HttpRule } from "../../../src/adapters/emulator/faults/fault-rules.js";
import { inkwell } from "../../builders/inkwell.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { getEdge, type Json, postGraphql, rawSubscriber, RawSubscription } from "../../fixtures/raw-api.js";

const STATE_FILE = "/v1/c/acme/entitlements-state.json";
const REPORT = "mutation ReportUsage($input: ReportUsageInput!) { reportUsage(input: $input) { currentUsage } }";
const CONFIGURATION = "query GetSdkConfiguration { sdkConfiguration { sentryDsn } }";
const USAGE = "subscription OnUsage { usageUpdatedV2 { entitlementReference { id } usage { currentUsage } } }";
const ENTITLEMENTS = "subscription OnEntitlements { entitlementsUpdatedV2 { customerId entitlements { __typename } } }";

let emulated: EmulatedCatalog;

beforeEach(async () => {
  emulated = await emulateCatalog(inkwell());
});

afterEach(() => emulated.stop());

const emulator = () => emulated.emulator;
const edge = (path = STATE_FILE) => getEdge(emulator().url, path);
const seatsOf = (answer: Json): Json =>
  answer.data.entitlementsState.entitlementsV2.find((each: Json) => each.feature?.refId === "seats");
const report = (value: number, idempotencyKey: string) =>
  postGraphql(emulator().url, REPORT, { input: { customerId: "acme", featureId: "seats", value, idempotencyKey } });
const count = (value: number) =>
  emulated.engine.reportUsage([
    {
      subject: { customerId: "acme" },
      featureId: "seats",
      value,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp: undefined,
      idempotencyKey: crypto.randomUUID(),
    },
  ]);

describe.each(["edge", "api"] as const)("faults of %s", (target) => {
  const other = target === "edge" ? "api" : "edge";
  const ask = (which: "edge" | "api" = target) =>
    which === "edge" ? edge() : postGraphql(emulator().url, CONFIGURATION);
  const inject = (rule: object) => emulator().faults.inject({ target, ...rule } as HttpRule);

  it("a status, as often as is said, and only there", async () => {
    inject({ kind: "status", status: 503, times: 2 });
    expect((await ask(other)).status).toBe(200);
    expect((await ask()).status).toBe(503);
    expect((await ask()).status).toBe(503);
    expect((await ask()).status).toBe(200);
  });

  it("a status with a body, until it is switched off", async () => {
    const off = inject({ kind: "status", status: 429, body: "ThrottlerException: Too Many Requests" });
    for (let count = 0; count < 3; count++)
      expect(await ask()).toMatchObject({ status: 429, text: "ThrottlerException: Too Many Requests" });
    off();
    expect((await ask()).status).toBe(200);
  });

  it("a delay, that ends early when it is switched off", async () => {
    inject({ kind: "delay", ms: 1, times: 1 });
    expect((await ask()).status).toBe(200);
    const off = inject({ kind: "delay", ms: 2 ** 31 - 1 });
    const answer = ask();
    await emulator().stats.until((stats) => stats[target].inFlight === 1);
    off();
    expect((await answer).status).toBe(200);
  });

  it("requests that hang while others are answered", async () => {
    inject({ kind: "hang", times: 1 });
    const [method, path, body] = target === "edge" ? ["GET", STATE_FILE, undefined] : ["POST", "/graphql", "{}"];
    const hanging = request(`${emulator().url}${path}`, { method, headers: { "X-API-KEY": API_KEY } });
    hanging.on("error", () => undefined);
    hanging.end(body);
    await emulator().stats.until((stats) => stats[target].inFlight === 1);
    expect((await ask()).status).toBe(200);
    expect(emulator().stats[target].maxInFlight).toBe(2);
    hanging.destroy();
    await emulator().stats.until((stats) => stats[target].inFlight === 0);
  });

  it("a connection that is reset", async () => {
    inject({ kind: "reset", when: "before-effect", times: 1 });
    await expect(ask()).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect((await ask()).status).toBe(200);
  });

  it("a body that is no JSON", async () => {
    inject({ kind: "malformed", times: 1 });
    inject({ kind: "malformed", body: "<html>", times: 1 });
    const half = await ask();
    expect(half.status).toBe(200);
    expect(half.text.length).toBeGreaterThan(10);
    expect(() => half.json).toThrow(SyntaxError);
    expect((await ask()).text).toBe("<html>");
  });

  it("an answer that ends too early", async () => {
    inject({ kind: "truncated", times: 1 });
    await expect(ask()).rejects.toThrow("terminated");
  });

  it("errors in HTTP 200", async () => {
    inject({ kind: "errors", code: "RateLimitExceeded", message: "ThrottlerException", times: 1 });
    expect((await ask()).json.errors).toMatchObject([
      { message: "ThrottlerException", extensions: { code: "RateLimitExceeded" } },
    ]);
  });

  it("one operation alone", async () => {
    inject({ kind: "status", status: 500, operation: "AnotherOne" });
    expect((await ask()).status).toBe(200);
    expect(emulator().faults.active).toEqual([{ target, kind: "status", status: 500, operation: "AnotherOne" }]);
    emulator().faults.clear();
    expect(emulator().faults.active).toEqual([]);
  });
});

describe("a report whose answer is lost", () => {
  it("was counted when the connection is reset after the effect", async () => {
    emulator().faults.inject({
      target: "api",
      kind: "reset",
      when: "after-effect",
      operation: "ReportUsage",
      times: 1,
    });
    await expect(report(1, "k")).rejects.toThrow("fetch failed");
    expect((await report(1, "k")).json.data.reportUsage.currentUsage).toBe(9);
    expect(emulator().stats.reports.map((seen) => seen.type === "usage" && seen.report.idempotencyKey)).toEqual([
      "k",
      "k",
    ]);
  });

  it("was not counted when it is reset before", async () => {
    emulator().faults.inject({
      target: "api",
      kind: "reset",
      when: "before-effect",
      operation: "ReportUsage",
      times: 1,
    });
    await expect(report(1, "k")).rejects.toThrow("fetch failed");
    expect(seatsOf((await edge()).json).currentUsage).toBe(8);
  });
});

describe("answers that are old when they arrive", () => {
  it("are held while newer events pass them", async () => {
    const off = emulator().faults.inject({ target: "edge", kind: "hold", times: 1 });
    const held = edge();
    await emulator().stats.until((stats) => stats.edge.inFlight === 1);
    await count(1);
    expect(seatsOf((await edge()).json).currentUsage).toBe(9);
    off();
    expect(seatsOf((await held).json).currentUsage).toBe(8);
  });

  it("come from an Edge that lags behind the API", async () => {
    const presentUsage = async () => {
      const query =
        'query S { entitlementsState(query: { customerId: "acme" }) { entitlementsV2 { ... on FeatureEntitlement { currentUsage feature { refId } } } } }';
      return seatsOf((await postGraphql(emulator().url, query)).json).currentUsage;
    };
    expect(seatsOf((await edge()).json).currentUsage).toBe(8);
    const catchUp = emulator().faults.lagEdge();
    await count(1);
    expect(seatsOf((await edge()).json).currentUsage).toBe(8);
    expect(await presentUsage()).toBe(9);
    catchUp();
    expect(seatsOf((await edge()).json).currentUsage).toBe(9);
  });
});

describe("WebSockets", () => {
  let client: Client;

  beforeEach(() => {
    client = rawSubscriber(emulator().wsUrl);
  });

  afterEach(async () => {
    // A socket that neither reads nor writes is never closed by its peer.
    client.terminate();
    await client.dispose();
  });

  async function subscribe(query = USAGE): Promise<RawSubscription> {
    const subscription = new RawSubscription(client, query);
    const field = query === USAGE ? "usageUpdatedV2" : "entitlementsUpdatedV2";
    await emulator().stats.until(({ subscriptions }) => subscriptions.get(field) === 1);
    return subscription;
  }

  async function endOf(subscription: RawSubscription): Promise<Json> {
    const ended = await subscription.ended;
    return "error" in ended ? ended.error : ended;
  }

  it("are closed with a code and a reason", async () => {
    const subscription = await subscribe();
    emulator().faults.closeSockets(4429, "ThrottlerException: Too Many Requests");
    expect(await endOf(subscription)).toMatchObject({ code: 4429, reason: "ThrottlerException: Too Many Requests" });
  });

  it("are reset", async () => {
    const subscription = await subscribe();
    emulator().faults.resetSockets();
    expect((await endOf(subscription)).code).toBe(1006);
    await emulator().stats.until(({ sockets }) => sockets === 0);
  });

  it("have their subscriptions completed while they stay open", async () => {
    const subscription = await subscribe();
    const entitlements = await subscribe(ENTITLEMENTS);
    emulator().faults.completeSubscriptions("usageUpdatedV2");
    expect(await subscription.ended).toEqual({ completed: true });
    emulated.engine.replace(inkwell({ overrides: { seats: 1 } }));
    expect((await entitlements.next()).data.entitlementsUpdatedV2.customerId).toBe("acme");
    emulator().faults.completeSubscriptions();
    expect(await entitlements.ended).toEqual({ completed: true });
  });

  it("are refused once, in answer to connection_init", async () => {
    emulator().faults.inject({ target: "ws", kind: "refuse", code: 4401, reason: "Invalid API key", times: 1 });
    expect(await endOf(new RawSubscription(client, USAGE))).toMatchObject({ code: 4401, reason: "Invalid API key" });
    await subscribe();
  });

  it("are answered with a status", async () => {
    emulator().faults.inject({ target: "ws", kind: "upgrade-status", status: 503, times: 1 });
    expect((await endOf(new RawSubscription(client, USAGE))).message).toContain("503");
    await subscribe();
  });

  it("are never answered, nor their neighbours touched", async () => {
    emulator().faults.inject({ target: "ws", kind: "upgrade-hang", times: 1 });
    const hanging = new WebSocket(`${emulator().wsUrl}/graphql`, "graphql-transport-ws");
    hanging.on("error", () => undefined);
    await emulator().stats.until(({ upgrades }) => upgrades === 1);
    await subscribe();
    expect(hanging.readyState).toBe(WebSocket.CONNECTING);
    hanging.terminate();
  });

  it("are opened and never acknowledged, until it is switched off", async () => {
    const off = emulator().faults.inject({ target: "ws", kind: "ack-hang", times: 1 });
    const late = new RawSubscription(client, USAGE);
    await emulator().stats.until(({ sockets }) => sockets === 1);
    await fetch(emulator().url);
    expect(emulator().stats.subscriptions.get("usageUpdatedV2")).toBeUndefined();
    off();
    await emulator().stats.until(({ subscriptions }) => subscriptions.get("usageUpdatedV2") === 1);
    await count(1);
    expect((await late.next()).data.usageUpdatedV2.usage.currentUsage).toBe(9);
  });

  it("are half open: no event, no answer to a ping, no end", async () => {
    const socket = new WebSocket(`${emulator().wsUrl}/graphql`, "graphql-transport-ws");
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init", payload: { headers: { "X-API-KEY": API_KEY } } }));
    await once(socket, "message");
    socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: ENTITLEMENTS } }));
    await emulator().stats.until(({ subscriptions }) => subscriptions.get("entitlementsUpdatedV2") === 1);
    const heard: unknown[] = [];
    for (const event of ["message", "pong", "close"]) socket.on(event, () => heard.push(event));
    emulator().faults.halfOpenSockets();
    emulated.engine.replace(inkwell({ overrides: { seats: 11 } }));
    socket.ping();
    emulator().faults.closeSockets(1000, "not even this");
    // Whoever comes later is served, and by then the silent one would have heard something.
    const subscription = await subscribe();
    await count(1);
    await subscription.next();
    expect(heard).toEqual([]);
    socket.terminate();
  });
});

describe("events", () => {
  let client: Client;
  let usage: RawSubscription;
  let entitlements: RawSubscription;

  beforeEach(async () => {
    client = rawSubscriber(emulator().wsUrl);
    usage = new RawSubscription(client, USAGE);
    entitlements = new RawSubscription(client, ENTITLEMENTS);
    await emulator().stats.until(
      ({ subscriptions }) =>
        subscriptions.get("usageUpdatedV2") === 1 && subscriptions.get("entitlementsUpdatedV2") === 1,
    );
  });

  afterEach(async () => {
    await client.dispose();
  });

  const nextUsage = async () => (await usage.next()).data.usageUpdatedV2.usage.currentUsage;

  it("are dropped", async () => {
    emulator().faults.inject({ target: "events", kind: "drop", change: "usage-updated", times: 2 });
    for (let times = 0; times < 3; times++) await count(1);
    expect(await nextUsage()).toBe(11);
  });

  it("are superseded by the next", async () => {
    emulator().faults.inject({ target: "events", kind: "reorder", times: 1 });
    for (let times = 0; times < 3; times++) await count(1);
    expect([await nextUsage(), await nextUsage(), await nextUsage()]).toEqual([10, 9, 11]);
  });

  it("are held, and let go in order", async () => {
    const off = emulator().faults.inject({ target: "events", kind: "hold" });
    for (let times = 0; times < 3; times++) await count(1);
    expect(emulator().stats.events.get("usageUpdatedV2")).toBeUndefined();
    off();
    await count(1);
    expect([await nextUsage(), await nextUsage(), await nextUsage(), await nextUsage()].sort()).toEqual([
      10, 11, 12, 9,
    ]);
  });

  it("have a null payload", async () => {
    emulator().faults.inject({ target: "events", kind: "null-payload", times: 1 });
    await count(1);
    expect(await usage.next()).toEqual({ data: { usageUpdatedV2: null } });
  });

  it("have null in place of their list", async () => {
    emulator().faults.inject({ target: "events", kind: "null-list", change: "entitlements-updated", times: 1 });
    emulated.engine.replace(inkwell({ overrides: { seats: 1 } }));
    expect(await entitlements.next()).toEqual({
      data: { entitlementsUpdatedV2: { customerId: "acme", entitlements: null } },
    });
  });

  it("have errors in place of data", async () => {
    emulator().faults.inject({ target: "events", kind: "event-errors", message: "something failed", times: 1 });
    await count(1);
    expect(await usage.next()).toMatchObject({
      data: { usageUpdatedV2: null },
      errors: [{ message: "something failed" }],
    });
    await count(1);
    expect(await nextUsage()).toBe(10);
  });
});

describe("the whole emulator", () => {
  it("goes down with every connection, and comes back at the same port", async () => {
    const client = rawSubscriber(emulator().wsUrl);
    const subscription = new RawSubscription(client, USAGE);
    await emulator().stats.until(({ subscriptions }) => subscriptions.get("usageUpdatedV2") === 1);
    await emulator().faults.goDown();
    await subscription.ended;
    await expect(edge()).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    await count(1);
    await emulator().faults.comeBack();
    expect(seatsOf((await edge()).json).currentUsage).toBe(9);
    const again = new RawSubscription(client, USAGE);
    await emulator().stats.until(({ subscriptions }) => subscriptions.get("usageUpdatedV2") === 1);
    await count(1);
    expect((await again.next()).data.usageUpdatedV2.usage.currentUsage).toBe(10);
    await client.dispose();
  });

  it("stops while requests hang and sockets are half open", async () => {
    const own = await emulateCatalog(inkwell());
    own.emulator.faults.inject({ target: "edge", kind: "hang" });
    const hanging = request(`${own.emulator.url}${STATE_FILE}`).end();
    const cut = once(hanging, "error");
    const socket = new WebSocket(`${own.emulator.wsUrl}/graphql`, "graphql-transport-ws");
    await once(socket, "open");
    await own.emulator.stats.until(({ edge: { inFlight }, sockets }) => inFlight === 1 && sockets === 1);
    own.emulator.faults.halfOpenSockets();
    const closed = once(socket, "close");
    await own.stop();
    await Promise.all([cut, closed]);
    await own.emulator.stop();
  });

  it("answers an upgrade of another path", async () => {
    const socket = new WebSocket(`${emulator().wsUrl}/elsewhere`);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(404);
    response.destroy();
  });
});
