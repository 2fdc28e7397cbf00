import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  encodeFeatureEntitlement,
  featureText,
} from "../../../../../../src/adapters/cache/redis/codec/encode-entitlement.js";
import { encodeState, encodeUsage } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import type { Subject } from "../../../../../../src/domain/subject.js";
import { states, usages } from "../../../../../builders/arbitraries.js";

const TRUST = { verifiedAt: 5, recheckAt: Infinity, isVerified: true };
const subjects: fc.Arbitrary<Subject> = fc.record({
  customerId: fc.string(),
  resourceId: fc.option(fc.string(), { nil: undefined }),
});

describe("the text of a feature that is put together", () => {
  it("is the text of the object that it stands for, to the letter", () => {
    fc.assert(
      fc.property(subjects, states, (subject, state) => {
        for (const entitlement of state.features()) {
          const usage = state.featureUsage(entitlement.feature.id);
          // Twice, since most of it is kept.
          for (let round = 0; round < 2; round++)
            expect(featureText(subject, entitlement, usage)).toBe(
              JSON.stringify(encodeFeatureEntitlement(subject, state, entitlement)),
            );
        }
      }),
    );
  });

  it("stands in its state under its name, where an object would have it", () => {
    const ids = fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom("10", "2", "__proto__", "a", "01")), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(subjects, ids, (subject, featureIds) => {
        const features = featureIds.map((id) => ({ feature: { id, featureType: "BOOLEAN" as const } }));
        const [{ value } = { value: "" }] = encodeState("env", subject, buildCustomerState({ features }), TRUST).writes;
        expect(JSON.stringify(JSON.parse(value))).toBe(value);
        expect(Object.keys(JSON.parse(value) as object).sort()).toEqual([...featureIds].sort());
      }),
    );
  });

  it("is a usage's text too", () => {
    fc.assert(
      fc.property(subjects, usages, (subject, usage) => {
        const { value } = encodeUsage("env", subject, { type: "feature", id: "f" }, usage);
        const rewritten = encodeUsage("env", subject, { type: "feature", id: "f" }, usage, "{}");
        expect(value).toBe(rewritten.value);
      }),
    );
  });
});
