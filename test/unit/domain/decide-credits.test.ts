import { describe, expect, it } from "@jest/globals";
import type { AccessDeniedReason } from "../../../src/domain/decision/access-denied-reason.js";
import { decideCredit } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import type { DecisionTrace, RuleOutcome } from "../../../src/domain/decision/decision.js";
import { creditQuery, featureQuery } from "../../builders/queries.js";
import { boolean, enumerated, metered, numeric, stateWith, wallet, type WalletTerms } from "../../builders/states.js";

const NOW = Date.UTC(2026, 2, 10);

describe("rule 11: a wallet of 100 credits", () => {
  const rows: { terms: WalletTerms; requested?: number; reason?: AccessDeniedReason; remaining: number }[] = [
    { terms: { used: 0 }, remaining: 100 },
    { terms: { used: 0 }, requested: 100, remaining: 100 },
    { terms: { used: 0 }, requested: 100.5, reason: "InsufficientCredits", remaining: 100 },
    { terms: { used: 99.5 }, remaining: 0.5 },
    { terms: { used: 99.5 }, requested: 0.5, remaining: 0.5 },
    { terms: { used: 99.5 }, requested: 1, reason: "InsufficientCredits", remaining: 0.5 },
    { terms: { used: 100 }, reason: "InsufficientCredits", remaining: 0 },
    { terms: { used: 100 }, requested: 0, remaining: 0 },
    // Less than nothing is nothing, and with nothing left nothing is granted.
    { terms: { used: 100 }, requested: -1, reason: "InsufficientCredits", remaining: 0 },
    { terms: { used: 99.5 }, requested: -1, remaining: 0.5 },
    { terms: { used: 0 }, requested: NaN, reason: "InsufficientCredits", remaining: 100 },
    { terms: { used: 0 }, requested: Infinity, reason: "InsufficientCredits", remaining: 100 },
    { terms: { used: 0 }, requested: -Infinity, remaining: 100 },
    { terms: { used: 99.9 }, requested: 0.1, remaining: 0.1 },
    { terms: { used: 0.1, usageLimit: 0.3 }, requested: 0.2, remaining: 0.2 },
    { terms: { used: 130 }, reason: "InsufficientCredits", remaining: 0 },
    { terms: { used: 130 }, requested: 0, reason: "InsufficientCredits", remaining: 0 },
    { terms: { used: 130 }, requested: -30, reason: "InsufficientCredits", remaining: 0 },
    { terms: { usageLimit: 0 }, reason: "InsufficientCredits", remaining: 0 },
    { terms: { used: 130, hasSoftLimit: true }, remaining: -30 },
    { terms: { used: 130, hasSoftLimit: true }, requested: 1000, remaining: -30 },
    { terms: { used: 0, accessDeniedReason: "Revoked" }, reason: "Revoked", remaining: 100 },
    { terms: { used: 0, hasSoftLimit: true, accessDeniedReason: "Revoked" }, reason: "Revoked", remaining: 100 },
    { terms: { used: 130, accessDeniedReason: "CustomerIsArchived" }, reason: "CustomerIsArchived", remaining: 0 },
    // The exception to rule 4 is a feature's: a wallet that was told to be denied is.
    { terms: { used: 0, accessDeniedReason: "InsufficientCredits" }, reason: "InsufficientCredits", remaining: 100 },
  ];

  it.each(rows)("$terms, requested $requested: $reason, $remaining left", ({ terms, requested, reason, remaining }) => {
    const decision = decideCredit(
      stateWith([], { credits: [wallet(terms)] }),
      creditQuery("credits", { requestedUsage: requested }),
    );
    expect(decision).toMatchObject({
      hasAccess: reason === undefined,
      accessDeniedReason: reason,
      remaining,
      usage: { currentUsage: terms.used ?? 0 },
      fallback: undefined,
    });
  });
});

