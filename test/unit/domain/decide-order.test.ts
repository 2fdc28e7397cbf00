import { describe, expect, it } from "@jest/globals";
import type { CreditEntitlementInput, FeatureEntitlementInput } from "../../../src/domain/build-customer-state.js";
import type { AccessDeniedReason } from "../../../src/domain/decision/access-denied-reason.js";
import { decideCredit } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import type { FeatureQuery } from "../../../src/domain/decision/decision.js";
import { creditQuery, featureQuery } from "../../builders/queries.js";
import { boolean, emptyState, enumerated, metered, numeric, stateWith, wallet } from "../../builders/states.js";

const NOW = Date.UTC(2026, 2, 10);
const GRANTING = { hasAccess: true, usageLimit: 7 };

type Given = readonly [
  features: readonly FeatureEntitlementInput[],
  rest?: { readonly credits?: readonly CreditEntitlementInput[]; readonly accessDeniedReason?: AccessDeniedReason },
];

interface Row {
  readonly rule: string;
  readonly given: Given;
  readonly asked: FeatureQuery;
  readonly reason: AccessDeniedReason | undefined;
}

const rate = { amount: 2, currencyId: "credits" };
const empty = wallet({ used: 100 });

describe("the first rule that applies decides a feature", () => {
  const rows: Row[] = [
    {
      rule: "1: unknown, the state says why",
      given: [[], { accessDeniedReason: "CustomerNotFound" }],
      asked: featureQuery("x"),
      reason: "CustomerNotFound",
    },
    {
      rule: "1: unknown beside known ones, the state says why",
      given: [[boolean()], { accessDeniedReason: "NoActiveSubscription" }],
      asked: featureQuery("x"),
      reason: "NoActiveSubscription",
    },
    {
      rule: "1: a customer with credits and no active subscription",
      given: [[], { credits: [wallet()], accessDeniedReason: "NoActiveSubscription" }],
      asked: featureQuery("x"),
      reason: "NoActiveSubscription",
    },
    {
      rule: "1 before 3: an unknown feature has no kind to mismatch",
      given: [[], { accessDeniedReason: "CustomerIsArchived" }],
      asked: featureQuery("x", { kind: "metered", fallback: GRANTING }),
      reason: "CustomerIsArchived",
    },
    {
      rule: "1 only for the unknown: the state's reason does not deny a known feature",
      given: [[boolean()], { accessDeniedReason: "NoActiveSubscription" }],
      asked: featureQuery("sso"),
      reason: undefined,
    },
    {
      rule: "2: unknown, the state says nothing",
      given: [[boolean()]],
      asked: featureQuery("x"),
      reason: "NoFeatureEntitlementInSubscription",
    },
    {
      rule: "2: an empty state that says nothing",
      given: [[]],
      asked: featureQuery("x"),
      reason: "NoFeatureEntitlementInSubscription",
    },
    {
      rule: "2 ignores an explicit fallback in typed calls",
      given: [[]],
      asked: featureQuery("x", { kind: "boolean", fallback: GRANTING }),
      reason: "NoFeatureEntitlementInSubscription",
    },
    {
      rule: "2: a wallet of that id is not a feature",
      given: [[], { credits: [wallet({ currencyId: "x" })] }],
      asked: featureQuery("x"),
      reason: "NoFeatureEntitlementInSubscription",
    },
    {
      rule: "4 before 5",
      given: [[boolean({ accessDeniedReason: "Revoked" })]],
      asked: featureQuery("sso"),
      reason: "Revoked",
    },
    {
      rule: "4 before 6: granted values",
      given: [[enumerated({ accessDeniedReason: "Revoked" })]],
      asked: featureQuery("regions", { requestedValues: ["a"] }),
      reason: "Revoked",
    },
    {
      rule: "4 before 6: refused values",
      given: [[enumerated({ accessDeniedReason: "FeatureNotFound" })]],
      asked: featureQuery("regions", { requestedValues: ["c"] }),
      reason: "FeatureNotFound",
    },
    {
      rule: "4 before 7",
      given: [[numeric({ accessDeniedReason: "NoActiveSubscription", usageLimit: 5 })]],
      asked: featureQuery("retention-days"),
      reason: "NoActiveSubscription",
    },
    {
      rule: "4 before 8: unlimited",
      given: [[metered({ accessDeniedReason: "BudgetExceeded", hasUnlimitedUsage: true })]],
      asked: featureQuery("seats"),
      reason: "BudgetExceeded",
    },
    {
      rule: "4 before 8: soft limit",
      given: [[metered({ accessDeniedReason: "CustomerIsArchived", hasSoftLimit: true })]],
      asked: featureQuery("seats"),
      reason: "CustomerIsArchived",
    },
    {
      rule: "4 before 9: within the limit",
      given: [[metered({ accessDeniedReason: "Unknown" })]],
      asked: featureQuery("seats", { requestedUsage: 1 }),
      reason: "Unknown",
    },
    {
      rule: "4 before 9: beyond the limit",
      given: [[metered({ accessDeniedReason: "Revoked" })]],
      asked: featureQuery("seats", { requestedUsage: 5 }),
      reason: "Revoked",
    },
    {
      rule: "4 before 10: a rich wallet does not lift it",
      given: [[metered({ accessDeniedReason: "Revoked", creditRate: rate })], { credits: [wallet()] }],
      asked: featureQuery("seats"),
      reason: "Revoked",
    },
    {
      rule: "4 before 10: a poor wallet does not replace it",
      given: [[boolean({ accessDeniedReason: "Revoked", creditRate: rate })], { credits: [empty] }],
      asked: featureQuery("sso"),
      reason: "Revoked",
    },
    {
      rule: "8 before 9",
      given: [[metered({ hasSoftLimit: true, used: 99 })]],
      asked: featureQuery("seats", { requestedUsage: 99 }),
      reason: undefined,
    },
    {
      rule: "9 before 10: both would deny",
      given: [[metered({ creditRate: rate, used: 10 })], { credits: [empty] }],
      asked: featureQuery("seats", { requestedUsage: 1 }),
      reason: "RequestedUsageExceedingLimit",
    },
    {
      rule: "8, then 10: unlimited use still has to be paid",
      given: [[metered({ creditRate: rate, hasUnlimitedUsage: true })], { credits: [empty] }],
      asked: featureQuery("seats", { requestedUsage: 1 }),
      reason: "InsufficientCredits",
    },
    {
      rule: "5, then 10: a switch still has to be paid",
      given: [[boolean({ creditRate: rate })], { credits: [empty] }],
      asked: featureQuery("sso"),
      reason: "InsufficientCredits",
    },
    {
      rule: "6 without 10: values are not paid for",
      given: [[enumerated({ creditRate: rate })], { credits: [empty] }],
      asked: featureQuery("regions", { requestedValues: ["a"] }),
      reason: undefined,
    },
    {
      rule: "7 without 10: a configured number is not paid for",
      given: [[numeric({ creditRate: rate })], { credits: [empty] }],
      asked: featureQuery("retention-days", { requestedUsage: 9 }),
      reason: undefined,
    },
  ];

  it.each(rows)("rule $rule", ({ given: [features, rest], asked, reason }) => {
    const decision = decideFeature(stateWith(features, rest), asked, NOW);
    expect({ hasAccess: decision.hasAccess, reason: decision.accessDeniedReason, fallback: decision.fallback }).toEqual(
      {
        hasAccess: reason === undefined,
        reason,
        fallback: undefined,
      },
    );
  });
});

