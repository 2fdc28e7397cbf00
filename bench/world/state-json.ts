import { ALL_FEATURES, featureIdOf, kindOf, limitOf, PLAN_COUNT, planOf, usageOf } from "./customers.js";

const UPDATED_AT = "2026-01-15T00:00:00.000Z";
const ANCHOR = "2026-01-01T00:00:00.000Z";
/** The share of metered features that starts anew each month. */
const RESET_FROM_FEATURE = 12;

/** Between two parts comes a metered feature's usage. */
interface StateTemplate {
  readonly parts: readonly string[];
  readonly metered: readonly number[];
}

/**
 * A customer's state as upstream tells it.
 *
 * @param isShared whether customers of one plan have the same entitlements; else everyone's limits are their own
 */
export function stateJsonOf(customer: number, isShared: boolean, now: Date): string {
  return `{"data":{"entitlementsState":{"accessDeniedReason":null,"entitlementsV2":${entitlementsJsonOf(customer, isShared, now)}}}}`;
}

/** The list in it alone. */
export function entitlementsJsonOf(customer: number, isShared: boolean, now: Date): string {
  const { parts, metered } = isShared
    ? sharedTemplate(planOf(customer), now)
    : templateOf((feature) => limitOf(planOf(customer), feature) + customer, now);
  return parts.reduce(
    (text, part, index) => text + (index === 0 ? part : `${usageOf(customer, metered[index - 1]!)}${part}`),
    "",
  );
}

const templates = new Map<number, StateTemplate>();

function sharedTemplate(plan: number, now: Date): StateTemplate {
  let template = templates.get(plan % PLAN_COUNT);
  if (template === undefined) templates.set(plan, (template = templateOf((feature) => limitOf(plan, feature), now)));
  return template;
}

const USAGE_HERE = "\u0000";

function templateOf(limit: (feature: number) => number, now: Date): StateTemplate {
  const text = JSON.stringify(ALL_FEATURES.map((feature) => entitlementOf(feature, limit(feature), now)));
  return {
    parts: text.split(JSON.stringify(USAGE_HERE)),
    metered: ALL_FEATURES.filter((feature) => kindOf(feature) === "metered"),
  };
}

function entitlementOf(feature: number, limit: number, now: Date): object {
  const kind = kindOf(feature);
  const isReset = kind === "metered" && feature >= RESET_FROM_FEATURE;
  const [periodStart, periodEnd] = monthOf(now);
  return {
    __typename: "FeatureEntitlement",
    isGranted: true,
    accessDeniedReason: null,
    usageLimit: kind === "metered" || kind === "numeric" ? limit : null,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    currentUsage: kind === "metered" ? USAGE_HERE : null,
    enumValues: kind === "enum" ? ["eu", "us", "ap"] : null,
    entitlementUpdatedAt: UPDATED_AT,
    usageUpdatedAt: kind === "metered" ? UPDATED_AT : null,
    usagePeriodAnchor: isReset ? ANCHOR : null,
    usagePeriodStart: isReset ? periodStart : null,
    usagePeriodEnd: isReset ? periodEnd : null,
    resetPeriod: isReset ? "MONTH" : null,
    resetPeriodConfiguration: isReset
      ? { __typename: "MonthlyResetPeriodConfig", monthlyAccordingTo: "StartOfTheMonth" }
      : null,
    feature: {
      __typename: "EntitlementFeature",
      refId: featureIdOf(feature),
      displayName: `Feature ${feature}`,
      description: null,
      featureType: kind === "boolean" ? "BOOLEAN" : kind === "enum" ? "ENUM" : "NUMBER",
      meterType: kind === "metered" ? (isReset ? "Incremental" : "Fluctuating") : "None",
      featureUnits: kind === "metered" ? "unit" : null,
      featureUnitsPlural: kind === "metered" ? "units" : null,
      unitTransformation: null,
    },
    creditRate: null,
    validUntil: null,
  };
}

export function monthOf(now: Date): readonly [start: string, end: string] {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  return [new Date(Date.UTC(year, month, 1)).toISOString(), new Date(Date.UTC(year, month + 1, 1)).toISOString()];
}
