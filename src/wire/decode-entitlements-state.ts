import type { CustomerState } from "../domain/customer-state.js";
import { CodedError } from "../domain/errors.js";
import { decodeReason } from "./decode-entitlement.js";
import { decodeEntitlements } from "./decode-entitlements.js";
import { FieldFault } from "./field-fault.js";
import { Fields, isObject, type ReportFault } from "./fields.js";

/** Upstream answered for this subject, and what it said cannot be read: that tells nothing of how it answers for others. */
export class UnreadableStateError extends CodedError {
  constructor(why: string) {
    super("internal", `upstream's answer cannot be read: ${why}`);
  }
}

/**
 * The state in upstream's answer to "what is this subject entitled to".
 *
 * @param data the answer's `data`
 * @throws UnreadableStateError where the state as a whole cannot be read, CodedError `internal` where there is none in the answer;
 * never a state that was not reported
 */
export function decodeEntitlementsState(data: unknown, report: ReportFault): CustomerState {
  try {
    const answer = Fields.of(data, "data").object("entitlementsState");
    const accessDeniedReason = decodeReason(answer.lenient(report));
    const list = listIn(answer, accessDeniedReason !== undefined);
    // Then the reason is all there is, and cannot be done without.
    if (list.length === 0) decodeReason(answer);
    const state = decodeEntitlements(list, accessDeniedReason, report);
    if (state !== undefined) return state;
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    if (isObject(data) && "entitlementsState" in data) throw new UnreadableStateError(error.message);
    throw new CodedError("internal", `upstream's answer cannot be read: ${error.message}`);
  }
  throw new UnreadableStateError("none of its entitlements is valid");
}

/** A state that explains itself may leave out the list; nothing else may. */
function listIn(answer: Fields, isExplained: boolean): readonly unknown[] {
  const list = answer.raw("entitlementsV2") ?? answer.raw("entitlements");
  if (list === undefined && isExplained) return [];
  if (!Array.isArray(list)) throw new FieldFault("data.entitlementsState.entitlementsV2", "a list", list);
  return list;
}
