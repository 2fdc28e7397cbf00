/** What is asked of every entitlement, in queries and subscriptions: the fields that are used, and no other. */
export const ENTITLEMENT_SELECTION = `
__typename
... on FeatureEntitlement {
  accessDeniedReason
  usageLimit
  hasUnlimitedUsage
  hasSoftLimit
  currentUsage
  enumValues
  entitlementUpdatedAt
  usageUpdatedAt
  usagePeriodAnchor
  usagePeriodStart
  usagePeriodEnd
  resetPeriod
  resetPeriodConfiguration {
    ... on YearlyResetPeriodConfig { yearlyAccordingTo }
    ... on MonthlyResetPeriodConfig { monthlyAccordingTo }
    ... on WeeklyResetPeriodConfig { weeklyAccordingTo }
  }
  feature { refId displayName featureType meterType featureUnits featureUnitsPlural }
  creditRate { amount currencyId }
  validUntil
}
... on CreditEntitlement {
  accessDeniedReason
  currency { currencyId displayName description unitSingular unitPlural additionalMetaData }
  usageLimit
  currentUsage
  hasSoftLimit
  usageUpdatedAt
  entitlementUpdatedAt
  usagePeriodEnd
  validUntil
}`;
