import { describe, expect, it } from "@jest/globals";
import { decideCreditWithoutState } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../src/domain/decision/decide-feature.js";
import {
  DENY_FALLBACK,
  type FallbackHints,
  type FallbackValues,
  kindOfFallback,
  NO_CONFIGURED_FALLBACKS,
  resolveFallback,
} from "../../../src/domain/decision/fallback.js";
import type { FeatureKind } from "../../../src/domain/feature.js";
import { configured, creditQuery, featureQuery } from "../../builders/queries.js";
import { boolean, emptyState, metered, stateWith } from "../../builders/states.js";

const OWN: FallbackValues = { hasAccess: true, usageLimit: 3 };
const CONFIGURED: FallbackValues = { hasAccess: true, usageLimit: 5, isUnlimited: true };
const OF_SEATS = configured({ seats: CONFIGURED });

describe("while no state can be had, a check of a feature", () => {
  it.each([
    { when: "the request brings a fallback", own: OWN, by: OF_SEATS, answers: OWN },
    { when: "the request brings one that denies", own: DENY_FALLBACK, by: OF_SEATS, answers: DENY_FALLBACK },
    { when: "only the configuration has one", own: undefined, by: OF_SEATS, answers: CONFIGURED },
    {
      when: "the configuration has one for another feature",
      own: undefined,
      by: configured({ other: CONFIGURED }),
      answers: DENY_FALLBACK,
    },
    { when: "nobody has one", own: undefined, by: NO_CONFIGURED_FALLBACKS, answers: DENY_FALLBACK },
  ])("answers for the reason Unknown, where $when", ({ own, by, answers }) => {
    for (const kind of [undefined, "metered", "boolean"] as const) {
      expect(decideFeatureWithoutState(featureQuery("seats", { kind, fallback: own }), by)).toEqual({
        hasAccess: answers.hasAccess,
        accessDeniedReason: "Unknown",
        entitlement: undefined,
        usage: undefined,
        fallback: answers,
      });
    }
  });

  it("takes the request's fallback whole: the configured one adds nothing to it", () => {
    expect(resolveFallback(OWN, CONFIGURED)).toBe(OWN);
  });
});

describe("while no state can be had, a check of a wallet", () => {
  it("answers from the request's fallback", () => {
    expect(decideCreditWithoutState(creditQuery("credits", { fallback: { hasAccess: true } }))).toEqual({
      hasAccess: true,
      accessDeniedReason: "Unknown",
      entitlement: undefined,
      usage: undefined,
      remaining: 0,
      fallback: { hasAccess: true },
    });
  });

  it("is denied as Unknown without one", () => {
    expect(decideCreditWithoutState(creditQuery("credits"))).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "Unknown",
      fallback: DENY_FALLBACK,
    });
  });
});

describe("the untyped call on an unknown feature", () => {
  const unknown = featureQuery("seats", { fallbackWhenUnknown: true });

  it.each([
    {
      when: "the request brings a fallback",
      query: { ...unknown, fallback: OWN },
      by: NO_CONFIGURED_FALLBACKS,
      answers: OWN,
    },
    {
      when: "the request's wins over the configured one",
      query: { ...unknown, fallback: OWN },
      by: OF_SEATS,
      answers: OWN,
    },
    { when: "the configuration names the feature", query: unknown, by: OF_SEATS, answers: CONFIGURED },
  ])("answers the fallback where $when, also where the state has a reason", ({ query, by, answers }) => {
    for (const state of [emptyState(), emptyState("CustomerNotFound"), stateWith([boolean()])]) {
      expect(decideFeature(state, query, 0, by)).toMatchObject({
        hasAccess: true,
        accessDeniedReason: "Unknown",
        entitlement: undefined,
        fallback: answers,
      });
    }
  });

  it.each([
    { state: emptyState(), reason: "NoFeatureEntitlementInSubscription" },
    { state: emptyState("CustomerNotFound"), reason: "CustomerNotFound" },
  ])("says the true reason $reason where nobody has one", ({ state, reason }) => {
    expect(decideFeature(state, unknown, 0, configured({ other: CONFIGURED }))).toEqual({
      hasAccess: false,
      accessDeniedReason: reason,
      entitlement: undefined,
      usage: undefined,
      fallback: undefined,
    });
  });

  it("answers a known feature from the state, whatever fallbacks there are", () => {
    expect(
      decideFeature(stateWith([metered({ used: 10 })]), { ...unknown, requestedUsage: 1, fallback: OWN }, 0, OF_SEATS),
    ).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "RequestedUsageExceedingLimit",
      fallback: undefined,
    });
  });
});

describe("a typed call", () => {
  it("does not answer an unknown feature from the configured fallback either", () => {
    expect(decideFeature(emptyState(), featureQuery("seats", { kind: "metered" }), 0, OF_SEATS)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "NoFeatureEntitlementInSubscription",
      fallback: undefined,
    });
  });

  it.each([
    { when: "the configured one", own: undefined, answers: CONFIGURED },
    { when: "its own over the configured one", own: OWN, answers: OWN },
  ])("answers a mismatch of kinds from $when", ({ own, answers }) => {
    const decision = decideFeature(
      stateWith([metered()]),
      featureQuery("seats", { kind: "enum", fallback: own }),
      0,
      OF_SEATS,
    );
    expect(decision).toMatchObject({ hasAccess: true, accessDeniedReason: "FeatureTypeMismatch", fallback: answers });
  });

  it("is denied a mismatch of kinds where nobody has a fallback", () => {
    expect(decideFeature(stateWith([metered()]), featureQuery("seats", { kind: "enum" }), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "FeatureTypeMismatch",
      fallback: DENY_FALLBACK,
    });
  });
});

describe("the kind of a fallback for the untyped call", () => {
  const rows: [FallbackValues, FallbackHints, FeatureKind][] = [
    [{ hasAccess: true }, {}, "boolean"],
    [{ hasAccess: true }, { requestedValues: [] }, "boolean"],
    [{ hasAccess: true, isUnlimited: true }, {}, "boolean"],
    [{ hasAccess: true }, { requestedUsage: 1 }, "metered"],
    [{ hasAccess: true }, { requestedUsage: 0 }, "metered"],
    [{ hasAccess: true, usageLimit: 5 }, {}, "metered"],
    [{ hasAccess: true, usageLimit: 0 }, {}, "metered"],
    [{ hasAccess: true, usageLimit: 5, enumValues: ["a"], value: 1 }, { requestedValues: ["a"] }, "metered"],
    [{ hasAccess: true, enumValues: ["a"], value: 1 }, { requestedUsage: 1, requestedValues: ["a"] }, "metered"],
    [{ hasAccess: true }, { requestedValues: ["a"] }, "enum"],
    [{ hasAccess: true, enumValues: ["a"] }, {}, "enum"],
    [{ hasAccess: true, enumValues: ["a"], value: 1 }, {}, "enum"],
    [{ hasAccess: true, value: 1 }, {}, "numeric"],
    [{ hasAccess: true, value: 0 }, { requestedValues: [] }, "numeric"],
  ];

  it.each(rows)("%j with %j is %s", (values, hints, kind) => {
    expect(kindOfFallback(values, hints)).toBe(kind);
  });
});
