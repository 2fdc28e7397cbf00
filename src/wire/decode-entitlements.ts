import type { AccessDeniedReason } from "../domain/access-denied-reason.js";
import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../domain/build-customer-state.js";
import type { CustomerState } from "../domain/customer-state.js";
import { decodeEntitlement } from "./decode-entitlement.js";
import { FieldFault } from "./field-fault.js";

/** Told of each part of an answer that had to be left out, and why. */
export type ReportFault = (fault: FieldFault) => void;

/**
 * The state that a list of upstream's entitlements makes. What is wrong with one of them costs that one.
 *
 * @returns undefined where something is in the list and nothing of it can be read: to take that for "entitled
 * to nothing" would deny everything because of a fault
 */
export function decodeEntitlements(
  list: readonly unknown[],
  accessDeniedReason: AccessDeniedReason | undefined,
  report: ReportFault,
): CustomerState | undefined {
  const features: FeatureEntitlementInput[] = [];
  const credits: CreditEntitlementInput[] = [];
  let updatedAt: number | undefined;
  for (const item of list) {
    try {
      const decoded = decodeEntitlement(item);
      if (decoded.kind === "feature") features.push(decoded.input);
      else credits.push(decoded.input);
      updatedAt = later(updatedAt, decoded.updatedAt);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      report(error);
    }
  }
  if (list.length > 0 && features.length + credits.length === 0) return undefined;
  return buildCustomerState({ features, credits, accessDeniedReason, updatedAt });
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
