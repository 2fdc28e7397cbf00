import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../domain/build-customer-state.js";
import { ANY_ID, type CustomerState } from "../domain/customer-state.js";
import type { AccessDeniedReason } from "../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../domain/entitlement.js";
import { decodeEntitlement, typeOfUnreadable } from "./decode-entitlement.js";
import { FieldFault } from "./field-fault.js";
import type { ReportFault } from "./fields.js";

/**
 * The state that a list of upstream's entitlements makes. What is wrong with a field costs the field; an entitlement
 * that cannot be decided on is unknown, which is neither had nor not had.
 *
 * @returns undefined where something is in the list and nothing of it can be read, not even its id: to take that for
 * "entitled to nothing" would deny everything because of a fault
 */
export function decodeEntitlements(
  list: readonly unknown[],
  accessDeniedReason: AccessDeniedReason | undefined,
  report: ReportFault,
): CustomerState | undefined {
  const features: FeatureEntitlementInput[] = [];
  const credits: CreditEntitlementInput[] = [];
  const unknown: EntitlementReference[] = [];
  let isAnyIdKnown = false;
  let updatedAt: number | undefined;
  for (const item of list) {
    try {
      const decoded = decodeEntitlement(item, report);
      isAnyIdKnown = true;
      if (decoded.kind === "other") continue;
      if (decoded.kind === "feature") features.push(decoded.input);
      else if (decoded.kind === "credit") credits.push(decoded.input);
      else unknown.push(decoded.entitlement);
      updatedAt = later(updatedAt, decoded.updatedAt);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      report(error);
      unknown.push({ type: typeOfUnreadable(item), id: ANY_ID });
    }
  }
  if (list.length > 0 && !isAnyIdKnown) return undefined;
  return buildCustomerState({ features, credits, unknown, accessDeniedReason, updatedAt });
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
