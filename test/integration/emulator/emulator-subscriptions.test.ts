import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Client } from "graphql-ws";
import { WebSocket } from "ws";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { inkwell } from "../../builders/inkwell.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { rawSubscriber, RawSubscription, WITHOUT_VALID_KEY } from "../../fixtures/raw-api.js";

const V2_ENTITLEMENTS = `subscription { entitlementsUpdatedV2 { customerId resourceId accessDeniedReason entitlements {
  ... on FeatureEntitlement { feature { refId } usageLimit } ... on CreditEntitlement { currency { currencyId } }
} } }`;
const V2_USAGE =
  "subscription { usageUpdatedV2 { customerId resourceId entitlementReference { id type } usage { currentUsage usageUpdatedAt usagePeriodStart usagePeriodEnd } } }";
const PACKAGES =
  "subscription { packagePublished { accountId environmentId packageType packageRefId packageVersion migrationType } }";
const OLD_ENTITLEMENTS =
  "subscription { entitlementsUpdated { customerId resourceId entitlements { feature { refId } usageLimit customerId accessDeniedReason } } }";
const OLD_USAGE = `subscription { usageUpdated {
  usage { customerId resourceId featureId currentUsage usagePeriodStart usagePeriodEnd nextResetDate }
  entitlement { feature { refId } currentUsage }
} }`;
const OLD_BALANCE =
  "subscription { creditBalanceUpdated { customerId resourceId currencyId currency { currencyId displayName symbol units { singular plural } } currentBalance totalConsumed totalGranted validUntil } }";

let emulated: EmulatedCatalog;
let client: Client;

beforeEach(async () => {
  emulated = await emulateCatalog(inkwell());
  client = rawSubscriber(emulated.emulator.wsUrl);
});

afterEach(async () => {
  await client.dispose();
  await emulated.stop();
});

