import { randomUUID } from "node:crypto";

/** Messages as they come out of a queue, in the words of the wire. */

export interface EntitlementsMessage {
  readonly customerId: string;
  readonly resourceId?: string | null;
  /** Epoch milliseconds; null: the set does not say of when it is. */
  readonly updatedAt?: number | null;
  readonly usageLimit?: number;
  readonly currentUsage?: number;
  readonly usageUpdatedAt?: number | null;
  /** When the message says it was made. */
  readonly timestamp?: number | string;
}

export const T0 = Date.UTC(2026, 0, 1);

export function message(type: string, data: unknown, rest: object = {}): string {
  return JSON.stringify({ version: 1, id: randomUUID(), type, timestamp: T0, data, ...rest });
}

export function entitlementsUpdated(options: EntitlementsMessage): string {
  const { customerId, resourceId = null, timestamp = T0 } = options;
  return message(
    "entitlements.updated",
    { customerId, resourceId, accessDeniedReason: null, entitlements: [seats(options), sso(options)] },
    { timestamp },
  );
}

export function explainedUpdate(customerId: string, accessDeniedReason: string | null): string {
  return message("entitlements.updated", { customerId, resourceId: null, accessDeniedReason, entitlements: [] });
}

export interface UsageMessage {
  readonly customerId: string;
  readonly featureId?: string;
  readonly type?: "FEATURE" | "CREDIT";
  readonly currentUsage: number;
  readonly usageUpdatedAt: number | null;
  readonly timestamp?: number;
}

export function usageUpdated({
  customerId,
  featureId = "seats",
  type = "FEATURE",
  currentUsage,
  usageUpdatedAt,
  timestamp = T0,
}: UsageMessage): string {
  return message(
    "usage.updated",
    {
      customerId,
      resourceId: null,
      entitlementReference: { id: featureId, type },
      usage: { currentUsage, usageUpdatedAt, usagePeriodStart: null, usagePeriodEnd: null },
    },
    { timestamp },
  );
}

export function customerInvalidated(customerId: string, resourceId?: string): string {
  return message("customer.invalidated", { customerId, resourceId });
}

export function packagePublished(migrationType: "ALL_CUSTOMERS" | "NEW_CUSTOMERS"): string {
  return message("package.published", { packageType: "Plan", packageRefId: "plan", packageVersion: 2, migrationType });
}

export function inSns(body: string): string {
  return JSON.stringify({
    Type: "Notification",
    MessageId: randomUUID(),
    TopicArn: "arn:aws:sns:us-east-1:000000000000:changes",
    Message: body,
  });
}

export function inEventBridge(body: string): string {
  return JSON.stringify({
    version: "0",
    id: randomUUID(),
    "detail-type": "change",
    source: "vendor",
    region: "us-east-1",
    detail: JSON.parse(body) as object,
  });
}

/** A metered feature of 10, of which 8 are used, unless said otherwise. */
export function seats({
  updatedAt = T0,
  usageLimit = 10,
  currentUsage = 8,
  usageUpdatedAt = T0,
}: Partial<EntitlementsMessage>) {
  return {
    __typename: "FeatureEntitlement",
    accessDeniedReason: null,
    usageLimit,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    currentUsage,
    entitlementUpdatedAt: updatedAt,
    usageUpdatedAt,
    feature: { refId: "seats", featureType: "NUMBER", meterType: "Fluctuating" },
  };
}

function sso({ updatedAt = T0 }: Partial<EntitlementsMessage>) {
  return {
    __typename: "FeatureEntitlement",
    accessDeniedReason: null,
    entitlementUpdatedAt: updatedAt,
    feature: { refId: "sso", featureType: "BOOLEAN" },
  };
}
