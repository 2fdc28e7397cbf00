import { describe, expect, it } from "@jest/globals";
import type { CustomerInput, PlanInput } from "../../../../../src/adapters/catalog/file/catalog-input.js";
import type { Subject } from "../../../../../src/domain/subject.js";
import { ACME, answerOf, catalogOf, NOON, open } from "../../../../builders/catalog-use.js";

const DAY_MS = 86_400_000;
const TOMORROW = NOON + DAY_MS;
const YESTERDAY = NOON - DAY_MS;

describe("who is asked about", () => {
  it.each<[string, Omit<CustomerInput, "id">, Subject, string]>([
    ["a customer with a plan", {}, ACME, "granted"],
    ["a customer that the catalog does not have", {}, { customerId: "nobody" }, "CustomerNotFound"],
    [
      "a resource of a customer that it does not have",
      {},
      { customerId: "nobody", resourceId: "r" },
      "CustomerNotFound",
    ],
    ["a resource that it does not have", {}, { customerId: "acme", resourceId: "r" }, "CustomerResourceNotFound"],
    ["an archived customer", { archived: true }, ACME, "CustomerIsArchived"],
    [
      "a resource of an archived customer",
      { archived: true, resources: [{ id: "r", plan: "pro" }] },
      { customerId: "acme", resourceId: "r" },
      "CustomerIsArchived",
    ],
    ["a subscription that has not begun", { startedAt: TOMORROW }, ACME, "NoActiveSubscription"],
    ["a subscription that begins now", { startedAt: NOON }, ACME, "granted"],
    ["a trial that lasts", { validUntil: TOMORROW }, ACME, "granted"],
    ["a trial that ends now", { validUntil: NOON }, ACME, "NoActiveSubscription"],
    [
      "a resource with a plan",
      { resources: [{ id: "r", plan: "pro" }] },
      { customerId: "acme", resourceId: "r" },
      "granted",
    ],
    [
      "a resource without one, of a customer with one",
      { resources: [{ id: "r" }] },
      { customerId: "acme", resourceId: "r" },
      "NoActiveSubscription",
    ],
    [
      "a resource whose trial is over",
      { resources: [{ id: "r", plan: "pro", validUntil: NOON }] },
      { customerId: "acme", resourceId: "r" },
      "NoActiveSubscription",
    ],
    [
      "what the plan gives and the customer has taken away",
      { overrides: { sso: false } },
      ACME,
      "NoFeatureEntitlementInSubscription",
    ],
    ["what is revoked", { overrides: { sso: { revoked: true } } }, ACME, "Revoked"],
    [
      "what is revoked for a time that is over",
      { overrides: { sso: { revoked: true, validUntil: NOON } } },
      ACME,
      "granted",
    ],
    ["an override after the trial", { validUntil: YESTERDAY, overrides: { sso: true } }, ACME, "granted"],
  ])("%s", async (_who, acme, subject, answer) => {
    expect(answerOf(await open(catalogOf({ entitlements: { sso: true } }, acme)), "sso", subject)).toBe(answer);
  });

  it("a customer without a plan has what is its own, and no subscription for the rest", async () => {
    const { engine } = await open({
      ...catalogOf({}),
      customers: [{ id: "acme", overrides: { calls: 5 }, creditGrants: [{ currency: "ink", amount: 9 }] }],
    });
    const state = engine.stateOf(ACME);
    expect([state.feature("calls")?.usageLimit, state.credit("ink")?.usageLimit, state.accessDeniedReason]).toEqual([
      5,
      9,
      "NoActiveSubscription",
    ]);
  });
});

describe("when a state has to be asked for again", () => {
  it.each<[string, Omit<PlanInput, "id">, Omit<CustomerInput, "id">, number]>([
    ["nothing ends", { entitlements: { sso: true } }, {}, Infinity],
    ["a trial ends", { entitlements: { sso: true } }, { validUntil: TOMORROW }, TOMORROW],
    [
      "an override ends before the trial",
      { entitlements: { sso: true } },
      { validUntil: TOMORROW, overrides: { calls: { limit: 1, validUntil: NOON + 5 } } },
      NOON + 5,
    ],
    [
      "a trial ends that takes away nothing but the reason",
      {},
      { validUntil: TOMORROW, overrides: { sso: true } },
      TOMORROW,
    ],
    ["a subscription begins", {}, { startedAt: TOMORROW, overrides: { sso: true } }, TOMORROW],
    ["a grant expires", {}, { creditGrants: [{ currency: "ink", amount: 1, expiresAt: TOMORROW }] }, TOMORROW],
    ["a grant has expired", {}, { creditGrants: [{ currency: "ink", amount: 1, expiresAt: YESTERDAY }] }, Infinity],
    [
      "included credits renew",
      { includedCredits: [{ currency: "ink", amount: 5, resetPeriod: "DAY" }] },
      {},
      Date.UTC(2026, 4, 21),
    ],
  ])("%s", async (_what, plan, acme, validUntil) => {
    const { engine } = await open(catalogOf(plan, acme));
    expect(engine.stateOf(ACME).validUntil).toBe(validUntil);
  });

  it("the state of after the end is newer than that of before it", async () => {
    const { engine, clock } = await open(
      catalogOf({ entitlements: { sso: true } }, { validUntil: TOMORROW, overrides: { calls: 1 } }),
    );
    const before = engine.stateOf(ACME).updatedAt;
    clock.advance(2 * DAY_MS);
    expect([before, engine.stateOf(ACME).updatedAt]).toEqual([NOON, TOMORROW]);
  });
});

