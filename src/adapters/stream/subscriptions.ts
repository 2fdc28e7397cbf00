import { ENTITLEMENT_SELECTION } from "../../wire/entitlement-selection.js";

/** One subscription of upstream's: its name, the field that its events come in, and what is asked of them. */
export interface Subscription {
  readonly name: string;
  readonly field: string;
  readonly document: string;
}

export const ENTITLEMENTS_UPDATED: Subscription = {
  name: "OnEntitlementsUpdatedV2",
  field: "entitlementsUpdatedV2",
  document: `subscription OnEntitlementsUpdatedV2 {
  entitlementsUpdatedV2 {
    customerId
    resourceId
    accessDeniedReason
    entitlements { ${ENTITLEMENT_SELECTION} }
  }
}`,
};

export const USAGE_UPDATED: Subscription = {
  name: "OnUsageUpdatedV2",
  field: "usageUpdatedV2",
  document: `subscription OnUsageUpdatedV2 {
  usageUpdatedV2 {
    customerId
    resourceId
    entitlementReference { id type }
    usage { currentUsage usageUpdatedAt usagePeriodStart usagePeriodEnd }
  }
}`,
};

export const PACKAGE_PUBLISHED: Subscription = {
  name: "OnPackagePublished",
  field: "packagePublished",
  document: "subscription OnPackagePublished { packagePublished { migrationType } }",
};

/** Only all of them together tell of every change. */
export const SUBSCRIPTIONS: readonly Subscription[] = [ENTITLEMENTS_UPDATED, USAGE_UPDATED, PACKAGE_PUBLISHED];
