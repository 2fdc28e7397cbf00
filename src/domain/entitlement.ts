import type { AccessDeniedReason } from "./decision/access-denied-reason.js";
import type { Feature, FeatureKind } from "./feature.js";
import type { ResetPeriod } from "./usage/usage-period.js";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The unit in which a wallet of credits is kept. */
export interface CreditCurrency {
  readonly currencyId: string;
  readonly displayName: string;
  readonly description?: string | undefined;
  readonly unitSingular?: string | undefined;
  readonly unitPlural?: string | undefined;
  readonly additionalMetaData?: Readonly<Record<string, JsonValue>> | undefined;
}

/** Which entitlement of a state: a feature by its id, or a wallet by its currency's id. */
export interface EntitlementReference {
  readonly type: "feature" | "credit";
  readonly id: string;
}

/** What one unit of a feature costs in credits. */
export interface CreditRate {
  readonly amount: number;
  readonly currencyId: string;
}

/**
 * What a customer may do with one feature, without what was used of it: customers of one plan share
 * these, so usage and everything else that is one customer's own is kept apart (see Usage).
 */
export interface FeatureEntitlement {
  readonly feature: Feature;
  readonly kind: FeatureKind;
  /** Undefined counts as 0 where something is metered. */
  readonly usageLimit: number | undefined;
  readonly hasUnlimitedUsage: boolean;
  readonly hasSoftLimit: boolean;
  readonly enumValues: readonly string[];
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** Epoch milliseconds; from then on the state has to be asked for again. */
  readonly validUntil: number | undefined;
  readonly creditRate: CreditRate | undefined;
  readonly resetPeriod: ResetPeriod | undefined;
  /** How the anchor was chosen, for example "SubscriptionStart"; only passed on. */
  readonly resetPeriodConfiguration: string | undefined;
}

/** A wallet: `usageLimit` credits were granted, its usage says how many are consumed. */
export interface CreditEntitlement {
  readonly currency: CreditCurrency;
  readonly usageLimit: number;
  readonly hasSoftLimit: boolean;
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  /** Epoch milliseconds; from then on the state has to be asked for again. */
  readonly validUntil: number | undefined;
}