async function subscribe(query: string, by: Client = client): Promise<RawSubscription> {
  const { stats } = emulated.emulator;
  const field = /\{ (\w+)/.exec(query)?.[1] ?? "";
  const running = stats.subscriptions.get(field) ?? 0;
  const subscription = new RawSubscription(by, query);
  await stats.until(({ subscriptions }) => subscriptions.get(field) === running + 1);
  return subscription;
}

function report(featureId: string, value: number, subject = { customerId: "acme" }) {
  return emulated.engine.reportUsage([
    {
      subject,
      featureId,
      value,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp: undefined,
      idempotencyKey: crypto.randomUUID(),
    },
  ]);
}

describe("the newer generation", () => {
  it("tells a whole state when the catalog changes", async () => {
    const subscription = await subscribe(V2_ENTITLEMENTS);
    emulated.engine.replace(inkwell({ overrides: { seats: 20 } }));
    const { data } = await subscription.next();
    expect(data.entitlementsUpdatedV2).toMatchObject({
      customerId: "acme",
      resourceId: null,
      accessDeniedReason: null,
    });
    expect(data.entitlementsUpdatedV2.entitlements).toContainEqual({ feature: { refId: "seats" }, usageLimit: 20 });
    expect(data.entitlementsUpdatedV2.entitlements).toContainEqual({ currency: { currencyId: "ink" } });
  });

  it("explains a state that is empty now", async () => {
    const subscription = await subscribe(V2_ENTITLEMENTS);
    const catalog = inkwell();
    emulated.engine.replace({ ...catalog, customers: catalog.customers.filter(({ id }) => id !== "acme") });
    const { data } = await subscription.next();
    expect(data.entitlementsUpdatedV2).toEqual({
      customerId: "acme",
      resourceId: null,
      accessDeniedReason: "CustomerNotFound",
      entitlements: [],
    });
  });

  it("passes on changes that say no more than to ask again, with what there is now", async () => {
    const subscription = await subscribe(V2_ENTITLEMENTS);
    emulated.updates.tell({ type: "subject-invalidated", subject: { customerId: "guest" } });
    const { data } = await subscription.next();
    expect(data.entitlementsUpdatedV2).toEqual({
      customerId: "guest",
      resourceId: null,
      accessDeniedReason: "NoActiveSubscription",
      entitlements: [],
    });
  });

  it("tells usage with its period, and what was drawn from the wallet", async () => {
    const subscription = await subscribe(V2_USAGE);
    await report("calls", 1);
    const { usageUpdatedV2 } = (await subscription.next()).data;
    expect(usageUpdatedV2).toMatchObject({
      customerId: "acme",
      resourceId: null,
      entitlementReference: { id: "calls", type: "FEATURE" },
    });
    expect(usageUpdatedV2.usage).toMatchObject({
      currentUsage: 4,
      usagePeriodStart: expect.any(Number),
      usagePeriodEnd: expect.any(Number),
    });
    await report("images", 2);
    const changes = [await subscription.next(), await subscription.next()].map(({ data }) => [
      data.usageUpdatedV2.entitlementReference,
      data.usageUpdatedV2.usage.currentUsage,
    ]);
    expect(changes).toContainEqual([{ id: "images", type: "FEATURE" }, 2]);
    expect(changes).toContainEqual([{ id: "ink", type: "CREDIT" }, 20]);
  });

  it("tells of a published package", async () => {
    const subscription = await subscribe(PACKAGES);
    emulated.updates.tell({ type: "package-published", migration: "ALL_CUSTOMERS" });
    emulated.updates.tell({ type: "package-published", migration: "NEW_CUSTOMERS" });
    expect((await subscription.next()).data.packagePublished).toEqual({
      accountId: "emulator",
      environmentId: "emulator",
      packageType: "Plan",
      packageRefId: "catalog",
      packageVersion: 1,
      migrationType: "ALL_CUSTOMERS",
    });
    expect((await subscription.next()).data.packagePublished.migrationType).toBe("NEW_CUSTOMERS");
  });
});

describe("the older generation", () => {
  it("tells the features of a state, and an empty list when the customer is gone", async () => {
    const subscription = await subscribe(OLD_ENTITLEMENTS);
    emulated.engine.replace(inkwell({ overrides: { seats: 20 } }));
    const { entitlementsUpdated } = (await subscription.next()).data;
    expect(entitlementsUpdated.entitlements).toHaveLength(6);
    expect(entitlementsUpdated.entitlements).toContainEqual({
      feature: { refId: "seats" },
      usageLimit: 20,
      customerId: "acme",
      accessDeniedReason: null,
    });
    emulated.updates.tell({
      type: "entitlements-updated",
      subject: { customerId: "acme" },
      state: buildCustomerState({}),
    });
    expect((await subscription.next()).data.entitlementsUpdated).toEqual({
      customerId: "acme",
      resourceId: null,
      entitlements: [],
    });
  });

  it("tells usage together with the entitlement", async () => {
    const subscription = await subscribe(OLD_USAGE);
    await report("seats", 1);
    expect((await subscription.next()).data.usageUpdated).toEqual({
      usage: {
        customerId: "acme",
        resourceId: null,
        featureId: "seats",
        currentUsage: 9,
        usagePeriodStart: null,
        usagePeriodEnd: null,
        nextResetDate: null,
      },
      entitlement: { feature: { refId: "seats" }, currentUsage: 9 },
    });
  });

  it("tells the balance of a wallet, whoever drew on it", async () => {
    const subscription = await subscribe(OLD_BALANCE);
    await report("images", 3);
    const balance = {
      customerId: "acme",
      resourceId: null,
      currencyId: "ink",
      currency: { currencyId: "ink", displayName: "Ink", symbol: null, units: { singular: "drop", plural: "drops" } },
      currentBalance: 70,
      totalConsumed: 30,
      totalGranted: 100,
      validUntil: null,
    };
    expect((await subscription.next()).data.creditBalanceUpdated).toEqual(balance);
    emulated.updates.tell({
      type: "usage-updated",
      subject: { customerId: "acme" },
      entitlement: { type: "credit", id: "ink" },
      usage: { currentUsage: 40 },
    });
    const received = [
      (await subscription.next()).data.creditBalanceUpdated,
      (await subscription.next()).data.creditBalanceUpdated,
    ];
    expect(received).toContainEqual({ ...balance, currentBalance: 60, totalConsumed: 40 });
  });

  it("says nothing of what the subject has no more", async () => {
    const usage = await subscribe(OLD_USAGE);
    const subject = { customerId: "acme" };
    emulated.updates.tell({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "gone" },
      usage: { currentUsage: 1 },
    });
    emulated.updates.tell({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 2 },
    });
    expect((await usage.next()).data.usageUpdated.usage).toMatchObject({ featureId: "seats", currentUsage: 2 });
  });
});

