import { randomUUID } from "node:crypto";

const FEATURES = 10;
const METERED = 5;
const T0 = Date.UTC(2026, 0, 1);

/** Every fifth message is a whole set of entitlements, the others are usages: of changing customers, ever newer. */
export function benchMessage(index: number, customers: number): string {
  const customerId = `customer-${index % customers}`;
  const at = T0 + index;
  return index % 5 === 0
    ? message("entitlements.updated", at, {
        customerId,
        resourceId: null,
        accessDeniedReason: null,
        entitlements: entitlements(at),
      })
    : message("usage.updated", at, {
        customerId,
        resourceId: null,
        entitlementReference: { id: `feature-${index % METERED}`, type: "FEATURE" },
        usage: { currentUsage: index, usageUpdatedAt: at, usagePeriodStart: null, usagePeriodEnd: null },
      });
}

function message(type: string, timestamp: number, data: object): string {
  return JSON.stringify({ version: 1, id: randomUUID(), type, timestamp, data });
}

function entitlements(at: number): object[] {
  return Array.from({ length: FEATURES }, (_, index) => ({
    __typename: "FeatureEntitlement",
    isGranted: true,
    accessDeniedReason: null,
    usageLimit: 1_000,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    currentUsage: 8,
    entitlementUpdatedAt: at,
    usageUpdatedAt: at,
    feature: {
      refId: `feature-${index}`,
      displayName: `Feature ${index}`,
      featureType: index < METERED ? "NUMBER" : "BOOLEAN",
      meterType: index < METERED ? "Incremental" : null,
      featureUnits: "unit",
      featureUnitsPlural: "units",
    },
  }));
}
