import type { JsonValue } from "../../../domain/entitlement.js";
import type { FeatureKind } from "../../../domain/feature.js";
import type { ResetPeriod } from "../../../domain/usage/usage-period.js";

/** A catalog as it is written down. What each field means is described in schema/catalog.schema.json. */
export interface CatalogInput {
  readonly features: readonly FeatureInput[];
  readonly creditCurrencies?: readonly CreditCurrencyInput[];
  readonly plans?: readonly PlanInput[];
  readonly customers: readonly CustomerInput[];
}

/** An ISO 8601 date, a date and time with an offset, or epoch milliseconds. */
export type TimestampInput = string | number;

export interface FeatureInput {
  readonly id: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly kind: FeatureKind;
  readonly meterType?: "Incremental" | "Fluctuating";
  readonly units?: string;
  readonly unitsPlural?: string;
  readonly values?: readonly string[];
  readonly meter?: MeterInput;
}

export interface MeterInput {
  readonly event: string;
  readonly aggregation?: "count" | "sum";
  readonly dimension?: string;
  readonly where?: Readonly<Record<string, string | number | boolean>>;
}

export interface CreditCurrencyInput {
  readonly id: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly unitSingular?: string;
  readonly unitPlural?: string;
  readonly additionalMetaData?: Readonly<Record<string, JsonValue>>;
}

export interface PlanInput {
  readonly id: string;
  readonly displayName?: string;
  readonly entitlements?: Readonly<Record<string, ShortEntitlementInput | EntitlementInput>>;
  readonly includedCredits?: readonly IncludedCreditsInput[];
}

/** true, false, a limit or value, "unlimited", or the allowed values. */
export type ShortEntitlementInput = boolean | number | "unlimited" | readonly string[];

export interface EntitlementInput {
  readonly limit?: number;
  readonly unlimited?: boolean;
  readonly softLimit?: boolean;
  readonly value?: number;
  readonly values?: readonly string[];
  readonly resetPeriod?: ResetPeriod;
  readonly resetAnchor?: ResetAnchor;
  readonly creditRate?: { readonly currency: string; readonly amount: number };
  readonly revoked?: boolean;
}

export interface OverrideInput extends EntitlementInput {
  readonly validUntil?: TimestampInput;
}

export type ResetAnchor =
  | "SubscriptionStart"
  | "StartOfTheMonth"
  | "EverySunday"
  | "EveryMonday"
  | "EveryTuesday"
  | "EveryWednesday"
  | "EveryThursday"
  | "EveryFriday"
  | "EverySaturday";

export interface IncludedCreditsInput {
  readonly currency: string;
  readonly amount: number;
  readonly priority?: number;
  readonly resetPeriod?: ResetPeriod;
  readonly resetAnchor?: ResetAnchor;
  readonly softLimit?: boolean;
}

export type GrantCategory = "promotional" | "paid";

export interface CreditGrantInput {
  readonly id?: string;
  readonly currency: string;
  readonly amount: number;
  readonly priority?: number;
  readonly category?: GrantCategory;
  readonly effectiveAt?: TimestampInput;
  readonly expiresAt?: TimestampInput;
  readonly createdAt?: TimestampInput;
  readonly softLimit?: boolean;
}

/** What a customer and a resource have in common. */
export interface SubscriptionInput {
  readonly id: string;
  readonly name?: string;
  readonly plan?: string;
  readonly startedAt?: TimestampInput;
  readonly anchor?: TimestampInput;
  readonly validUntil?: TimestampInput;
  readonly overrides?: Readonly<Record<string, ShortEntitlementInput | OverrideInput>>;
  readonly creditGrants?: readonly CreditGrantInput[];
  readonly usage?: Readonly<Record<string, number>>;
  readonly creditsUsed?: Readonly<Record<string, number>>;
}

export type ResourceInput = SubscriptionInput;

export interface CustomerInput extends SubscriptionInput {
  readonly archived?: boolean;
  readonly resources?: readonly ResourceInput[];
}
