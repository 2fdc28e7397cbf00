import { buildSchema } from "graphql";
import { MIGRATIONS } from "../../../domain/change.js";
import { ACCESS_DENIED_REASONS } from "../../../domain/decision/access-denied-reason.js";
import { FEATURE_TYPES, METER_TYPES } from "../../../domain/feature.js";
import { RESET_PERIODS } from "../../../domain/usage/usage-period.js";

/**
 * The part of the vendor's GraphQL API that entitlements and usage need, in both of its generations. Wide
 * enough for the published clients: whatever they select exists and has the shape they expect. What a
 * fault may turn into null is nullable here.
 */
const SDL = /* GraphQL */ `
  "A timestamp as ISO 8601 text; epoch milliseconds are understood as well."
  scalar DateTime
  "Any JSON value."
  scalar JSON
  scalar UUID

  type Query {
    "What a customer, or one resource of a customer, is entitled to."
    entitlementsState(query: FetchEntitlementsQuery!): EntitlementsState!
    "The same for older clients, which take an empty list for a customer that does not exist."
    cachedEntitlements(query: FetchEntitlementsQuery!): [Entitlement!]!
    "Asked by clients at their start, to learn whether their API key is valid."
    sdkConfiguration: SdkConfiguration!
  }

  type Mutation {
    "Counts usage of one feature, once per idempotency key."
    reportUsage(input: ReportUsageInput!): UsageMeasurementWithCurrentUsage!
    "Counts all, or where one cannot be counted none."
    reportUsageBulk(input: ReportUsageBulkInput!): [UsageMeasurementWithCurrentUsage!]!
    "Hands events to the meters; answers how many."
    reportEvent(events: UsageEventsReportInput!): String
  }

  type Subscription {
    entitlementsUpdatedV2: EntitlementsUpdatedV2
    usageUpdatedV2: UsageUpdatedV2
    packagePublished: PackagePublished
    entitlementsUpdated: EntitlementsUpdated
    usageUpdated: UsageUpdated
    creditBalanceUpdated: CreditBalanceUpdated
  }

  input FetchEntitlementsQuery {
    customerId: String!
    resourceId: String
    environmentId: String
  }

  input ReportUsageInput {
    customerId: String!
    featureId: String!
    value: Float!
    resourceId: String
    updateBehavior: UsageUpdateBehavior = DELTA
    createdAt: DateTime
    dimensions: JSON
    idempotencyKey: String
    environmentId: UUID
  }

  input ReportUsageBulkInput {
    usages: [ReportUsageInput!]!
    environmentId: UUID
  }

  input UsageEventsReportInput {
    usageEvents: [UsageEventReportInput!]!
    environmentId: UUID
  }

  input UsageEventReportInput {
    customerId: String!
    eventName: String!
    idempotencyKey: String!
    resourceId: String
    dimensions: JSON
    timestamp: DateTime
  }

  enum UsageUpdateBehavior {
    DELTA
    SET
  }
  enum FeatureType { ${FEATURE_TYPES.join(" ")} }
  enum MeterType { ${METER_TYPES.join(" ")} }
  enum EntitlementResetPeriod { ${RESET_PERIODS.join(" ")} }
  enum UnitTransformationRound {
    UP
    DOWN
  }
  enum PublishMigrationType { ${MIGRATIONS.join(" ")} }
  enum EntitlementType {
    FEATURE
    CREDIT
  }
  enum AccessDeniedReason { ${ACCESS_DENIED_REASONS.join(" ")} }

  type SdkConfiguration {
    sentryDsn: String
    isWidgetWatermarkEnabled: Boolean!
  }

  type EntitlementsState {
    entitlementsV2: [EntitlementUnion!]!
    "For clients that know feature entitlements only."
    entitlements: [Entitlement!]!
    "How a state without the asked entitlement explains itself."
    accessDeniedReason: AccessDeniedReason
  }

  union EntitlementUnion = FeatureEntitlement | CreditEntitlement

  type FeatureEntitlement {
    isGranted: Boolean!
    accessDeniedReason: AccessDeniedReason
    usageLimit: Float
    hasUnlimitedUsage: Boolean!
    hasSoftLimit: Boolean
    currentUsage: Float
    enumValues: [String!]
    entitlementUpdatedAt: DateTime
    usageUpdatedAt: DateTime
    usagePeriodAnchor: DateTime
    usagePeriodStart: DateTime
    usagePeriodEnd: DateTime
    resetPeriod: EntitlementResetPeriod
    resetPeriodConfiguration: ResetPeriodConfiguration
    feature: EntitlementFeature!
    creditRate: CreditRate
    "Epoch milliseconds."
    validUntil: Float
  }

  type CreditEntitlement {
    isGranted: Boolean!
    accessDeniedReason: AccessDeniedReason
    currency: CreditCurrency!
    "Credits granted."
    usageLimit: Float
    "Credits consumed."
    currentUsage: Float
    hasSoftLimit: Boolean
    usageUpdatedAt: DateTime
    entitlementUpdatedAt: DateTime
    usagePeriodEnd: DateTime
    "Epoch milliseconds."
    validUntil: Float
  }

  type CreditCurrency {
    currencyId: String!
    displayName: String!
    description: String
    unitSingular: String
    unitPlural: String
    additionalMetaData: JSON
  }

  type EntitlementFeature {
    refId: String!
    displayName: String!
    description: String
    featureType: FeatureType!
    meterType: MeterType
    featureUnits: String
    featureUnitsPlural: String
    unitTransformation: UnitTransformation
  }

  type UnitTransformation {
    divide: Float!
    round: UnitTransformationRound!
  }

  type CreditRate {
    amount: Float!
    currencyId: String!
  }

  union ResetPeriodConfiguration = YearlyResetPeriodConfig | MonthlyResetPeriodConfig | WeeklyResetPeriodConfig
  type YearlyResetPeriodConfig {
    yearlyAccordingTo: String
  }
  type MonthlyResetPeriodConfig {
    monthlyAccordingTo: String
  }
  type WeeklyResetPeriodConfig {
    weeklyAccordingTo: String
  }

  "A feature entitlement as older clients know it."
  type Entitlement {
    isGranted: Boolean!
    accessDeniedReason: AccessDeniedReason
    customerId: String
    resourceId: String
    usageLimit: Float
    hasUnlimitedUsage: Boolean!
    hasSoftLimit: Boolean
    currentUsage: Float
    requestedUsage: Float
    requestedValues: [String!]
    enumValues: [String!]
    entitlementUpdatedAt: DateTime
    usageUpdatedAt: DateTime
    usagePeriodAnchor: DateTime
    usagePeriodStart: DateTime
    usagePeriodEnd: DateTime
    nextResetDate: DateTime
    resetPeriod: EntitlementResetPeriod
    resetPeriodConfiguration: ResetPeriodConfiguration
    feature: EntitlementFeature
    creditRate: CreditRate
    "Epoch milliseconds."
    validUntil: Float
  }

  type UsageMeasurementWithCurrentUsage {
    id: UUID!
    featureId: String!
    customerId: String!
    resourceId: String
    currentUsage: Float
    usagePeriodStart: DateTime
    usagePeriodEnd: DateTime
    nextResetDate: DateTime
    timestamp: DateTime!
    "The wallet that the usage was drawn from, where there is one."
    credit: CreditMeasurement
  }

  type CreditMeasurement {
    currencyId: String!
    "Credits consumed in all."
    currentUsage: Float!
    usagePeriodEnd: DateTime
    timestamp: DateTime
    consumed: Float
  }

  type EntitlementsUpdatedV2 {
    customerId: String!
    resourceId: String
    accessDeniedReason: AccessDeniedReason
    entitlements: [EntitlementUnion!]
  }

  type UsageUpdatedV2 {
    customerId: String!
    resourceId: String
    entitlementReference: EntitlementReference
    usage: UsageOfEntitlement
  }

  type EntitlementReference {
    id: String!
    type: EntitlementType!
  }

  type UsageOfEntitlement {
    currentUsage: Float!
    usageUpdatedAt: DateTime
    "Epoch milliseconds."
    usagePeriodStart: Float
    "Epoch milliseconds."
    usagePeriodEnd: Float
  }

  type PackagePublished {
    accountId: String!
    environmentId: String!
    packageType: String!
    packageRefId: String!
    packageVersion: Int!
    migrationType: PublishMigrationType!
  }

  type EntitlementsUpdated {
    customerId: String!
    resourceId: String
    entitlements: [Entitlement!]
  }

  type UsageUpdated {
    usage: UsageMeasurementUpdated
    entitlement: Entitlement
  }

  "All timestamps are epoch milliseconds."
  type UsageMeasurementUpdated {
    customerId: String!
    resourceId: String
    featureId: String!
    currentUsage: Float!
    usagePeriodStart: Float
    usagePeriodEnd: Float
    nextResetDate: Float
  }

  type CreditBalanceUpdated {
    customerId: String!
    resourceId: String
    currencyId: String!
    currency: SlimCustomCurrency!
    currentBalance: Float!
    totalConsumed: Float!
    totalGranted: Float!
    "Epoch milliseconds."
    validUntil: Float
  }

  type SlimCustomCurrency {
    currencyId: String!
    displayName: String!
    symbol: String
    units: Units
  }

  type Units {
    singular: String!
    plural: String!
  }
`;

export const VENDOR_SCHEMA = buildSchema(SDL);
