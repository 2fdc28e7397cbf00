import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, test } from "vitest";
import { MESSAGE_ENCODERS, type AnswerEncoders, type CheckMethod } from "../../../src/adapters/rpc/answer-encoders.js";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { EntitlementsList } from "../../../src/application/list-entitlements.js";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../../src/domain/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../src/domain/decide-feature.js";
import { creditQueries, fallbackValues, featureQueries, moments } from "../../builders/arbitraries.js";
import { listOf, oddStates, oddTexts } from "../../builders/odd-states.js";

const { method } = SidecarService;

/** Whatever is answered, in whichever encoding, is what the message of it says. */
export function describeAnswers<T>(
  title: string,
  encoders: AnswerEncoders<Readonly<Record<CheckMethod, T>>>,
  expectSame: <O extends DescMessage>(schema: O, answer: T, message: MessageShape<O>) => void,
): void {
  describe(title, () => {
    const kinds = [
      ["feature", method.getEntitlement.output, undefined],
      ["featureV2", method.getEntitlementV2.output, undefined],
      ["boolean", method.getBooleanEntitlement.output, "boolean"],
      ["numeric", method.getNumericEntitlement.output, "numeric"],
      ["metered", method.getMeteredEntitlement.output, "metered"],
      ["enum", method.getEnumEntitlement.output, "enum"],
    ] as const;

    test.each(kinds)("of a feature: %s", (name, schema, kind) => {
      fc.assert(
        fc.property(oddStates, featureQueries, moments, fc.boolean(), (input, query, now, isKnown) => {
          const asked = { ...query, kind };
          const decision = isKnown ? decideFeature(buildCustomerState(input), asked, now) : decideFeatureWithoutState(asked);
          expectSame(schema, encoders[name](decision, asked), MESSAGE_ENCODERS[name](decision, asked));
        }),
        { numRuns: 300 },
      );
    });

    test("of a wallet", () => {
      fc.assert(
        fc.property(oddStates, creditQueries, fc.boolean(), (input, query, isKnown) => {
          const decision = isKnown ? decideCredit(buildCustomerState(input), query) : decideCreditWithoutState(query);
          expectSame(method.getEntitlementV2.output, encoders.creditV2(decision, query), MESSAGE_ENCODERS.creditV2(decision, query));
        }),
        { numRuns: 300 },
      );
    });

    test("of a list", () => {
      fc.assert(
        fc.property(oddStates, moments, (input, now) => expectSameLists(listOf(buildCustomerState(input), now))),
        { numRuns: 300 },
      );
    });

    test("of the fallbacks in place of a list", () => {
      fc.assert(
        fc.property(fc.dictionary(oddTexts, fallbackValues), (values) =>
          expectSameLists({ features: [], credits: [], fallbacks: new Map(Object.entries(values)), accessDeniedReason: "Unknown" }),
        ),
        { numRuns: 100 },
      );
    });
  });

  function expectSameLists(list: EntitlementsList): void {
    expectSame(method.getEntitlements.output, encoders.list(list), MESSAGE_ENCODERS.list(list));
    expectSame(method.getEntitlementsStateV2.output, encoders.listV2(list), MESSAGE_ENCODERS.listV2(list));
  }
}
