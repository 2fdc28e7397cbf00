import type { CreditEntitlement, FeatureEntitlement } from "../entitlement.js";
import type { FeatureKind } from "../feature.js";
import type { Usage } from "../usage/usage.js";
import type { AccessDeniedReason } from "./access-denied-reason.js";
import type { FallbackValues } from "./fallback.js";

/** What a caller wants to know of one feature. */
export interface FeatureQuery {
  readonly featureId: string;
  /** The kind that a typed call asks for; undefined: whatever the feature is. */
  readonly kind: FeatureKind | undefined;
  /** How much the caller is about to use; undefined, and below 0: nothing. Without a number (NaN) nothing fits a limit. */
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[];
  /** The request's own fallback. */
  readonly fallback: FallbackValues | undefined;
  /**
   * Whether an unknown feature is answered from the fallback where one is given. Only the untyped
   * first-generation call does so, as the published client does; all others say why it is unknown.
   */
  readonly fallbackWhenUnknown: boolean;
}

/** What a caller wants to know of one wallet. */
export interface CreditQuery {
  readonly currencyId: string;
  /** Credits that the caller is about to use; undefined, and below 0: any. */
  readonly requestedUsage: number | undefined;
  readonly fallback: FallbackValues | undefined;
}

export interface FeatureDecision {
  readonly hasAccess: boolean;
  /** Set on every denial, and on every fallback, granted or not. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** What was decided on; undefined where the entitlement is not known or the answer is a fallback. */
  readonly entitlement: FeatureEntitlement | undefined;
  /** Usage of a metered entitlement in the period of the check. */
  readonly usage: Usage | undefined;
  /** The values that stand in for an entitlement; set exactly where the answer is a fallback. */
  readonly fallback: FallbackValues | undefined;
}

export interface CreditDecision {
  readonly hasAccess: boolean;
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly entitlement: CreditEntitlement | undefined;
  readonly usage: Usage | undefined;
  /** Credits left; below 0 only under a soft limit. */
  readonly remaining: number;
  readonly fallback: FallbackValues | undefined;
}
