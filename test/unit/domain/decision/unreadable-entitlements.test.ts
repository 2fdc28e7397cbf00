import { describe, expect, it } from "@jest/globals";
import { ANY_ID, isUnknown } from "../../../../src/domain/customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../../../src/domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../../src/domain/decision/decide-feature.js";
import { configured, creditQuery, featureQuery } from "../../../builders/queries.js";
import { stateWith } from "../../../builders/states.js";

describe("an entitlement that a state has, but that could not be read", () => {
  const state = stateWith([], {
    unknown: [
      { type: "feature", id: "seats" },
      { type: "credit", id: "ink" },
    ],
  });

  it.each([
    ["feature", "seats", true],
    ["feature", "ink", false],
    ["credit", "ink", true],
    ["credit", "seats", false],
  ] as const)("is unknown by its type and id: %s %s is %s", (type, id, expected) =>
    expect(isUnknown(state, type, id)).toBe(expected),
  );

  it("may be any of its type where its id could not be read either", () => {
    const any = stateWith([], { unknown: [{ type: "credit", id: ANY_ID }] });
    expect([isUnknown(any, "credit", "ink"), isUnknown(any, "feature", "seats")]).toEqual([true, false]);
  });

  it("is decided as if there were no state at all, and is no denial of the state's", () => {
    const fallbacks = configured({ seats: { hasAccess: true, usageLimit: 5 } });
    expect(decideFeature(state, featureQuery("seats"), 0, fallbacks)).toEqual(
      decideFeatureWithoutState(featureQuery("seats"), fallbacks),
    );
    expect(decideFeature(state, featureQuery("seats"), 0, fallbacks)).toMatchObject({
      hasAccess: true,
      accessDeniedReason: "Unknown",
    });
    expect(decideCredit(state, creditQuery("ink"))).toEqual(decideCreditWithoutState(creditQuery("ink")));
  });
});
