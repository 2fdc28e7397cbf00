import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import { type FallbackValues, kindOfFallback } from "../../../domain/decision/fallback.js";
import type { CreditCurrency, CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import { type Feature, type FeatureKind, kindOfFeature } from "../../../domain/feature.js";
import { NO_USAGE, type Usage } from "../../../domain/usage/usage.js";
import {
  type AccessDeniedReason as WireReason,
  BooleanEntitlementSchema,
  CreditEntitlementSchema,
  EntitlementCurrencySchema,
  type EntitlementFeature,
  EntitlementFeatureSchema,
  EnumEntitlementSchema,
  MeteredEntitlementSchema,
  NumericEntitlementSchema,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { type DescribedParts, from, type Members, NOT_SENT, part, shared } from "./description.js";
import { toInt32, WIRE_FEATURE_TYPES, WIRE_METER_TYPES, WIRE_REASONS, WIRE_RESET_PERIODS } from "./wire-values.js";

/** What of a query shows in an answer about a feature. */
export type FeatureContext = Pick<FeatureQuery, "featureId" | "requestedUsage" | "requestedValues">;
export type CreditContext = Pick<CreditQuery, "currencyId">;

const FEATURE = from<Feature>()(EntitlementFeatureSchema, {
  id: (feature) => feature.id,
  featureType: (feature) => WIRE_FEATURE_TYPES[feature.featureType],
  units: (feature) => feature.units,
  unitsPlural: (feature) => feature.unitsPlural,
  meterType: (feature) => feature.meterType && WIRE_METER_TYPES[feature.meterType],
  isMetered: (feature) => kindOfFeature(feature) === "metered",
});

/** A feature of which only the id is known: what a fallback is of. */
const UNKNOWN_FEATURE = from<string>()(EntitlementFeatureSchema, {
  id: (featureId) => featureId,
  featureType: NOT_SENT,
  units: NOT_SENT,
  unitsPlural: NOT_SENT,
  meterType: NOT_SENT,
  isMetered: NOT_SENT,
});

const CURRENCY = from<CreditCurrency>()(EntitlementCurrencySchema, {
  currencyId: (currency) => currency.currencyId,
  displayName: (currency) => currency.displayName,
  description: (currency) => currency.description,
  unitSingular: (currency) => currency.unitSingular,
  unitPlural: (currency) => currency.unitPlural,
  additionalMetaData: (currency) => currency.additionalMetaData && strictJson(currency.additionalMetaData),
});

const UNKNOWN_CURRENCY = from<string>()(EntitlementCurrencySchema, {
  currencyId: (currencyId) => currencyId,
  displayName: NOT_SENT,
  description: NOT_SENT,
  unitSingular: NOT_SENT,
  unitPlural: NOT_SENT,
  additionalMetaData: NOT_SENT,
});

const NO_VALUES: readonly string[] = [];

/** Each field twice: of an entitlement that is known, and of the fallback that stands in for one. */
type Table<D extends DescMessage, S1, C1, S2, C2> = {
  readonly [F in keyof Members<MessageShape<D>, S1, C1>]: readonly [
    known: Members<MessageShape<D>, S1, C1>[F],
    fallback: Members<MessageShape<D>, S2, C2>[F],
  ];
};

const FEATURES: readonly [
  DescribedParts<EntitlementFeature, FeatureEntitlement, Usage>,
  DescribedParts<EntitlementFeature, FallbackValues, string>,
] = [[shared(FEATURE, ({ feature }) => feature)], [part(UNKNOWN_FEATURE, (_, featureId) => featureId, none)]];

export const BOOLEAN = featureEntitlement(BooleanEntitlementSchema, {
  feature: FEATURES,
});

export const NUMERIC = featureEntitlement(NumericEntitlementSchema, {
  feature: FEATURES,
  value: [({ usageLimit }) => toInt32(usageLimit), ({ value }) => toInt32(value)],
  isUnlimited: [({ hasUnlimitedUsage }) => hasUnlimitedUsage, ({ isUnlimited }) => isUnlimited],
});

export const METERED = featureEntitlement(MeteredEntitlementSchema, {
  feature: FEATURES,
  usageLimit: [({ usageLimit }) => usageLimit, ({ usageLimit }) => usageLimit],
  isUnlimited: [({ hasUnlimitedUsage }) => hasUnlimitedUsage, ({ isUnlimited }) => isUnlimited],
  currentUsage: [(_, { currentUsage }) => currentUsage, NOT_SENT],
  resetPeriod: [({ resetPeriod }) => resetPeriod && WIRE_RESET_PERIODS[resetPeriod], NOT_SENT],
  nextResetDate: [(_, { periodEnd }) => periodEnd, NOT_SENT],
  usagePeriodAnchor: [(_, { periodAnchor }) => periodAnchor, NOT_SENT],
  usagePeriodStart: [(_, { periodStart }) => periodStart, NOT_SENT],
  usagePeriodEnd: [(_, { periodEnd }) => periodEnd, NOT_SENT],
  hasSoftLimit: [({ hasSoftLimit }) => hasSoftLimit, () => false],
});

export const ENUM = featureEntitlement(EnumEntitlementSchema, {
  feature: FEATURES,
  enumValues: [({ enumValues }) => enumValues, ({ enumValues = NO_VALUES }) => enumValues],
});

/** By kind: the fields of the oneofs that hold an entitlement of any. */
export const KINDS = { boolean: BOOLEAN, numeric: NUMERIC, metered: METERED, enum: ENUM } satisfies Record<
  FeatureKind,
  unknown
>;

/** Where a fallback stands in, nothing is known to be consumed: all that it grants remains. */
export const CREDIT = creditEntitlement({
  currency: [
    [shared(CURRENCY, ({ currency }) => currency)],
    [part(UNKNOWN_CURRENCY, (_, currencyId) => currencyId, none)],
  ],
  usageLimit: [({ usageLimit }) => usageLimit, ({ usageLimit }) => usageLimit],
  currentUsage: [(_, { usage = NO_USAGE }) => usage.currentUsage, NOT_SENT],
  remaining: [(_, { remaining }) => remaining, ({ usageLimit }) => usageLimit],
  usagePeriodEnd: [(_, { usage = NO_USAGE }) => usage.periodEnd, NOT_SENT],
  hasSoftLimit: [({ hasSoftLimit }) => hasSoftLimit, NOT_SENT],
});

function featureEntitlement<D extends DescMessage>(
  schema: D,
  table: Table<D, FeatureEntitlement, Usage, FallbackValues, string>,
): DescribedParts<MessageShape<D>, FeatureDecision, FeatureContext> {
  const [known, fallback] = columns(table);
  return [
    part(
      from<FallbackValues, string>()(schema, fallback),
      (decision: FeatureDecision) => decision.fallback,
      (_, query: FeatureContext) => query.featureId,
    ),
    part(
      from<FeatureEntitlement, Usage>()(schema, known),
      (decision) => decision.entitlement,
      (decision) => decision.usage ?? NO_USAGE,
    ),
  ];
}

function creditEntitlement(
  table: Table<typeof CreditEntitlementSchema, CreditEntitlement, CreditDecision, FallbackValues, string>,
): DescribedParts<MessageShape<typeof CreditEntitlementSchema>, CreditDecision, CreditContext> {
  const [known, fallback] = columns(table);
  return [
    part(
      from<FallbackValues, string>()(CreditEntitlementSchema, fallback),
      (decision: CreditDecision) => decision.fallback,
      (_, query: CreditContext) => query.currencyId,
    ),
    part(
      from<CreditEntitlement, CreditDecision>()(CreditEntitlementSchema, known),
      (decision) => decision.entitlement,
      (decision) => decision,
    ),
  ];
}

function columns<D extends DescMessage, S1, C1, S2, C2>(
  table: Table<D, S1, C1, S2, C2>,
): [known: Members<MessageShape<D>, S1, C1>, fallback: Members<MessageShape<D>, S2, C2>] {
  const rows = Object.entries<readonly [unknown, unknown]>(table);
  const column = (index: 0 | 1) => Object.fromEntries(rows.map(([field, row]) => [field, row[index]]));
  return [column(0) as Members<MessageShape<D>, S1, C1>, column(1) as Members<MessageShape<D>, S2, C2>];
}

function none(): undefined {
  return undefined;
}

/** A Struct has no Infinity, which `1e999` in an upstream's JSON reads as: null then, as JSON itself has it. */
function strictJson(value: NonNullable<CreditCurrency["additionalMetaData"]>): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

type Outcome = Pick<FeatureDecision, "hasAccess" | "accessDeniedReason" | "fallback">;

/** What published clients have in the fallback of a metered check that requested nothing. */
const DEFAULT_FALLBACK_REQUEST = 1;

/** How a decision came out. The first generation and checks of one kind give the reason of a fallback even where that grants. */
export const OUTCOME = {
  hasAccess: ({ hasAccess }: Outcome) => hasAccess,
  isFallback: ({ fallback }: Outcome) => fallback !== undefined,
  accessDeniedReason: reasonOf,
};

/** In the second generation what is granted has no reason to be denied: not even a fallback. */
export const OUTCOME_V2 = {
  ...OUTCOME,
  accessDeniedReason: (decision: Outcome) => (decision.hasAccess ? undefined : reasonOf(decision)),
};

export function reasonOf({ accessDeniedReason }: Pick<Outcome, "accessDeniedReason">): WireReason | undefined {
  return accessDeniedReason && WIRE_REASONS[accessDeniedReason];
}

export function kindOf({ entitlement, fallback }: FeatureDecision, context: FeatureContext): FeatureKind | undefined {
  return fallback === undefined ? entitlement?.kind : kindOfFallback(fallback, context);
}

export function requestedUsageOf({ fallback }: FeatureDecision, { requestedUsage }: FeatureContext): number {
  return requestedUsage ?? (fallback === undefined ? 0 : DEFAULT_FALLBACK_REQUEST);
}