describe("the explanation of a wallet's check", () => {
  const found: RuleOutcome = {
    rule: "entitlement",
    holds: true,
    saw: { currencyId: "credits", stateReason: undefined },
  };
  const saw = { currencyId: "credits", granted: 100, used: 130, left: 0, hasSoftLimit: false, requested: 1 };
  const notThere: RuleOutcome = {
    rule: "entitlement",
    holds: false,
    saw: { currencyId: "other", stateReason: undefined },
  };

  it.each<[what: string, currencyId: string, terms: WalletTerms, rules: DecisionTrace]>([
    ["that pays", "credits", { used: 30 }, [found, ownReason(undefined), walletRule({ ...saw, used: 30, left: 70 })]],
    [
      "that does not pay",
      "credits",
      { used: 130 },
      [found, ownReason(undefined), { ...walletRule(saw), holds: false }],
    ],
    ["that was told to be denied", "credits", { accessDeniedReason: "Revoked" }, [found, ownReason("Revoked")]],
    ["that is not there", "other", {}, [notThere, { rule: "readable", holds: true, saw: {} }]],
  ])("%s names each rule, and what it saw", (_, currencyId, terms, rules) => {
    const trace: DecisionTrace = [];
    decideCredit(stateWith([], { credits: [wallet(terms)] }), creditQuery(currencyId, { requestedUsage: 1 }), trace);
    expect(trace).toEqual(rules);
  });

  it("that could not be read says so", () => {
    const state = stateWith([], { credits: [], unknown: [{ type: "credit", id: "credits" }] });
    const trace: DecisionTrace = [];
    decideCredit(state, creditQuery("credits"), trace);
    expect(trace.map(({ rule, holds }) => [rule, holds])).toEqual([
      ["entitlement", false],
      ["readable", false],
    ]);
  });

  function ownReason(reason: AccessDeniedReason | undefined): RuleOutcome {
    return { rule: "own-reason", holds: reason === undefined, saw: { reason } };
  }

  function walletRule(of: typeof saw): RuleOutcome {
    return { rule: "wallet", holds: true, saw: of };
  }
});

interface BackedRow {
  readonly wallet?: WalletTerms;
  readonly rate?: number;
  readonly own?: AccessDeniedReason;
  readonly requested?: number;
  readonly reason?: AccessDeniedReason;
}

