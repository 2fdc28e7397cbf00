import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../domain/build-customer-state.js";
import { ANY_ID, type CustomerState } from "../domain/customer-state.js";
import type { AccessDeniedReason } from "../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../domain/entitlement.js";
import { CodedError } from "../domain/errors.js";
import { decodeEntitlement, decodeReason, typeOfUnreadable } from "./decode-entitlement.js";
import { FieldFault } from "./fault-log.js";
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
  const features = new Map<string, FeatureEntitlementInput>();
  const credits = new Map<string, CreditEntitlementInput>();
  const unknown: EntitlementReference[] = [];
  let isAnyIdKnown = false;
  let updatedAt: number | undefined;
  for (const item of list) {
    try {
      const decoded = decodeEntitlement(item, report);
      isAnyIdKnown = true;
      if (decoded.kind === "other") continue;
      if (decoded.kind === "feature")
        setLast(features, "feature.refId", decoded.input.feature.id, decoded.input, report);
      else if (decoded.kind === "credit")
        setLast(credits, "currency.currencyId", decoded.input.currency.currencyId, decoded.input, report);
      else unknown.push(decoded.entitlement);
      updatedAt = later(updatedAt, decoded.updatedAt);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      report(error);
      unknown.push({ type: typeOfUnreadable(item), id: ANY_ID });
    }
  }
  if (list.length > 0 && !isAnyIdKnown) return undefined;
  return buildCustomerState({
    features: [...features.values()],
    credits: [...credits.values()],
    unknown,
    accessDeniedReason,
    updatedAt,
  });
}

/** Where an id occurs twice the last one counts, as for the vendor's clients, and that is reported. */
function setLast<T>(byId: Map<string, T>, path: string, id: string, input: T, report: ReportFault): void {
  if (byId.has(id)) report(new FieldFault(path, "an id that occurs once in the list", id, id));
  byId.set(id, input);
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
