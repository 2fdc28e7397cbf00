import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import type { SidecarMethod } from "../../../src/adapters/rpc/service/sidecar-calls.js";
import { inkwell } from "../../builders/inkwell.js";
import type { ReferenceClient } from "../../fixtures/reference-client/reference-client.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { ENVIRONMENT, eventually, FETCHED_BY, SideBySide, type SidecarOnRedis } from "./redis-side-by-side.js";

/** The published client and this sidecar on one Redis: what either writes the other reads, and neither fetches what the other has. */

const RESOURCE = "site-1";
/** The wallet of every customer. */
const INK = {
  hasAccess: true,
  credit: expect.objectContaining({ usageLimit: 100, remaining: 100 }) as unknown as object,
};

/** The catalog of the tests, with a customer for each test, so that what one has cached is no other's. */
function catalog(customerIds: readonly string[], seats = 10): CatalogInput {
  const { plans = [], ...rest } = inkwell();
  return {
    ...rest,
    plans: plans.map((plan) => ({ ...plan, entitlements: { ...plan.entitlements, seats } })),
    customers: [
      ...rest.customers,
      ...customerIds.map((id) => ({
        id,
        plan: "pro",
        usage: { seats: 8, calls: 3 },
        creditGrants: [{ currency: "ink", amount: 100 }],
        resources: [{ id: RESOURCE, plan: "pro", usage: { seats: 2 } }],
      })),
    ],
  };
}

const CUSTOMERS = Array.from({ length: 40 }, (_, i) => `customer-${i}`);

let both: SideBySide;
let reference: ReferenceClient;
let sidecar: SidecarOnRedis;
let otherSidecar: SidecarOnRedis;
let customerId: string;
const unused = [...CUSTOMERS];

beforeAll(async () => {
  both = await SideBySide.start(catalog(CUSTOMERS));
  [reference, sidecar, otherSidecar] = await Promise.all([both.reference(), both.sidecar(), both.sidecar()]);
});

afterAll(() => both.stop());

beforeEach(() => {
  customerId = unused.pop() ?? "";
  expect(customerId).not.toBe("");
});

const ask = (method: SidecarMethod, request: JsonObject): Promise<JsonValue> => sidecar.call(method, request);

/** What both say of a customer's seats. */
async function seatsOf(who: { readonly customerId: string; readonly resourceId?: string }) {
  const request = { ...who, featureId: "seats" };
  const [ours, theirs] = await Promise.all([
    ask("getMeteredEntitlement", request) as Promise<{ entitlement: { currentUsage: number; usageLimit: number } }>,
    reference.call<{ currentUsage: number; usageLimit: number }>("getMeteredEntitlement", request),
  ]);
  const read = ({ currentUsage, usageLimit }: { currentUsage: number; usageLimit: number }) => ({
    currentUsage,
    usageLimit,
  });
  return { sidecar: read(ours.entitlement), reference: read(theirs) };
}

