import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  decodeEvent,
  ENTITLEMENTS_UPDATED,
  PACKAGE_PUBLISHED,
  type Subscription,
  SUBSCRIPTIONS,
  USAGE_UPDATED,
} from "../../../../src/adapters/stream/subscriptions.js";

function decode(subscription: Subscription, result: unknown) {
  const faults: string[] = [];
  const change = decodeEvent(subscription, result, ({ message }) => faults.push(message));
  return { change, faults };
}

const sso = { feature: { refId: "sso", featureType: "BOOLEAN" } };
const entitlements = (payload: unknown) => decode(ENTITLEMENTS_UPDATED, { data: { entitlementsUpdatedV2: payload } });
const usage = (payload: unknown) => decode(USAGE_UPDATED, { data: { usageUpdatedV2: payload } });
const published = (payload: unknown) => decode(PACKAGE_PUBLISHED, { data: { packagePublished: payload } });

describe("entitlements updated", () => {
  it("is the new state of its subject", () => {
    const { change, faults } = entitlements({
      customerId: "c",
      resourceId: "r",
      accessDeniedReason: null,
      entitlements: [sso],
    });
    expect(faults).toEqual([]);
    expect(change).toMatchObject({
      type: "entitlements-updated",
      subject: { customerId: "c", resourceId: "r" },
      state: { featureCount: 1 },
    });
  });

  it("may be empty, with or without a reason", () => {
    const empty = entitlements({ customerId: "c", entitlements: [] }).change;
    expect(empty).toMatchObject({
      type: "entitlements-updated",
      state: { featureCount: 0, accessDeniedReason: undefined },
    });
    const explained = entitlements({
      customerId: "c",
      entitlements: null,
      accessDeniedReason: "CustomerIsArchived",
    }).change;
    expect(explained).toMatchObject({
      type: "entitlements-updated",
      state: { accessDeniedReason: "CustomerIsArchived" },
    });
  });

  it("keeps what is right of it where an entitlement is wrong", () => {
    const { change, faults } = entitlements({ customerId: "c", entitlements: [null, sso] });
    expect(change).toMatchObject({ type: "entitlements-updated", state: { featureCount: 1 } });
    expect(faults).toHaveLength(1);
  });
});

describe("usage updated", () => {
  const reported = {
    customerId: "c",
    resourceId: null,
    entitlementReference: { id: "seats", type: "FEATURE" },
    usage: { currentUsage: 3, usageUpdatedAt: "2026-01-02T00:00:00Z", usagePeriodStart: 1, usagePeriodEnd: 2 },
  };

  it.each([
    ["FEATURE", "feature"],
    ["CREDIT", "credit"],
  ])("of a %s is the usage of that %s", (type, of) => {
    const { change, faults } = usage({ ...reported, entitlementReference: { id: "seats", type } });
    expect(faults).toEqual([]);
    expect(change).toEqual({
      type: "usage-updated",
      subject: { customerId: "c", resourceId: undefined },
      entitlement: { type: of, id: "seats" },
      usage: { currentUsage: 3, periodStart: 1, periodEnd: 2, updatedAt: Date.UTC(2026, 0, 2) },
    });
  });

  it.each([
    ["no usage", { ...reported, usage: null }],
    ["no number", { ...reported, usage: { currentUsage: null } }],
    ["no reference", { ...reported, entitlementReference: null }],
    ["a reference to something else", { ...reported, entitlementReference: { id: "x", type: "PLAN" } }],
  ])("with %s marks its subject stale, and is reported", (_, payload) => {
    const { change, faults } = usage(payload);
    expect(change).toEqual({ type: "subject-invalidated", subject: { customerId: "c", resourceId: undefined } });
    expect(faults).toHaveLength(1);
  });
});

describe("package published", () => {
  it.each(["ALL_CUSTOMERS", "NEW_CUSTOMERS"])("for %s is that", (migration) => {
    expect(published({ migrationType: migration })).toEqual({
      change: { type: "package-published", migration },
      faults: [],
    });
  });

  it.each([[null], [{}], [{ migrationType: "SOME_CUSTOMERS" }]])(
    "as %j marks everything stale, and is reported",
    (payload) => {
      const { change, faults } = published(payload);
      expect(change).toEqual({ type: "package-published", migration: "ALL_CUSTOMERS" });
      expect(faults).toHaveLength(1);
    },
  );
});

describe("an event that cannot be read", () => {
  it.each<[what: string, payload: unknown, subject: object | undefined]>([
    ["a null list", { customerId: "c", entitlements: null }, { customerId: "c", resourceId: undefined }],
    [
      "a null list of who has no subscription",
      { customerId: "c", accessDeniedReason: "NoActiveSubscription", entitlements: null },
      { customerId: "c", resourceId: undefined },
    ],
    [
      "a null list of a resource",
      { customerId: "c", resourceId: "r", entitlements: null },
      { customerId: "c", resourceId: "r" },
    ],
    [
      "a resource that is none",
      { customerId: "c", resourceId: 5, entitlements: [] },
      { customerId: "c", resourceId: undefined },
    ],
    [
      "entitlements of which none is valid",
      { customerId: "c", entitlements: [{}] },
      { customerId: "c", resourceId: undefined },
    ],
    ["a null payload", null, undefined],
    ["no customer", { entitlements: [sso] }, undefined],
    ["a customer that is none", { customerId: 5, entitlements: [sso] }, undefined],
  ])("for %s says who has to be asked for again, where it names someone", (_, payload, subject) => {
    const { change, faults } = entitlements(payload);
    expect(change).toEqual(subject === undefined ? undefined : { type: "subject-invalidated", subject });
    expect(faults).toHaveLength(1);
  });

  it.each([[null], [undefined], [{}], [{ data: null, errors: [{ message: "resolver failed" }] }], ["text"]])(
    "%j is reported",
    (result) => {
      const { change, faults } = decode(ENTITLEMENTS_UPDATED, result);
      expect(change).toBeUndefined();
      expect(faults).toHaveLength(1);
    },
  );

  it("is never thrown, whatever it is, and is read or told", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SUBSCRIPTIONS), fc.jsonValue(), (subscription, payload) => {
        const { change, faults } = decode(subscription, { data: { [subscription.field]: payload } });
        expect(change !== undefined || faults.length > 0).toBe(true);
      }),
    );
  });
});
