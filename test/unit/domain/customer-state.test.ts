import { describe, expect, it } from "@jest/globals";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { isEmptyState } from "../../../src/domain/customer-state.js";
import {
  ACCESS_DENIED_REASONS,
  parseAccessDeniedReason,
  saysEntityIsMissing,
} from "../../../src/domain/decision/access-denied-reason.js";
import { CodedError, ERROR_CODES, errorCodeOf } from "../../../src/domain/errors.js";
import { sameSubject } from "../../../src/domain/subject.js";
import { withDefaultTimestamps } from "../../../src/domain/with-default-timestamps.js";
import { boolean, contentsOf, emptyState, metered, stateWith, wallet } from "../../builders/states.js";

describe("a state", () => {
  it("reads what is left out as none, false or empty", () => {
    expect(stateWith([boolean()]).feature("sso")).toEqual({
      feature: { id: "sso", featureType: "BOOLEAN" },
      kind: "boolean",
      usageLimit: undefined,
      hasUnlimitedUsage: false,
      hasSoftLimit: false,
      enumValues: [],
      accessDeniedReason: undefined,
      validUntil: undefined,
      creditRate: undefined,
      resetPeriod: undefined,
      resetPeriodConfiguration: undefined,
    });
  });

  it("has no timestamp of its own while it is empty", () => {
    expect(buildCustomerState({ updatedAt: 5, accessDeniedReason: "CustomerNotFound" }).updatedAt).toBeUndefined();
    expect(stateWith([boolean()], { updatedAt: 5 }).updatedAt).toBe(5);
    expect(stateWith([], { updatedAt: 5, credits: [wallet()] }).updatedAt).toBe(5);
  });

  it.each([
    { state: emptyState(), isEmpty: true },
    { state: emptyState("NoActiveSubscription"), isEmpty: true },
    { state: stateWith([boolean()]), isEmpty: false },
    { state: stateWith([], { credits: [wallet()], accessDeniedReason: "NoActiveSubscription" }), isEmpty: false },
  ])("is empty without features and wallets alone ($isEmpty)", ({ state, isEmpty }) => {
    expect(isEmptyState(state)).toBe(isEmpty);
  });

  it.each([
    { terms: {}, tells: true },
    { terms: { includesWallets: false }, tells: false },
    { terms: { includesWallets: false, credits: [wallet()] }, tells: true },
  ])("tells of wallets unless it is said that it does not, and wherever it has one ($tells)", ({ terms, tells }) => {
    const state = stateWith([metered()], terms);
    expect(state.includesWallets).toBe(tells);
    expect(state.withUsages({ features: new Map([["seats", { currentUsage: 9 }]]) }).includesWallets).toBe(tells);
    expect(withDefaultTimestamps(state, 5).includesWallets).toBe(tells);
  });

  it.each([
    { ends: [undefined, undefined], until: Infinity },
    { ends: [20, 10], until: 10 },
    { ends: [undefined, 30], until: 30 },
    { ends: [0, 30], until: 0 },
  ])("is valid until the first of its entitlements ends ($ends)", ({ ends: [feature, credit], until }) => {
    expect(
      stateWith([boolean({ validUntil: feature }), metered()], { credits: [wallet({ validUntil: credit })] })
        .validUntil,
    ).toBe(until);
  });

  it("takes the last of two entitlements of one id", () => {
    const state = stateWith([metered({ usageLimit: 1, used: 1 }), metered({ usageLimit: 2, used: 2 })]);
    expect({
      count: state.featureCount,
      limit: state.feature("seats")?.usageLimit,
      used: state.featureUsage("seats").currentUsage,
    }).toEqual({
      count: 1,
      limit: 2,
      used: 2,
    });
  });

  it.each(["__proto__", "constructor", "", " ", "a:b", "é\u0000"])("takes any id as it is (%j)", (id) => {
    const state = stateWith([metered({ id })]);
    expect(state.feature(id)?.feature.id).toBe(id);
    expect(emptyState().feature(id)).toBeUndefined();
    expect(emptyState().featureUsage(id)).toEqual({ currentUsage: 0 });
  });

  it("given other usages is another state, and takes no usage of what it does not have", () => {
    const state = stateWith([metered()]);
    const before = contentsOf(state);
    const after = state.withUsages({
      features: new Map([
        ["seats", { currentUsage: 9 }],
        ["other", { currentUsage: 1 }],
      ]),
    });
    expect(contentsOf(state)).toEqual(before);
    expect(after.featureUsage("seats")).toEqual({ currentUsage: 9 });
    expect(after.featureUsage("other")).toEqual({ currentUsage: 0 });
  });
});

describe("a reason as an upstream spells it", () => {
  it.each(ACCESS_DENIED_REASONS)("%s is read as it is", (reason) => {
    expect(parseAccessDeniedReason(reason)).toBe(reason);
  });

  it.each([null, undefined, ""])("%j means not denied", (text) => {
    expect(parseAccessDeniedReason(text)).toBeUndefined();
  });

  it.each(["InventedTomorrow", "revoked", "toString"])("%s, which is not known, still denies", (text) => {
    expect(parseAccessDeniedReason(text)).toBe("Unknown");
  });

  it("says of which the customer or the resource is missing", () => {
    expect(ACCESS_DENIED_REASONS.filter(saysEntityIsMissing)).toEqual(["CustomerNotFound", "CustomerResourceNotFound"]);
    expect(saysEntityIsMissing(undefined)).toBe(false);
  });
});

describe("two subjects", () => {
  it.each([
    [{ customerId: "a" }, { customerId: "a" }, true],
    [{ customerId: "a" }, { customerId: "a", resourceId: undefined }, true],
    [{ customerId: "a", resourceId: "r" }, { customerId: "a", resourceId: "r" }, true],
    [{ customerId: "a" }, { customerId: "a", resourceId: "" }, false],
    [{ customerId: "a", resourceId: "r" }, { customerId: "b", resourceId: "r" }, false],
    [{ customerId: "a:b", resourceId: "c" }, { customerId: "a", resourceId: "b:c" }, false],
  ])("%j and %j are the same: %s", (a, b, same) => {
    expect(sameSubject(a, b)).toBe(same);
  });
});

describe("the code of what was thrown", () => {
  it.each(ERROR_CODES)("is %s where it was given", (code) => {
    expect(errorCodeOf(new CodedError(code, "why"))).toBe(code);
  });

  it.each([new Error("boom"), "boom", undefined, { code: "not-found" }])("is internal for anything else", (thrown) => {
    expect(errorCodeOf(thrown)).toBe("internal");
  });
});
