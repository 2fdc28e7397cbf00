import {
  type EntitlementsUpdated,
  MIGRATIONS,
  type PackagePublished,
  type SubjectInvalidated,
  type UsageUpdated,
} from "../domain/change.js";
import { type AccessDeniedReason, saysEntityIsMissing } from "../domain/decision/access-denied-reason.js";
import type { Subject } from "../domain/subject.js";
import { decodeReason } from "./decode-entitlement.js";
import { decodeEntitlements } from "./decode-entitlements-state.js";
import { FieldFault } from "./fault-log.js";
import { type Fields, isObject, type ReportFault } from "./fields.js";

const ENTITLEMENT_TYPES = ["FEATURE", "CREDIT"] as const;

/** A list of which nothing can be read only says that there is a change. @throws FieldFault */
export function decodeEntitlementsUpdated(
  fields: Fields,
  report: ReportFault,
): EntitlementsUpdated | SubjectInvalidated {
  const subject = decodeSubject(fields);
  const accessDeniedReason = decodeReason(fields.lenient(report));
  const list = fields.raw("entitlements") ?? (leavesNothing(accessDeniedReason) ? [] : undefined);
  if (!Array.isArray(list)) throw new FieldFault("entitlements", "a list", list);
  const state = decodeEntitlements(list, accessDeniedReason, report);
  return state === undefined
    ? { type: "subject-invalidated", subject }
    : { type: "entitlements-updated", subject, state };
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
    entitlement: {
      id: reference.text("id"),
      type: reference.choice("type", ENTITLEMENT_TYPES) === "FEATURE" ? "feature" : "credit",
    },
    usage: {
      currentUsage: usage.number("currentUsage"),
      periodStart: usage.optionalTimestamp("usagePeriodStart"),
      periodEnd: usage.optionalTimestamp("usagePeriodEnd"),
      updatedAt: usage.optionalTimestamp("usageUpdatedAt"),
    },
  };
}

/** Where it cannot be read whose states a publication changes, it may be everybody's. */
export function decodePackagePublished(fields: Fields, report: ReportFault): PackagePublished {
  const lenient = fields.lenient(report);
  const migration = lenient.optionalChoice("migrationType", MIGRATIONS);
  if (lenient.raw("migrationType") === undefined) lenient.costs("migrationType", `one of ${MIGRATIONS.join(", ")}`);
  return { type: "package-published", migration: migration ?? "ALL_CUSTOMERS" };
}

/**
 * What a change that cannot be read still says: something changed of its subject. A resource that cannot be read makes
 * the customer itself the subject, which makes the states of all its resources stale.
 *
 * @returns undefined where its subject cannot be read either
 */
export function invalidatedSubjectOf(payload: unknown): SubjectInvalidated | undefined {
  if (!isObject(payload)) return undefined;
  const { customerId, resourceId }: { readonly customerId?: unknown; readonly resourceId?: unknown } = payload;
  if (typeof customerId !== "string" || customerId === "") return undefined;
  const isResource = typeof resourceId === "string" && resourceId !== "";
  return { type: "subject-invalidated", subject: { customerId, resourceId: isResource ? resourceId : undefined } };
}

/** @throws FieldFault */
export function decodeSubject(fields: Fields): Subject {
  const resourceId = fields.optionalText("resourceId");
  return { customerId: fields.text("customerId"), resourceId: resourceId === "" ? undefined : resourceId };
}
