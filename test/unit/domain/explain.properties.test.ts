import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { AccessDeniedReason } from "../../../src/domain/decision/access-denied-reason.js";
import { decideCredit } from "../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import type { DecisionTrace, RuleName } from "../../../src/domain/decision/decision.js";
import { nearestIds } from "../../../src/domain/decision/nearest-ids.js";
import { creditQueries, fallbackValues, featureQueries, optional, states, times } from "../../builders/arbitraries.js";

const RUNS = { numRuns: 3_000 };

/** Which reasons a rule can deny with; undefined: the state's or the entitlement's own, whatever it is. */
const REASONS: Readonly<Record<RuleName, readonly AccessDeniedReason[] | undefined>> = {
  state: ["Unknown"],
  entitlement: undefined,
  readable: ["Unknown"],
  "unknown-feature-fallback": ["Unknown"],
  kind: ["FeatureTypeMismatch"],
  "own-reason": undefined,
  values: ["RequestedValuesMismatch"],
  limit: ["RequestedUsageExceedingLimit"],
  wallet: ["InsufficientCredits"],
  // Never of a state alone: see explain-decision.properties.test.ts.
  "failure-policy": [],
};

function deciding(trace: DecisionTrace) {
  return trace.find(({ rule, holds }) => !holds && rule !== "entitlement") ?? trace.find(({ holds }) => !holds);
}

describe("an explanation and a check never disagree", () => {
  it("of a feature: the decision is the same with and without a trace, and follows from its rules", () => {
    fc.assert(
      fc.property(states, featureQueries, times, optional(fallbackValues), (state, query, now, values) => {
        const fallbacks = { fallbackOf: () => values };
        const trace: DecisionTrace = [];
        const decision = decideFeature(state, query, now, fallbacks, trace);
        expect(decideFeature(state, query, now, fallbacks)).toEqual(decision);
        const failed = deciding(trace);
        if (decision.fallback === undefined) expect(decision.hasAccess).toBe(failed === undefined);
        else expect(failed).toBeDefined();
        if (failed !== undefined) {
          const possible = REASONS[failed.rule];
          if (possible !== undefined) expect(possible).toContain(decision.accessDeniedReason);
          if (failed.rule === "own-reason") expect(decision.accessDeniedReason).toBe(failed.saw["reason"]);
        }
        // Nothing is asked after the rule that decided.
        const first = trace.findIndex(({ rule, holds }) => !holds && rule !== "entitlement");
        if (first >= 0) expect(first).toBe(trace.length - 1);
      }),
      RUNS,
    );
  });

  it("of a wallet", () => {
    fc.assert(
      fc.property(states, creditQueries, (state, query) => {
        const trace: DecisionTrace = [];
        const decision = decideCredit(state, query, trace);
        expect(decideCredit(state, query)).toEqual(decision);
        if (decision.fallback === undefined) expect(decision.hasAccess).toBe(trace.every(({ holds }) => holds));
      }),
      RUNS,
    );
  });
});

describe("ids like one that is not known", () => {
  it.each([
    ["seast", ["seats", "sso"], ["seats"]],
    ["API_Calls", ["api-calls", "api-cells"], ["api-calls", "api-cells"]],
    ["seats", ["retention", "regions"], []],
    ["seats", ["seats"], []],
    ["x", [], []],
  ])("of %s among %j are %j", (id, known, expected) => {
    expect(nearestIds(id, known)).toEqual(expected);
  });
});
