import type { Change } from "../../domain/change.js";
import {
  decodeEntitlementsUpdated,
  decodePackagePublished,
  decodeUsageUpdated,
  invalidatedSubjectOf,
} from "../../wire/decode-changes.js";
import { ENTITLEMENT_SELECTION } from "../../wire/entitlement-selection.js";
import { FieldFault } from "../../wire/fault-log.js";
import { Fields, isObject, type ReportFault } from "../../wire/fields.js";

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

const EVERYTHING_CHANGED: Change = { type: "package-published", migration: "ALL_CUSTOMERS" };

/**
 * The change that an event tells of. An event that cannot be read still says that something changed: of its
 * subject, where that can be read.
 *
 * @param result what upstream sent for the subscription: `data`, and `errors` where it failed
 * @returns undefined where something changed and it cannot be known for whom
 */
export function decodeEvent(subscription: Subscription, result: unknown, report: ReportFault): Change | undefined {
  const payload = payloadOf(subscription, result);
  try {
    const fields = Fields.of(payload, subscription.field);
    switch (subscription.kind) {
      case "entitlements-updated":
        return decodeEntitlementsUpdated(fields, report);
      case "usage-updated":
        return decodeUsageUpdated(fields);
      case "package-published":
        return decodePackagePublished(fields, report);
    }
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    report(error);
    return subscription.kind === "package-published" ? EVERYTHING_CHANGED : invalidatedSubjectOf(payload);
  }
}

function payloadOf({ field }: Subscription, result: unknown): unknown {
  const data: unknown = isObject(result) && "data" in result ? result.data : undefined;
  return isObject(data) ? new Map<string, unknown>(Object.entries(data)).get(field) : data;
}
