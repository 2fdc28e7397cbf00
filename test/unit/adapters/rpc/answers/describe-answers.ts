import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { describe, test } from "@jest/globals";
import fc from "fast-check";
import type { AnswerEncoders, Answers } from "../../../../../src/adapters/rpc/answers/answer-encoders.js";
import { MESSAGE_ENCODERS } from "../../../../../src/adapters/rpc/answers/message-encoders.js";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { EntitlementsList } from "../../../../../src/application/check/list-entitlements.js";
import { buildCustomerState } from "../../../../../src/domain/build-customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../../../../src/domain/decision/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../../../src/domain/decision/decide-feature.js";
import type { UsageMeasurement } from "../../../../../src/domain/usage/usage-report.js";
import { creditQueries, fallbackValues, featureQueries, optional, times } from "../../../../builders/arbitraries.js";
import { listOf, unusualStates, unusualTexts } from "../../../../builders/unusual-states.js";

const { method } = SidecarService;

/** Timestamps of which some have fractions, are long past or to come, or cannot be held. */
const timestamps = fc.oneof(times, fc.double(), fc.integer({ min: -62_135_596_800_001, max: 253_402_300_800_000 }));

const measurements: fc.Arbitrary<UsageMeasurement> = fc.record({
  measurementId: unusualTexts,
  subject: fc.record({ customerId: unusualTexts, resourceId: optional(unusualTexts) }),
  featureId: unusualTexts,
  currentUsage: optional(fc.double()),
  periodStart: optional(timestamps),
  periodEnd: optional(timestamps),
  updatedAt: optional(timestamps),
  credit: fc.constant(undefined),
});

/** Whatever is answered, in whichever encoding, is what the message of it says. */
export function describeAnswers<T>(
  title: string,
  encoders: AnswerEncoders<Readonly<Record<keyof Answers, T>>>,
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
        fc.property(unusualStates, featureQueries, times, fc.boolean(), (input, query, now, isKnown) => {
          const asked = { ...query, kind };
          const decision = isKnown
            ? decideFeature(buildCustomerState(input), asked, now)
            : decideFeatureWithoutState(asked);
          expectSame(schema, encoders[name](decision, asked), MESSAGE_ENCODERS[name](decision, asked));
        }),
        { numRuns: 300 },
      );
    });

    test("of a wallet", () => {
      fc.assert(
        fc.property(unusualStates, creditQueries, fc.boolean(), (input, query, isKnown) => {
          const decision = isKnown ? decideCredit(buildCustomerState(input), query) : decideCreditWithoutState(query);
          expectSame(
            method.getEntitlementV2.output,
            encoders.creditV2(decision, query),
            MESSAGE_ENCODERS.creditV2(decision, query),
          );
        }),
        { numRuns: 300 },
      );
    });

    test("of a list", () => {
      fc.assert(
        fc.property(unusualStates, times, (input, now) => expectSameLists(listOf(buildCustomerState(input), now))),
        { numRuns: 300 },
      );
    });

    test("of the fallbacks in place of a list", () => {
      fc.assert(
        fc.property(fc.dictionary(unusualTexts, fallbackValues), (values) =>
          expectSameLists({
            features: [],
            credits: [],
            fallbacks: new Map(Object.entries(values)),
            accessDeniedReason: "Unknown",
          }),
        ),
        { numRuns: 100 },
      );
    });

    test("of a report, and of several", () => {
      fc.assert(
        fc.property(fc.array(measurements, { maxLength: 4 }), (measured) => {
          for (const each of measured) {
            expectSame(method.reportUsage.output, encoders.measurement(each), MESSAGE_ENCODERS.measurement(each));
          }
          expectSame(
            method.reportUsageBulk.output,
            encoders.measurements(measured),
            MESSAGE_ENCODERS.measurements(measured),
          );
        }),
        { numRuns: 300 },
      );
    });

    test("of events, which is empty", () =>
      expectSame(method.reportEvents.output, encoders.empty(), MESSAGE_ENCODERS.empty()));

    test.each([true, false])("of a reload: %s", (entitledEntityExists) => {
      const outcome = { entitledEntityExists };
      expectSame(method.reloadEntitlements.output, encoders.reload(outcome), MESSAGE_ENCODERS.reload(outcome));
    });

    test.each([ServingStatus.UNKNOWN, ServingStatus.SERVING, ServingStatus.NOT_SERVING, ServingStatus.SERVICE_UNKNOWN])(
      "of the health: %d",
      (status) => {
        expectSame(Health.method.check.output, encoders.health(status), MESSAGE_ENCODERS.health(status));
      },
    );
  });

  function expectSameLists(list: EntitlementsList): void {
    expectSame(method.getEntitlements.output, encoders.list(list), MESSAGE_ENCODERS.list(list));
    expectSame(method.getEntitlementsStateV2.output, encoders.listV2(list), MESSAGE_ENCODERS.listV2(list));
  }
}
