import { describe, expect, it } from "@jest/globals";
import { encodeState, encodeUsage } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import type { Subject } from "../../../../../../src/domain/subject.js";
import { boolean, emptyState, metered, stateWith, wallet } from "../../../../../builders/states.js";

const ACME: Subject = { customerId: "acme" };
const TRUST = { verifiedAt: 1_000, recheckAt: Infinity, isVerified: true };
const SEATS = { type: "feature", id: "seats" } as const;

function written(state = emptyState(), subject = ACME, trust: Parameters<typeof encodeState>[3] = TRUST) {
  return encodeState("prod", subject, state, trust).writes.map(({ key, value, updatedAt }) => ({
    key,
    updatedAt,
    value: JSON.parse(value) as unknown,
  }));
}

describe("a state", () => {
  it("is written as the published clients read it, resets and anchor in the older place and the newer", () => {
    const usage = { currentUsage: 3, periodAnchor: 100, periodStart: 200, periodEnd: 300, updatedAt: 150 };
    const calls = metered({
      id: "calls",
      meterType: "Incremental",
      resetPeriod: "MONTH",
      resetPeriodConfiguration: "SubscriptionStart",
      creditRate: { amount: 2, currencyId: "ink" },
      validUntil: 900,
      usage,
    });
    const resetPeriodConfiguration = {
      __typename: "MonthlyResetPeriodConfig",
      monthlyAccordingTo: "SubscriptionStart",
    };
    const [state] = written(stateWith([calls], { updatedAt: 500 }), { customerId: "acme", resourceId: "site" });
    expect(state).toEqual({
      key: "prod:c_acme:r_site",
      updatedAt: 500,
      value: {
        calls: {
          sidecar: { updatedAt: 500, customerId: "acme", resourceId: "site", verifiedAt: 1_000 },
          calculatedEntitlement: {
            type: "FEATURE",
            feature: { id: "calls", featureType: "NUMBER", meterType: "Incremental", units: "", unitsPlural: "" },
            resourceId: "site",
            usageLimit: 10,
            hasUnlimitedUsage: false,
            hasSoftLimit: false,
            enumValues: [],
            validUntil: 900,
            creditRate: { amount: 2, currencyId: "ink" },
            resetPeriod: "MONTH",
            resetPeriodConfiguration,
            usagePeriodAnchor: 100,
          },
          featureUsage: {
            resetPeriod: "MONTH",
            resetPeriodConfiguration,
            currentUsage: 3,
            usagePeriodAnchor: 100,
            usagePeriodStart: 200,
            usagePeriodEnd: 300,
          },
          usageData: { currentUsage: 3, usagePeriodStart: 200, usagePeriodEnd: 300 },
        },
      },
    });
  });

  it("has a usage of each metered feature and each wallet beside it, at a time of its own, and of nothing else", () => {
    const seats = metered({ usage: { currentUsage: 8, updatedAt: 700 } });
    const ink = wallet({ currencyId: "ink", usage: { currentUsage: 40, periodEnd: 800, updatedAt: 600 } });
    const [, , ...usages] = written(
      buildCustomerState({ features: [boolean(), seats], credits: [ink], updatedAt: 500 }),
    );
    expect(usages).toEqual([
      {
        key: "prod:c_acme:f_seats",
        updatedAt: 700,
        value: { sidecar: { updatedAt: 700, customerId: "acme" }, currentUsage: 8 },
      },
      {
        key: "prod:c_acme:credit_ink",
        updatedAt: 600,
        value: { sidecar: { updatedAt: 600, customerId: "acme" }, currentUsage: 40, usagePeriodEnd: 800 },
      },
    ]);
  });

  it("tells in its metadata why something may be missing", () => {
    const [, metadata] = written(
      stateWith([boolean()], { accessDeniedReason: "NoActiveSubscription", updatedAt: 500 }),
    );
    expect(metadata).toMatchObject({
      key: "prod:c_acme:metadata",
      updatedAt: 500,
      value: { accessDeniedReason: "NoActiveSubscription" },
    });
    expect(written(stateWith([boolean()], { updatedAt: 500 }))[1]).toMatchObject({
      value: { accessDeniedReason: null },
    });
  });

  // A later stamp of a customer without entitlements would make all of its resources look outdated to other clients.
  it("without entitlements is an empty object as of 0, and its metadata carry the record", () => {
    const trust = { verifiedAt: 1_000, recheckAt: 2_000, isVerified: false, globalUpdatedAt: 400 };
    const record = {
      updatedAt: null,
      customerId: "acme",
      verifiedAt: 1_000,
      recheckAt: 2_000,
      isVerified: false,
      globalUpdatedAt: 400,
    };
    expect(written(emptyState("CustomerNotFound"), ACME, trust)).toEqual([
      { key: "prod:c_acme", updatedAt: 0, value: {} },
      { key: "prod:c_acme:metadata", updatedAt: 0, value: { sidecar: record, accessDeniedReason: "CustomerNotFound" } },
    ]);
  });

  it("without a timestamp is written as of now, and its usages without one so that they yield to any", () => {
    expect(written(stateWith([metered()])).map(({ updatedAt }) => updatedAt)).toEqual([undefined, undefined, 0]);
  });

  it.each([
    ["features alone", stateWith([boolean({ id: "sso" }), boolean({ id: "audit" })], { updatedAt: 500 })],
    [
      "ids that an object moves to its front",
      stateWith([boolean({ id: "sso" }), boolean({ id: "42" })], { updatedAt: 500 }),
    ],
    ["a wallet alone", buildCustomerState({ credits: [wallet()], updatedAt: 500 })],
  ])("begins with its timestamp, so that it need not be parsed to be compared: %s", (_, state) => {
    const [{ value } = { value: "" }, metadata] = encodeState("prod", ACME, state, TRUST).writes;
    expect(value).toMatch(/^\{"[^"]+":\{"sidecar":\{"updatedAt":500,/);
    expect(value.match(/"sidecar"/g)).toHaveLength(1);
    expect(metadata?.value).toMatch(/^\{"sidecar":\{"updatedAt":500,/);
  });

  it("leaves a feature its name where a wallet has the same", () => {
    const [state] = written(
      buildCustomerState({
        features: [metered({ id: "ink" })],
        credits: [wallet({ currencyId: "ink" })],
        updatedAt: 500,
      }),
    );
    expect(state?.value).toMatchObject({
      ink: { calculatedEntitlement: { type: "FEATURE" } },
      credit_ink: { calculatedEntitlement: { type: "CREDIT" } },
    });
  });
});

describe("a usage", () => {
  const usage = { currentUsage: 9, periodStart: 200, periodEnd: 300, periodAnchor: 100, updatedAt: 250 };
  const valueOver = (previous: string | null) =>
    JSON.parse(encodeUsage("prod", ACME, SEATS, usage, previous).value) as unknown;
  const plain = {
    sidecar: { updatedAt: 250, customerId: "acme" },
    currentUsage: 9,
    usagePeriodStart: 200,
    usagePeriodEnd: 300,
  };

  it("is written at its timestamp, without the anchor, which is the state's", () => {
    expect(encodeUsage("prod", ACME, SEATS, usage)).toMatchObject({ key: "prod:c_acme:f_seats", updatedAt: 250 });
    expect(valueOver(null)).toEqual(plain);
  });

  it("leaves what others keep beside it", () => {
    expect(valueOver('{"currentUsage":8,"usagePeriodEnd":1,"budget":{"left":4},"sidecar":{"updatedAt":1}}')).toEqual({
      ...plain,
      budget: { left: 4 },
    });
  });

  it("takes the place of the older spelling of its period's end", () => {
    expect(valueOver('{"currentUsage":8,"nextResetDate":1}')).toEqual(plain);
  });

  it.each(["not JSON", "[1]", "7", "null"])("overwrites what is no usage: %s", (previous) =>
    expect(valueOver(previous)).toEqual(plain),
  );
});