describe("rule 3: a typed call that asks for another kind", () => {
  const known = { boolean: boolean(), enum: enumerated(), numeric: numeric(), metered: metered() } as const;
  const kinds = ["boolean", "enum", "numeric", "metered"] as const;
  const pairs = kinds.flatMap((kind) => kinds.map((asked) => ({ kind, asked })));

  it.each(pairs.filter(({ kind, asked }) => kind !== asked))(
    "$asked asked of a $kind feature answers the caller's fallback",
    ({ kind, asked }) => {
      const state = stateWith([known[kind]]);
      const id = known[kind].feature.id;
      const granted = decideFeature(state, featureQuery(id, { kind: asked, fallback: GRANTING }), NOW);
      expect(granted).toEqual({
        hasAccess: true,
        accessDeniedReason: "FeatureTypeMismatch",
        entitlement: undefined,
        usage: undefined,
        fallback: GRANTING,
      });
      const denied = decideFeature(state, featureQuery(id, { kind: asked, fallback: { hasAccess: false } }), NOW);
      expect(denied).toMatchObject({
        hasAccess: false,
        accessDeniedReason: "FeatureTypeMismatch",
        fallback: { hasAccess: false },
      });
    },
  );

  it.each(pairs.filter(({ kind, asked }) => kind === asked))(
    "$asked asked of a $kind feature is no mismatch",
    ({ kind, asked }) => {
      const decision = decideFeature(
        stateWith([known[kind]]),
        featureQuery(known[kind].feature.id, { kind: asked, fallback: GRANTING }),
        NOW,
      );
      expect(decision).toMatchObject({ hasAccess: true, accessDeniedReason: undefined, fallback: undefined });
    },
  );

  it.each(kinds)("a call that asks for no kind takes a %s feature as it is", (kind) => {
    const decision = decideFeature(
      stateWith([known[kind]]),
      featureQuery(known[kind].feature.id, { fallback: GRANTING }),
      NOW,
    );
    expect(decision).toMatchObject({ hasAccess: true, fallback: undefined });
  });

  it("goes before the feature's own reason", () => {
    const state = stateWith([metered({ accessDeniedReason: "Revoked" })]);
    expect(decideFeature(state, featureQuery("seats", { kind: "boolean", fallback: GRANTING }), NOW)).toMatchObject({
      hasAccess: true,
      accessDeniedReason: "FeatureTypeMismatch",
    });
  });

  it("goes before the rules of its kind", () => {
    const state = stateWith([metered({ used: 99 })]);
    expect(decideFeature(state, featureQuery("seats", { kind: "numeric" }), NOW).accessDeniedReason).toBe(
      "FeatureTypeMismatch",
    );
  });
});

describe("an unknown wallet", () => {
  it("rule 1: the state says why", () => {
    expect(decideCredit(emptyState("NoActiveSubscription"), creditQuery("credits", { fallback: GRANTING }))).toEqual({
      hasAccess: false,
      accessDeniedReason: "NoActiveSubscription",
      entitlement: undefined,
      usage: undefined,
      remaining: 0,
      fallback: undefined,
    });
  });

  it("rule 2: the state says nothing", () => {
    expect(decideCredit(stateWith([boolean({ id: "credits" })]), creditQuery("credits"))).toMatchObject({
      hasAccess: false,
      accessDeniedReason: "EntitlementNotFound",
      fallback: undefined,
    });
  });

  it("the state's reason does not deny a known wallet", () => {
    const state = stateWith([], { credits: [wallet()], accessDeniedReason: "NoActiveSubscription" });
    expect(decideCredit(state, creditQuery("credits")).hasAccess).toBe(true);
  });
});