describe("what an entitlement says", () => {
  it.each<[string, unknown, unknown, object]>([
    ["calls", 5, undefined, { usageLimit: 5, hasUnlimitedUsage: false, hasSoftLimit: false }],
    ["calls", "unlimited", undefined, { usageLimit: undefined, hasUnlimitedUsage: true }],
    [
      "calls",
      { limit: 5, softLimit: true, resetPeriod: "DAY" },
      undefined,
      { usageLimit: 5, hasSoftLimit: true, resetPeriod: "DAY", resetPeriodConfiguration: undefined },
    ],
    [
      "calls",
      { limit: 5, resetPeriod: "WEEK", resetAnchor: "EveryFriday" },
      undefined,
      { resetPeriod: "WEEK", resetPeriodConfiguration: "EveryFriday" },
    ],
    [
      "calls",
      { limit: 5, resetPeriod: "YEAR" },
      undefined,
      { resetPeriod: "YEAR", resetPeriodConfiguration: "SubscriptionStart" },
    ],
    [
      "calls",
      { creditRate: { currency: "ink", amount: 2 } },
      undefined,
      { hasUnlimitedUsage: true, creditRate: { currencyId: "ink", amount: 2 } },
    ],
    [
      "calls",
      { limit: 5, softLimit: true, resetPeriod: "DAY" },
      9,
      { usageLimit: 9, hasSoftLimit: true, resetPeriod: "DAY" },
    ],
    [
      "calls",
      { limit: 5, resetPeriod: "MONTH", resetAnchor: "StartOfTheMonth" },
      { resetPeriod: "DAY" },
      { usageLimit: 5, resetPeriod: "DAY", resetPeriodConfiguration: undefined },
    ],
    ["calls", "unlimited", 9, { usageLimit: 9, hasUnlimitedUsage: false }],
    ["calls", 9, "unlimited", { usageLimit: undefined, hasUnlimitedUsage: true }],
    ["calls", 9, { softLimit: true }, { usageLimit: 9, hasSoftLimit: true }],
    ["days", 30, undefined, { usageLimit: 30, kind: "numeric" }],
    ["days", 30, { value: 31 }, { usageLimit: 31 }],
    ["days", "unlimited", undefined, { hasUnlimitedUsage: true }],
    ["formats", ["pdf"], undefined, { enumValues: ["pdf"], kind: "enum" }],
    ["formats", ["pdf"], ["html"], { enumValues: ["html"] }],
    ["formats", ["pdf"], { revoked: true }, { enumValues: ["pdf"], accessDeniedReason: "Revoked" }],
  ])("%s: %j in the plan, %j of its own", async (featureId, planned, own, said) => {
    const plan = { entitlements: { [featureId]: planned } } as Omit<PlanInput, "id">;
    const acme = (own === undefined ? {} : { overrides: { [featureId]: own } }) as Omit<CustomerInput, "id">;
    const { engine } = await open(catalogOf(plan, acme));
    expect(engine.stateOf(ACME).feature(featureId)).toMatchObject(said);
  });

  it.each([
    ["MONTH", "SubscriptionStart", "2026-01-31T09:00:00Z", "2026-04-30T09:00:00Z", "2026-05-31T09:00:00Z"],
    ["MONTH", "StartOfTheMonth", "2026-01-31", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"],
    ["YEAR", "SubscriptionStart", "2024-02-29", "2026-02-28T00:00:00Z", "2027-02-28T00:00:00Z"],
    ["WEEK", "SubscriptionStart", "2026-05-18", "2026-05-18T00:00:00Z", "2026-05-25T00:00:00Z"],
    ["WEEK", "EverySunday", "2026-05-18", "2026-05-17T00:00:00Z", "2026-05-24T00:00:00Z"],
    ["WEEK", "EveryWednesday", "2026-05-18", "2026-05-20T00:00:00Z", "2026-05-27T00:00:00Z"],
    ["WEEK", "EveryThursday", "2026-05-18", "2026-05-14T00:00:00Z", "2026-05-21T00:00:00Z"],
    ["DAY", "SubscriptionStart", undefined, "2026-05-20T00:00:00Z", "2026-05-21T00:00:00Z"],
    ["WEEK", "SubscriptionStart", undefined, "2026-05-18T00:00:00Z", "2026-05-25T00:00:00Z"],
    ["MONTH", "SubscriptionStart", undefined, "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"],
    ["HOUR", "SubscriptionStart", "2026-05-18T07:15:00+02:00", "2026-05-20T11:15:00Z", "2026-05-20T12:15:00Z"],
  ] as const)(
    "a %s by %s of a subscription from %s: from %s to %s",
    async (resetPeriod, resetAnchor, startedAt, from, to) => {
      const { engine } = await open(
        catalogOf(
          { entitlements: { calls: { limit: 1, resetPeriod, resetAnchor } } },
          startedAt === undefined ? {} : { startedAt },
        ),
      );
      const { periodStart, periodEnd } = engine.stateOf(ACME).featureUsage("calls");
      expect([periodStart, periodEnd]).toEqual([Date.parse(from), Date.parse(to)]);
    },
  );

  it("periods are counted from the anchor where there is one, a resource's from the nearest", async () => {
    const plan = { entitlements: { calls: { limit: 1, resetPeriod: "DAY" as const } } };
    const { engine } = await open(
      catalogOf(plan, {
        startedAt: "2026-01-01T01:00:00Z",
        anchor: "2026-01-01T02:00:00Z",
        resources: [
          { id: "own anchor", plan: "pro", anchor: "2026-01-01T03:00:00Z" },
          { id: "own start", plan: "pro", startedAt: "2026-01-01T04:00:00Z" },
          { id: "neither", plan: "pro" },
        ],
      }),
    );
    const hourOf = (resourceId?: string) =>
      new Date(
        engine.stateOf({ customerId: "acme", resourceId }).featureUsage("calls").periodStart ?? NaN,
      ).getUTCHours();
    expect([hourOf(), hourOf("own anchor"), hourOf("own start"), hourOf("neither")]).toEqual([2, 3, 4, 2]);
  });
});

describe("wallets", () => {
  const rate = { creditRate: { currency: "ink", amount: 1 } };

  it.each<[string, Omit<PlanInput, "id">, Omit<CustomerInput, "id">, object | undefined]>([
    [
      "included credits and grants add up",
      { includedCredits: [{ currency: "ink", amount: 5 }] },
      { creditGrants: [{ currency: "ink", amount: 7 }] },
      { usageLimit: 12 },
    ],
    [
      "what has expired is gone",
      {},
      {
        creditGrants: [
          { currency: "ink", amount: 7, expiresAt: NOON },
          { currency: "ink", amount: 1 },
        ],
      },
      { usageLimit: 1 },
    ],
    [
      "included credits end with the subscription",
      { includedCredits: [{ currency: "ink", amount: 5 }] },
      { validUntil: NOON },
      { usageLimit: 0 },
    ],
    [
      "a feature that costs credits brings a wallet",
      { entitlements: { calls: rate } },
      {},
      { usageLimit: 0, hasSoftLimit: false },
    ],
    ["nothing brings one", { entitlements: { calls: 1 } }, {}, undefined],
    [
      "any soft limit makes it soft",
      { includedCredits: [{ currency: "ink", amount: 5 }] },
      { creditGrants: [{ currency: "ink", amount: 7, softLimit: true }] },
      { hasSoftLimit: true },
    ],
  ])("%s", async (_what, plan, acme, wallet) => {
    const { engine } = await open(catalogOf(plan, acme));
    const found = engine.stateOf(ACME).credit("ink");
    if (wallet === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(wallet);
  });

  it("a resource pays from its customer's, unless it fills one of its own", async () => {
    const opened = await open(
      catalogOf(
        { entitlements: { calls: rate } },
        {
          creditGrants: [{ currency: "ink", amount: 10 }],
          resources: [
            { id: "shares", plan: "pro" },
            { id: "fills", plan: "pro", creditGrants: [{ currency: "ink", amount: 3 }] },
          ],
        },
      ),
    );
    const limitOf = (resourceId?: string) =>
      opened.engine.stateOf({ customerId: "acme", resourceId }).credit("ink")?.usageLimit;
    expect([limitOf(), limitOf("shares"), limitOf("fills")]).toEqual([10, 10, 3]);
    expect(answerOf(opened, "calls", { customerId: "acme", resourceId: "fills" }, 4)).toBe("InsufficientCredits");
    expect(answerOf(opened, "calls", { customerId: "acme", resourceId: "shares" }, 4)).toBe("granted");
  });
});
