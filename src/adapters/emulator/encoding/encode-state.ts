import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import { encodeCreditEntitlement } from "./encode-credit-entitlement.js";
import { encodeFeatureEntitlement, encodeOlderEntitlement } from "./encode-feature-entitlement.js";

/** Everything of a state, as the newer clients read it. @param now epoch milliseconds */
export function encodeEntitlementsV2(state: CustomerState, now: number) {
  const features = [...state.features()].map((entitlement) => encodeFeatureEntitlement(state, entitlement, now));
  const credits = [...state.credits()].map((entitlement) => encodeCreditEntitlement(state, entitlement));
  return [...features, ...credits];
}

/**
 * What of a state the older clients can read. Why it is empty cannot be said: to them that is a customer
 * who does not exist. @param now epoch milliseconds
 */
export function encodeOlderEntitlements(subject: Subject, state: CustomerState, now: number) {
  return [...state.features()].map((entitlement) => encodeOlderEntitlement(subject, state, entitlement, now));
}