describe("rule 10: a feature that costs 2 credits a unit", () => {
  const rows: BackedRow[] = [
    { wallet: { used: 0 } },
    { wallet: { used: 0 }, requested: 50 },
    { wallet: { used: 0 }, requested: 51, reason: "InsufficientCredits" },
    { wallet: { used: 96 }, requested: 2 },
    { wallet: { used: 96 }, requested: 2.5, reason: "InsufficientCredits" },
    { wallet: { used: 99 }, requested: 1, reason: "InsufficientCredits" },
    { wallet: { used: 99 } },
    { wallet: { used: 100 }, reason: "InsufficientCredits" },
    { wallet: { used: 100 }, requested: 0 },
    { wallet: { used: 100 }, requested: -1, reason: "InsufficientCredits" },
    { wallet: { used: 99.7 }, rate: 0.1, requested: 3 },
    { wallet: { used: 99.7 }, rate: 0.1, requested: 3.1, reason: "InsufficientCredits" },
    { wallet: { used: 120 }, requested: 0, reason: "InsufficientCredits" },
    { wallet: { used: 120, hasSoftLimit: true }, requested: 1000 },
    { wallet: { used: 120, hasSoftLimit: true } },
    { wallet: { used: 99.5 }, rate: 0.5, requested: 1 },
    { wallet: { used: 99.5 }, rate: 0.5, requested: 1.5, reason: "InsufficientCredits" },
    { wallet: { used: 100 }, rate: 0, requested: 5 },
    // Without the cached wallet, there is nothing to judge by.
    { requested: 1000 },
    { own: "InsufficientCredits", reason: "InsufficientCredits" },
    { wallet: { currencyId: "other", used: 100 }, requested: 5 },
    { wallet: { currencyId: "other" }, own: "InsufficientCredits", reason: "InsufficientCredits" },
    // The one exception to rule 4.
    { wallet: { used: 0 }, own: "InsufficientCredits" },
    { wallet: { used: 0 }, own: "InsufficientCredits", requested: 50 },
    { wallet: { used: 0 }, own: "InsufficientCredits", requested: 51, reason: "InsufficientCredits" },
    { wallet: { used: 100 }, own: "InsufficientCredits", reason: "InsufficientCredits" },
    { wallet: { used: 120, hasSoftLimit: true }, own: "InsufficientCredits" },
    // No other reason is judged again.
    { wallet: { used: 0 }, own: "BudgetExceeded", reason: "BudgetExceeded" },
    { wallet: { used: 0 }, own: "RequestedUsageExceedingLimit", reason: "RequestedUsageExceedingLimit" },
  ];
  const bothKinds = rows.flatMap((row) => (["boolean", "metered"] as const).map((kind) => ({ ...row, kind })));

  it.each(bothKinds)(
    "$kind, own $own, wallet $wallet, requested $requested: $reason",
    ({ kind, wallet: terms, rate = 2, own, requested, reason }) => {
      const part = { id: "tokens", accessDeniedReason: own, creditRate: { amount: rate, currencyId: "credits" } };
      const feature = kind === "boolean" ? boolean(part) : metered({ ...part, usageLimit: 1e6, used: 0 });
      const state = stateWith([feature], { credits: terms === undefined ? [] : [wallet(terms)] });
      const decision = decideFeature(state, featureQuery("tokens", { kind, requestedUsage: requested }), NOW);
      expect(decision).toMatchObject({
        hasAccess: reason === undefined,
        accessDeniedReason: reason,
        fallback: undefined,
      });
    },
  );

  it("stays InsufficientCredits without a credit rate", () => {
    const state = stateWith([boolean({ accessDeniedReason: "InsufficientCredits" })], { credits: [wallet()] });
    expect(decideFeature(state, featureQuery("sso"), NOW).accessDeniedReason).toBe("InsufficientCredits");
  });

  it.each([enumerated, numeric])("stays InsufficientCredits for a kind that draws on no wallet", (kind) => {
    const entitlement = kind({
      id: "f",
      accessDeniedReason: "InsufficientCredits",
      creditRate: { amount: 2, currencyId: "credits" },
    });
    const state = stateWith([entitlement], { credits: [wallet()] });
    expect(decideFeature(state, featureQuery("f"), NOW).accessDeniedReason).toBe("InsufficientCredits");
  });

  it("judged again, still is held to the limit of its kind", () => {
    const entitlement = metered({
      accessDeniedReason: "InsufficientCredits",
      creditRate: { amount: 2, currencyId: "credits" },
    });
    const state = stateWith([entitlement], { credits: [wallet()] });
    expect(decideFeature(state, featureQuery("seats", { requestedUsage: 3 }), NOW).accessDeniedReason).toBe(
      "RequestedUsageExceedingLimit",
    );
  });

  it("is judged by the wallet's usage, which moves on its own", () => {
    const state = stateWith([boolean({ creditRate: { amount: 2, currencyId: "credits" } })], { credits: [wallet()] });
    const spent = state.withUsages({ credits: new Map([["credits", { currentUsage: 99 }]]) });
    expect(decideFeature(state, featureQuery("sso", { requestedUsage: 1 }), NOW).hasAccess).toBe(true);
    expect(decideFeature(spent, featureQuery("sso", { requestedUsage: 1 }), NOW).accessDeniedReason).toBe(
      "InsufficientCredits",
    );
  });

  it.each<AccessDeniedReason>(["Revoked", "CustomerIsArchived"])(
    "cannot be paid from a wallet that is denied as %s",
    (reason) => {
      const state = stateWith([boolean({ creditRate: { amount: 2, currencyId: "credits" } })], {
        credits: [wallet({ accessDeniedReason: reason, hasSoftLimit: true })],
      });
      expect(decideFeature(state, featureQuery("sso", { requestedUsage: 1 }), NOW).accessDeniedReason).toBe(
        "InsufficientCredits",
      );
    },
  );
});
