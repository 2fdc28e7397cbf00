import { ENTITLEMENT_SELECTION } from "../../wire/entitlement-selection.js";

/** What the events of a subscription are read as: decode-event.ts knows how, kind by kind. */
export type SubscriptionKind = "entitlements-updated" | "usage-updated" | "package-published";

/** One subscription of upstream's: its name, the field that its events come in, and what is asked of them. */
export interface Subscription {
  readonly kind: SubscriptionKind;
  readonly name: string;
  readonly field: string;
  readonly document: string;
}

export const ENTITLEMENTS_UPDATED: Subscription = {
  kind: "entitlements-updated",
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
  kind: "usage-updated",
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
  kind: "package-published",
  name: "OnPackagePublished",
  field: "packagePublished",
  document: "subscription OnPackagePublished { packagePublished { migrationType } }",
};

/** Only all of them together tell of every change. A kind without a subscription does not compile. */
export const SUBSCRIPTIONS: readonly Subscription[] = Object.values({
  "entitlements-updated": ENTITLEMENTS_UPDATED,
  "usage-updated": USAGE_UPDATED,
  "package-published": PACKAGE_PUBLISHED,
} satisfies Record<SubscriptionKind, Subscription>);
