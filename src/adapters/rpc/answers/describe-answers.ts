import type { Message } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import type { EntitlementsList } from "../../../application/check/list-entitlements.js";
import { type CreditDecision, fallbackDecision, type FeatureDecision } from "../../../domain/decision/decision.js";
import type { FallbackValues } from "../../../domain/decision/fallback.js";
import type { UsageMeasurement } from "../../../domain/usage/usage-report.js";
import {
  type HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../gen/grpc/health/v1/health_pb.js";
import {
  EntitlementSchema,
  EntitlementV2Schema,
  GetBooleanEntitlementResponseSchema,
  GetEntitlementResponseSchema,
  GetEntitlementsResponseSchema,
  GetEntitlementsStateV2ResponseSchema,
  GetEntitlementV2ResponseSchema,
  GetEnumEntitlementResponseSchema,
  GetMeteredEntitlementResponseSchema,
  GetNumericEntitlementResponseSchema,
  ReloadEntitlementsResponseSchema,
  ReportUsageBulkResponseSchema,
  ReportUsageResponseSchema,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import type { AnswerEncoders, Messages, ReloadOutcome } from "./answer-encoders.js";
import {
  BOOLEAN,
  CREDIT,
  type CreditContext,
  ENUM,
  type FeatureContext,
  kindOf,
  KINDS,
  METERED,
  NUMERIC,
  OUTCOME,
  OUTCOME_V2,
  reasonOf,
  requestedUsageOf,
} from "./describe-entitlements.js";
import { type Description, each, from, NOT_SENT, part } from "./description.js";

type AnswerDescriptions = {
  readonly [K in keyof AnswerEncoders<Messages>]: AnswerEncoders<Messages>[K] extends (
    source: infer S,
    context: infer C,
  ) => infer M
    ? M extends Message
      ? Description<M, S, C>
      : never
    : never;
};

const NOTHING_ASKED: FeatureContext = Object.freeze({ featureId: "", requestedUsage: undefined, requestedValues: [] });

const NO_CURRENCY: CreditContext = Object.freeze({ currencyId: "" });

type FallbackEntry = readonly [featureId: string, fallback: FallbackValues];
const NO_FALLBACKS: readonly FallbackEntry[] = [];

const fromDecision = from<FeatureDecision, FeatureContext>();
const fromList = from<EntitlementsList>();

const ENTITLEMENT = fromDecision(EntitlementSchema, { entitlement: { select: kindOf, cases: KINDS } });

const FEATURE_V2 = fromDecision(EntitlementV2Schema, {
  ...OUTCOME_V2,
  entitlement: { select: kindOf, cases: { ...KINDS, credit: NOT_SENT } },
});

const CREDIT_V2 = from<CreditDecision, CreditContext>()(EntitlementV2Schema, {
  ...OUTCOME_V2,
  entitlement: {
    select: ({ entitlement, fallback }) => (entitlement === undefined && fallback === undefined ? undefined : "credit"),
    cases: { credit: CREDIT, boolean: NOT_SENT, numeric: NOT_SENT, metered: NOT_SENT, enum: NOT_SENT },
  },
});

const MEASUREMENT = from<UsageMeasurement>()(ReportUsageResponseSchema, {
  measurementId: ({ measurementId }) => measurementId,
  customerId: ({ subject }) => subject.customerId,
  resourceId: ({ subject }) => subject.resourceId,
  featureId: ({ featureId }) => featureId,
  currentUsage: ({ currentUsage }) => currentUsage,
  usagePeriodStart: ({ periodStart }) => periodStart,
  usagePeriodEnd: ({ periodEnd }) => periodEnd,
});

/** Each answer, by the name of its encoder. */
export const ANSWERS: AnswerDescriptions = {
  feature: fromDecision(GetEntitlementResponseSchema, { ...OUTCOME, entitlement: { select: kindOf, cases: KINDS } }),
  boolean: fromDecision(GetBooleanEntitlementResponseSchema, { ...OUTCOME, entitlement: BOOLEAN }),
  numeric: fromDecision(GetNumericEntitlementResponseSchema, { ...OUTCOME, entitlement: NUMERIC }),
  metered: fromDecision(GetMeteredEntitlementResponseSchema, {
    ...OUTCOME,
    requestedUsage: requestedUsageOf,
    entitlement: METERED,
  }),
  enum: fromDecision(GetEnumEntitlementResponseSchema, {
    ...OUTCOME,
    requestedValues: (_, { requestedValues }) => requestedValues,
    entitlement: ENUM,
  }),
  featureV2: fromDecision(GetEntitlementV2ResponseSchema, {
    entitlement: [
      part(
        FEATURE_V2,
        (decision) => decision,
        (_, query) => query,
      ),
    ],
  }),
  creditV2: from<CreditDecision, CreditContext>()(GetEntitlementV2ResponseSchema, {
    entitlement: [
      part(
        CREDIT_V2,
        (decision) => decision,
        (_, query) => query,
      ),
    ],
  }),
  /** Features alone, and of each what it is and not whether it grants, since the message has no place for that. */
  list: fromList(GetEntitlementsResponseSchema, {
    entitlements: [
      each(ENTITLEMENT, featuresOf, ifKnown, nothingAsked),
      each(ENTITLEMENT, fallbacksOf, decisionOf, fallbackContext),
    ],
    accessDeniedReason: reasonOf,
  }),
  listV2: fromList(GetEntitlementsStateV2ResponseSchema, {
    entitlements: [
      each(FEATURE_V2, featuresOf, (decision) => decision, nothingAsked),
      each(
        CREDIT_V2,
        creditsOf,
        (decision) => decision,
        () => NO_CURRENCY,
      ),
      each(FEATURE_V2, fallbacksOf, decisionOf, fallbackContext),
    ],
    accessDeniedReason: reasonOf,
  }),
  measurement: MEASUREMENT,
  measurements: from<readonly UsageMeasurement[]>()(ReportUsageBulkResponseSchema, {
    usages: [
      each(
        MEASUREMENT,
        (measurements: readonly UsageMeasurement[]) => measurements,
        (measurement) => measurement,
        () => undefined,
      ),
    ],
  }),
  empty: from<unknown>()(EmptySchema, {}),
  reload: from<ReloadOutcome>()(ReloadEntitlementsResponseSchema, {
    entitledEntityExists: ({ entitledEntityExists }) => entitledEntityExists,
  }),
  health: from<ServingStatus>()(HealthCheckResponseSchema, { status: (status) => status }),
};

function featuresOf({ features }: EntitlementsList): readonly FeatureDecision[] {
  return features;
}

function creditsOf({ credits }: EntitlementsList): readonly CreditDecision[] {
  return credits;
}

function ifKnown(decision: FeatureDecision): FeatureDecision | undefined {
  return decision.entitlement === undefined ? undefined : decision;
}

function nothingAsked(): FeatureContext {
  return NOTHING_ASKED;
}

function fallbacksOf({ fallbacks }: EntitlementsList): readonly FallbackEntry[] {
  return fallbacks === undefined ? NO_FALLBACKS : [...fallbacks];
}

function decisionOf([, fallback]: FallbackEntry): FeatureDecision {
  return fallbackDecision(fallback, "Unknown");
}

function fallbackContext([featureId]: FallbackEntry): FeatureContext {
  return { featureId, requestedUsage: undefined, requestedValues: NOTHING_ASKED.requestedValues };
}