describe("a state that the published client wrote", () => {
  it.each<[SidecarMethod, JsonObject, object]>([
    ["getBooleanEntitlement", { featureId: "sso" }, { hasAccess: true, entitlement: { feature: { id: "sso" } } }],
    [
      "getNumericEntitlement",
      { featureId: "retention" },
      { hasAccess: true, entitlement: { value: 30, feature: { units: "day", unitsPlural: "days" } } },
    ],
    [
      "getEnumEntitlement",
      { featureId: "formats", options: { requestedValues: ["pdf"] } },
      { hasAccess: true, entitlement: { enumValues: ["pdf", "html"] } },
    ],
    [
      "getEnumEntitlement",
      { featureId: "formats", options: { requestedValues: ["docx"] } },
      { accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_VALUES_MISMATCH" },
    ],
    [
      "getMeteredEntitlement",
      { featureId: "seats", options: { requestedUsage: 2 } },
      { hasAccess: true, entitlement: { usageLimit: 10, currentUsage: 8 } },
    ],
    [
      "getMeteredEntitlement",
      { featureId: "seats", options: { requestedUsage: 3 } },
      { accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT" },
    ],
    [
      "getEntitlement",
      { featureId: "calls" },
      { hasAccess: true, metered: { currentUsage: 3, resetPeriod: "ENTITLEMENT_RESET_PERIOD_MONTH" } },
    ],
  ])("answers %s of %j, and upstream is not asked again", async (method, request, answer) => {
    await reference.call("getEntitlements", customerId);
    expect(await ask(method, { customerId, ...request })).toMatchObject(answer);
    expect(both.fetchesOf(customerId)).toBe(1);
  });

  it("answers for a resource", async () => {
    await reference.call("getEntitlements", customerId, RESOURCE);
    const fetches = both.fetchesOf(customerId);
    expect(await ask("getMeteredEntitlement", { customerId, resourceId: RESOURCE, featureId: "seats" })).toMatchObject({
      hasAccess: true,
      entitlement: { currentUsage: 2 },
    });
    expect(both.fetchesOf(customerId)).toBe(fetches);
  });

  it.each<[SidecarMethod, { resourceId?: string; currencyId?: string }, object]>([
    ["getEntitlementV2", { currencyId: "ink" }, { entitlement: INK }],
    ["getEntitlementV2", { currencyId: "ink", resourceId: RESOURCE }, { entitlement: INK }],
    [
      "getEntitlementsStateV2",
      {},
      { entitlements: expect.arrayContaining([expect.objectContaining(INK)]) as unknown as object },
    ],
  ])(
    "does not tell of wallets: upstream does, once for all who share the state, and only when wallets are asked for (%s of %j)",
    async (method, of, answer) => {
      const { resourceId } = of;
      const who = { customerId, ...(resourceId === undefined ? undefined : { resourceId }) };
      await reference.call("getEntitlements", customerId, resourceId);
      const fetches = both.fetchesOf(customerId);
      expect(await ask("getMeteredEntitlement", { ...who, featureId: "seats" })).toMatchObject({ hasAccess: true });
      expect(await ask("getEntitlements", who)).toMatchObject({ entitlements: { length: 6 } });
      expect(both.fetchesOf(customerId)).toBe(fetches);
      expect(await ask(method, { ...who, ...of })).toMatchObject(answer);
      expect(both.fetchesOf(customerId)).toBe(fetches + 1);
      for (const one of [sidecar, otherSidecar, sidecar])
        expect(await one.call(method, { ...who, ...of })).toMatchObject(answer);
      expect(await ask("getMeteredEntitlement", { ...who, featureId: "seats" })).toMatchObject({ hasAccess: true });
      expect(both.fetchesOf(customerId)).toBe(fetches + 1);
    },
  );

  it("denies a wallet only once upstream said that there is none, and then at once", async () => {
    await reference.call("getEntitlements", customerId);
    const denied = { entitlement: { accessDeniedReason: "ACCESS_DENIED_REASON_ENTITLEMENT_NOT_FOUND" } };
    for (let i = 0; i < 3; i++)
      expect(await ask("getEntitlementV2", { customerId, currencyId: "gold" })).toMatchObject(denied);
    expect(both.fetchesOf(customerId)).toBe(2);
  });

  it("without entitlements does not tell why, so upstream is asked, once, and nobody asks after that", async () => {
    await reference.call("getEntitlements", "former");
    const archived = { accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_IS_ARCHIVED" };
    for (const featureId of ["sso", "seats", "sso"])
      expect(await ask("getEntitlement", { customerId: "former", featureId })).toMatchObject(archived);
    expect(both.fetchesOf("former")).toBe(2);
    expect(await reference.call("getEntitlements", "former")).toEqual([]);
    expect(both.fetchesOf("former")).toBe(2);
  });
});

describe("a state that the sidecar wrote", () => {
  const check = (kind: string, featureId: string, options?: object, rest: object = {}) =>
    reference.call<object>(`get${kind}Entitlement`, { customerId, featureId, options, ...rest });

  it("answers every check of the published client, and upstream is not asked again", async () => {
    await ask("getEntitlements", { customerId });
    expect(await check("Boolean", "sso")).toMatchObject({ hasAccess: true, isFallback: false });
    expect(await check("Boolean", "nothing")).toMatchObject({
      hasAccess: false,
      isFallback: false,
      accessDeniedReason: "NoFeatureEntitlementInSubscription",
    });
    expect(await check("Numeric", "retention")).toMatchObject({
      hasAccess: true,
      value: 30,
      isUnlimited: false,
      feature: { units: "day", unitsPlural: "days" },
    });
    expect(await check("Enum", "formats", { requestedValues: ["pdf"] })).toMatchObject({
      hasAccess: true,
      enumValues: ["pdf", "html"],
    });
    expect(await check("Enum", "formats", { requestedValues: ["docx"] })).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "RequestedValuesMismatch",
    });
    expect(await check("Metered", "seats", { requestedUsage: 2 })).toMatchObject({
      hasAccess: true,
      currentUsage: 8,
      usageLimit: 10,
    });
    expect(await check("Metered", "seats", { requestedUsage: 3 })).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "RequestedUsageExceedingLimit",
    });
    expect(await check("Metered", "images")).toMatchObject({ hasAccess: true, isUnlimited: true });
    const calls = await check("Metered", "calls");
    expect(calls).toMatchObject({
      currentUsage: 3,
      usageLimit: 1000,
      resetPeriod: "MONTH",
      usagePeriodAnchor: expect.any(String) as unknown as string,
    });
    expect(both.fetchesOf(customerId)).toBe(1);
  });

  it("is listed by it, with one entry more: the wallet, which it takes for an entitlement to nothing", async () => {
    await ask("getEntitlements", { customerId });
    const list = await reference.call<{ feature?: { id: string }; hasAccess: boolean }[]>(
      "getEntitlements",
      customerId,
    );
    expect(list.flatMap(({ feature }) => feature?.id ?? []).sort()).toEqual([
      "calls",
      "formats",
      "images",
      "retention",
      "seats",
      "sso",
    ]);
    expect(list.filter(({ feature }) => feature === undefined)).toEqual([
      expect.objectContaining({ hasAccess: false }),
    ]);
    expect(both.fetchesOf(customerId)).toBe(1);
  });

  it("answers for a resource, since the customer's own comes to stand beside it", async () => {
    await ask("getMeteredEntitlement", { customerId, resourceId: RESOURCE, featureId: "seats" });
    await eventually(async () => expect(await both.redis.admin.exists(`${ENVIRONMENT}:c_${customerId}`)).toBe(1));
    expect(await check("Metered", "seats", undefined, { resourceId: RESOURCE })).toMatchObject({
      hasAccess: true,
      currentUsage: 2,
    });
    expect(both.fetchesOf(customerId)).toBe(2);
  });

  it("without entitlements is what it takes for an unknown customer", async () => {
    await ask("getEntitlement", { customerId: "nobody", featureId: "sso" });
    const options = { customerId: "nobody", featureId: "sso" };
    expect(await reference.call("getBooleanEntitlement", options)).toMatchObject({
      accessDeniedReason: "CustomerNotFound",
      isFallback: false,
    });
    expect(both.fetchesOf("nobody")).toBe(1);
  });

  it("takes the place of what the published client wrote before, when the catalog changes", async () => {
    await reference.call("getEntitlements", customerId);
    expect(await seatsOf({ customerId })).toMatchObject({ sidecar: { usageLimit: 10 }, reference: { usageLimit: 10 } });
    both.engine.replace(catalog(CUSTOMERS, 25));
    try {
      await ask("reloadEntitlements", { customerId });
      expect(await seatsOf({ customerId })).toMatchObject({
        sidecar: { usageLimit: 25 },
        reference: { usageLimit: 25 },
      });
    } finally {
      both.engine.replace(catalog(CUSTOMERS));
    }
  });
});

