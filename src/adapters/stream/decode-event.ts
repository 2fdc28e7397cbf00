import type { Change } from "../../domain/change.js";
import {
  decodeEntitlementsUpdated,
  decodePackagePublished,
  decodeUsageUpdated,
  invalidatedSubjectOf,
} from "../../wire/decode-changes.js";
import { FieldFault } from "../../wire/field-fault.js";
import { Fields, isObject, type ReportFault } from "../../wire/fields.js";
import type { Subscription } from "./subscriptions.js";

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
