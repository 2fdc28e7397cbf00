import { buildCustomerState } from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { parseAccessDeniedReason, saysEntityIsMissing } from "../../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../../domain/errors.js";
import { isObject } from "../../../wire/fields.js";

/**
 * The state that upstream's error tells of: that it does not know a customer, or a resource, is knowledge and
 * not a failure, in whichever of its two ways upstream says so. Undefined for any other error.
 */
export function missingEntityStateOf(error: unknown): CustomerState | undefined {
  if (!(error instanceof CodedError) || error.code !== "not-found" || !isObject(error.cause)) return undefined;
  const { code }: { readonly code?: unknown } = error.cause;
  const reason = typeof code === "string" ? parseAccessDeniedReason(code) : undefined;
  return saysEntityIsMissing(reason) ? buildCustomerState({ accessDeniedReason: reason }) : undefined;
}