describe("a report", () => {
  const report = (value: number, rest: object = {}) => ({ customerId, featureId: "seats", value, ...rest });

  it.each([{}, { resourceId: RESOURCE }])("of the published client is known to the sidecar: %j", async (rest) => {
    const who = { customerId, ...rest };
    const { sidecar: before } = await seatsOf(who);
    await reference.call("reportUsage", report(1, rest));
    await eventually(async () => {
      const known = await seatsOf(who);
      expect(known.reference.currentUsage).toBe(before.currentUsage + 1);
      expect(known.sidecar).toEqual(known.reference);
    });
  });

  it.each([{}, { resourceId: RESOURCE }])(
    "of the sidecar is known to the published client at once: %j",
    async (rest) => {
      const who = { customerId, ...rest };
      const { sidecar: before } = await seatsOf(who);
      await ask("reportUsage", report(1, rest));
      const known = await seatsOf(who);
      expect(known.reference.currentUsage).toBe(before.currentUsage + 1);
      expect(known.sidecar).toEqual(known.reference);
    },
  );

  it("of either, in turns, is never lost to the other", async () => {
    await seatsOf({ customerId });
    for (let turn = 1; turn <= 5; turn++) {
      await reference.call("reportUsage", report(1));
      await ask("reportUsage", report(1));
      const known = await seatsOf({ customerId });
      expect([known.reference.currentUsage, known.sidecar.currentUsage]).toEqual([8 + 2 * turn, 8 + 2 * turn]);
    }
  });

  it("of a customer that neither has cached leaves nothing behind", async () => {
    await reference.call("reportUsage", report(1));
    await ask("reportUsage", report(1));
    expect(await both.redis.admin.keys(`${ENVIRONMENT}:c_${customerId}*`)).toEqual([]);
  });
});

