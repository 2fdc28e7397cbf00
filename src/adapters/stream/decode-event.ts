import { saysEntityIsMissing, type AccessDeniedReason } from "../../domain/access-denied-reason.js";
import type { Change } from "../../domain/change.js";
import type { Subject } from "../../domain/subject.js";
import { decodeReason } from "../../wire/decode-entitlement.js";
import { decodeEntitlements, type ReportFault } from "../../wire/decode-entitlements.js";
import { FieldFault } from "../../wire/field-fault.js";
import { Fields, isObject } from "../../wire/fields.js";
import { ENTITLEMENTS_UPDATED, PACKAGE_PUBLISHED, USAGE_UPDATED, type Subscription } from "./subscriptions.js";

const ENTITLEMENT_TYPES = ["FEATURE", "CREDIT"] as const;
const MIGRATION_TYPES = ["ALL_CUSTOMERS", "NEW_CUSTOMERS"] as const;
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
    switch (subscription) {
      case ENTITLEMENTS_UPDATED:
        return entitlementsUpdated(fields, report);
      case USAGE_UPDATED:
        return usageUpdated(fields);
      default:
        return { type: "package-published", migration: fields.choice("migrationType", MIGRATION_TYPES) };
    }
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    report(error);
    return subscription === PACKAGE_PUBLISHED ? EVERYTHING_CHANGED : invalidated(payload);
  }
}

function payloadOf({ field }: Subscription, result: unknown): unknown {
  const data: unknown = isObject(result) && "data" in result ? result.data : undefined;
  return isObject(data) ? new Map<string, unknown>(Object.entries(data)).get(field) : data;
}

function entitlementsUpdated(fields: Fields, report: ReportFault): Change {
  const subject = subjectIn(fields);
  const accessDeniedReason = decodeReason(fields);
  const list = fields.raw("entitlements") ?? (leavesNothing(accessDeniedReason) ? [] : undefined);
  if (!Array.isArray(list)) throw new FieldFault("entitlements", "a list", list);
  const state = decodeEntitlements(list, accessDeniedReason, report);
  return state === undefined ? { type: "subject-invalidated", subject } : { type: "entitlements-updated", subject, state };
}

/** Who merely has no subscription may still have entitlements: for such a list that is missing is no empty list. */
function leavesNothing(reason: AccessDeniedReason | undefined): boolean {
  return reason === "CustomerIsArchived" || saysEntityIsMissing(reason);
}

function usageUpdated(fields: Fields): Change {
  const reference = fields.object("entitlementReference");
  const usage = fields.object("usage");
  return {
    type: "usage-updated",
    subject: subjectIn(fields),
    entitlement: { id: reference.text("id"), type: reference.choice("type", ENTITLEMENT_TYPES) === "FEATURE" ? "feature" : "credit" },
    usage: {
      currentUsage: usage.number("currentUsage"),
      periodStart: usage.optionalMoment("usagePeriodStart"),
      periodEnd: usage.optionalMoment("usagePeriodEnd"),
      updatedAt: usage.optionalMoment("usageUpdatedAt"),
    },
  };
}

function subjectIn(fields: Fields): Subject {
  const resourceId = fields.optionalText("resourceId");
  return { customerId: fields.text("customerId"), resourceId: resourceId === "" ? undefined : resourceId };
}

/** A resource that cannot be read makes the customer itself the subject, which puts all its resources in doubt. */
function invalidated(payload: unknown): Change | undefined {
  try {
    const fields = Fields.of(payload, "");
    const customerId = fields.text("customerId");
    const resourceId = fields.raw("resourceId");
    return { type: "subject-invalidated", subject: { customerId, resourceId: typeof resourceId === "string" && resourceId !== "" ? resourceId : undefined } };
  } catch (error) {
    if (error instanceof FieldFault) return undefined;
    throw error;
  }
}
