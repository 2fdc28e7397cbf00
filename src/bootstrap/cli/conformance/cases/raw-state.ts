/** States as Edge has them, for what no catalog can say. */
const UPDATED_AT = "2024-03-01T00:00:00.000Z";

export interface RawFeature {
  readonly id: string;
  readonly usageLimit?: number | null;
  readonly currentUsage?: number;
  readonly accessDeniedReason?: string;
  readonly resetPeriod?: string;
  readonly anchor?: string;
  readonly periodStart?: string;
  readonly periodEnd?: string;
}

/** A metered feature. Dates are in ISO 8601. */
export function rawMetered({ id, accessDeniedReason, ...has }: RawFeature): object {
  return {
    __typename: "FeatureEntitlement",
    isGranted: accessDeniedReason === undefined,
    accessDeniedReason: accessDeniedReason ?? null,
    usageLimit: has.usageLimit === undefined ? 10 : has.usageLimit,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    currentUsage: has.currentUsage ?? 0,
    enumValues: null,
    entitlementUpdatedAt: UPDATED_AT,
    usageUpdatedAt: UPDATED_AT,
    usagePeriodAnchor: has.anchor ?? null,
    usagePeriodStart: has.periodStart ?? null,
    usagePeriodEnd: has.periodEnd ?? null,
    resetPeriod: has.resetPeriod ?? null,
    resetPeriodConfiguration: null,
    feature: {
      __typename: "EntitlementFeature",
      refId: id,
      displayName: id,
      description: null,
      featureType: "NUMBER",
      meterType: "Incremental",
      featureUnits: null,
      featureUnitsPlural: null,
      unitTransformation: null,
    },
    creditRate: null,
    validUntil: null,
  };
}

export function rawState(entitlementsV2: readonly object[], accessDeniedReason: string | null = null): object {
  return { data: { entitlementsState: { entitlementsV2, accessDeniedReason } } };
}