describe("clients", () => {
  it("each get every event, in order", async () => {
    const others = [rawSubscriber(emulated.emulator.wsUrl), rawSubscriber(emulated.emulator.wsUrl)];
    const subscriptions: RawSubscription[] = [];
    for (const each of [client, ...others]) subscriptions.push(await subscribe(V2_USAGE, each));
    for (let count = 1; count <= 50; count++) await report("seats", 1);
    for (const subscription of subscriptions) {
      const received: number[] = [];
      while (received.length < 50) received.push((await subscription.next()).data.usageUpdatedV2.usage.currentUsage);
      expect(received).toEqual(Array.from({ length: 50 }, (_, index) => 9 + index));
    }
    for (const other of others) await other.dispose();
    await emulated.emulator.stats.until(({ sockets }) => sockets === 1);
  });

  it("that end a subscription are told no more, and leave nothing behind", async () => {
    const stop = client.iterate({ query: V2_USAGE });
    const first = stop.next();
    await emulated.emulator.stats.until(({ subscriptions }) => subscriptions.get("usageUpdatedV2") === 1);
    await report("seats", 1);
    await first;
    await stop.return?.();
    await emulated.emulator.stats.until(({ subscriptions }) => subscriptions.get("usageUpdatedV2") === 0);
  });

  it("may query over the same socket", async () => {
    const answer = new RawSubscription(client, "query { sdkConfiguration { isWidgetWatermarkEnabled } }");
    expect(await answer.next()).toEqual({ data: { sdkConfiguration: { isWidgetWatermarkEnabled: false } } });
    expect(await answer.ended).toEqual({ completed: true });
  });

  it("that ask for what there is not are told what is wrong", async () => {
    const answer = await new RawSubscription(client, "subscription { nothing { at all } }").ended;
    expect("error" in answer && answer.error[0].message).toContain('Cannot query field "nothing"');
  });

  it.each(WITHOUT_VALID_KEY)("without a valid key are closed: %o", async (headers) => {
    const stranger = rawSubscriber(emulated.emulator.wsUrl, headers);
    const ended = await new RawSubscription(stranger, V2_USAGE).ended;
    expect("error" in ended && ended.error).toMatchObject({ code: 4401, reason: "Invalid API key" });
    expect(emulated.emulator.stats.refusedKeys).toBe(1);
  });

  it("may spell the header's name as they like", async () => {
    const other = rawSubscriber(emulated.emulator.wsUrl, { "x-api-key": API_KEY });
    await subscribe(V2_USAGE, other);
    await other.dispose();
  });

  it("of another protocol are not agreed with", async () => {
    const socket = new WebSocket(`${emulated.emulator.wsUrl}/graphql`, "graphql-ws");
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toContain("no subprotocol");
  });

  it("see a gap when the source of updates is gone", async () => {
    const subscription = await subscribe(V2_USAGE);
    emulated.updates.disconnect();
    const ended = await subscription.ended;
    expect("error" in ended && ended.error).toMatchObject({ code: 1012 });
  });

  it("that do not read are given up before they fill the memory", async () => {
    const socket = new WebSocket(`${emulated.emulator.wsUrl}/graphql`, "graphql-transport-ws");
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init", payload: { headers: { "X-API-KEY": API_KEY } } }));
    await once(socket, "message");
    socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: V2_ENTITLEMENTS } }));
    await emulated.emulator.stats.until(({ subscriptions }) => subscriptions.get("entitlementsUpdatedV2") === 1);
    socket.pause();
    const state = buildCustomerState({ features: [{ feature: { id: "x".repeat(200_000), featureType: "BOOLEAN" } }] });
    for (let received = 1; emulated.emulator.stats.overruns === 0; received++) {
      emulated.updates.tell({ type: "entitlements-updated", subject: { customerId: "acme" }, state });
      if (received % 500 === 0) await new Promise(setImmediate);
    }
    await emulated.emulator.stats.until(
      ({ sockets, subscriptions }) => sockets === 0 && subscriptions.get("entitlementsUpdatedV2") === 0,
    );
    socket.terminate();
  });
});
