import { saysEntityIsMissing, type AccessDeniedReason } from "../domain/access-denied-reason.js";
import type { EntitlementsUpdated, PackagePublished, SubjectInvalidated, UsageUpdated } from "../domain/change.js";
import type { Subject } from "../domain/subject.js";
import { decodeReason } from "./decode-entitlement.js";
import { decodeEntitlements, type ReportFault } from "./decode-entitlements.js";
import { FieldFault } from "./field-fault.js";
import type { Fields } from "./fields.js";

const ENTITLEMENT_TYPES = ["FEATURE", "CREDIT"] as const;
const MIGRATION_TYPES = ["ALL_CUSTOMERS", "NEW_CUSTOMERS"] as const;

/** A list of which nothing can be read only says that there is news. @throws FieldFault */
export function decodeEntitlementsUpdated(fields: Fields, report: ReportFault): EntitlementsUpdated | SubjectInvalidated {
  const subject = decodeSubject(fields);
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

/** @throws FieldFault */
export function decodeUsageUpdated(fields: Fields): UsageUpdated {
  const reference = fields.object("entitlementReference");
  const usage = fields.object("usage");
  return {
    type: "usage-updated",
    subject: decodeSubject(fields),
    entitlement: { id: reference.text("id"), type: reference.choice("type", ENTITLEMENT_TYPES) === "FEATURE" ? "feature" : "credit" },
    usage: {
      currentUsage: usage.number("currentUsage"),
      periodStart: usage.optionalMoment("usagePeriodStart"),
      periodEnd: usage.optionalMoment("usagePeriodEnd"),
      updatedAt: usage.optionalMoment("usageUpdatedAt"),
    },
  };
}

/** @throws FieldFault */
export function decodePackagePublished(fields: Fields): PackagePublished {
  return { type: "package-published", migration: fields.choice("migrationType", MIGRATION_TYPES) };
}

/** @throws FieldFault */
export function decodeSubject(fields: Fields): Subject {
  const resourceId = fields.optionalText("resourceId");
  return { customerId: fields.text("customerId"), resourceId: resourceId === "" ? undefined : resourceId };
}