describe("a report to a sidecar with an outbox", () => {
  it("counts there at once, and for the published client once it is delivered", async () => {
    const directory = await mkdtemp(join(tmpdir(), "outbox-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const accepting = await both.sidecar({ USAGE_OUTBOX_DIR: directory });
    const { reference: before } = await seatsOf({ customerId });
    const request = { customerId, featureId: "seats" };
    await accepting.call("getMeteredEntitlement", request);
    for (let reported = 1; reported <= 5; reported++) {
      await accepting.call("reportUsage", { ...request, value: 1 });
      expect(await accepting.call("getMeteredEntitlement", request)).toMatchObject({
        entitlement: { currentUsage: before.currentUsage + reported },
      });
    }
    await eventually(async () => {
      const known = await seatsOf({ customerId });
      expect([known.reference.currentUsage, known.sidecar.currentUsage]).toEqual([
        before.currentUsage + 5,
        before.currentUsage + 5,
      ]);
    });
  });
});

describe("what nobody has", () => {
  let others: readonly [ReferenceClient, SidecarOnRedis];
  let patient: SidecarOnRedis;

  beforeAll(async () => {
    // Waits for the others for longer than the slowest machine takes to bring the rest of them to wait.
    const long = { ENTITLEMENTS_TIMEOUT_MS: "20000" };
    const otherReference = both.reference();
    patient = await both.sidecar(long);
    others = [await otherReference, await both.sidecar(long)];
  });

  const lock = () => `${ENVIRONMENT}:refetchEntityEntitlementsAfterCacheMiss-${customerId}`;
  const channel = () => `${ENVIRONMENT}:refetchEntityEntitlementsAfterCacheMiss:${customerId}`;
  const isLocked = async () => (await both.redis.admin.exists(lock())) === 1;
  const seats = () => ({ customerId, featureId: "seats" });
  const ofReference = (client: ReferenceClient) => client.call<object>("getMeteredEntitlement", seats());
  const ofSidecar = (by: SidecarOnRedis) => by.call("getMeteredEntitlement", seats());
  const SEEN_BY_REFERENCE = { hasAccess: true, isFallback: false, currentUsage: 8 };
  const SEEN_BY_SIDECAR = { hasAccess: true, entitlement: { currentUsage: 8 } };

  /** How many scripts were asked for: the published client tries to take a lock, and gives it back in vain, by one each. */
  async function scriptsAskedFor(): Promise<number> {
    const info = await both.redis.admin.info("commandstats");
    return [...info.matchAll(/cmdstat_(?:eval|evalsha):calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  }

  /** Has these ask, and resolves once each has found the lock taken and waits for the word. */
  async function waiting(...clients: readonly ReferenceClient[]): Promise<{ readonly answers: Promise<object[]> }> {
    const before = await scriptsAskedFor();
    const answers = Promise.all(clients.map(ofReference));
    await eventually(async () => {
      const [, subscribers] = await both.redis.admin.pubsub("NUMSUB", channel());
      expect(subscribers).toBe(clients.length);
      expect(await scriptsAskedFor()).toBeGreaterThanOrEqual(before + 2 * clients.length);
    });
    return { answers };
  }

  it("is fetched once, where a published client was first", async () => {
    const release = both.emulator.faults.inject({ target: "edge", operation: FETCHED_BY.reference, kind: "hold" });
    const first = ofReference(reference);
    await eventually(() => expect(both.fetchesOf(customerId)).toBe(1));
    const { answers } = await waiting(others[0]);
    const sidecars = Promise.all([patient, others[1]].map(ofSidecar));
    release();
    for (const seen of [await first, ...(await answers)]) expect(seen).toMatchObject(SEEN_BY_REFERENCE);
    for (const seen of await sidecars) expect(seen).toMatchObject(SEEN_BY_SIDECAR);
    expect(both.fetchesOf(customerId)).toBe(1);
  });

  it("is fetched once, where a sidecar was first and the published clients wait for its word", async () => {
    const release = both.emulator.faults.inject({ target: "edge", operation: FETCHED_BY.sidecar, kind: "hold" });
    const first = ofSidecar(patient);
    await eventually(async () => expect([both.fetchesOf(customerId), await isLocked()]).toEqual([1, true]));
    const { answers } = await waiting(reference, others[0]);
    const other = ofSidecar(others[1]);
    release();
    for (const seen of await answers) expect(seen).toMatchObject(SEEN_BY_REFERENCE);
    for (const seen of [await first, await other]) expect(seen).toMatchObject(SEEN_BY_SIDECAR);
    expect(both.fetchesOf(customerId)).toBe(1);
    await eventually(async () => expect(await isLocked()).toBe(false));
  });

  it("and the sidecar cannot fetch falls back where it is waited for: soon, and never as an unknown customer", async () => {
    const { faults } = both.emulator;
    const release = faults.inject({ target: "edge", operation: FETCHED_BY.sidecar, kind: "hold" });
    faults.inject({ target: "api", kind: "status", status: 503 });
    const first = ofSidecar(sidecar);
    await eventually(async () => expect(await isLocked()).toBe(true));
    const { answers } = await waiting(reference);
    faults.inject({ target: "edge", operation: FETCHED_BY.sidecar, kind: "status", status: 503 });
    expect(await first).toMatchObject({ accessDeniedReason: "ACCESS_DENIED_REASON_UNKNOWN" });
    for (const seen of await answers) expect(seen).toMatchObject({ isFallback: true });
    release();
    faults.clear();
  });
});
