import {
  buildCustomerState,
  type CreditEntitlementInput,
  type CustomerStateInput,
  type FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import type { MeterType } from "../../src/domain/feature.js";
import type { Usage } from "../../src/domain/usage/usage.js";

type Terms = Omit<FeatureEntitlementInput, "feature" | "usage">;

export interface MeteredTerms extends Terms {
  readonly id?: string;
  readonly meterType?: MeterType;
  /** Shorthand for a usage without a period. */
  readonly used?: number;
  readonly usage?: Usage;
}

/** A limit of 10 of which 8 are used, unless said otherwise. */
export function metered({
  id = "seats",
  meterType = "Fluctuating",
  used = 8,
  usage,
  ...terms
}: MeteredTerms = {}): FeatureEntitlementInput {
  return {
    usageLimit: 10,
    ...terms,
    feature: { id, featureType: "NUMBER", meterType },
    usage: usage ?? { currentUsage: used },
  };
}

export function boolean({ id = "sso", ...terms }: Terms & { readonly id?: string } = {}): FeatureEntitlementInput {
  return { ...terms, feature: { id, featureType: "BOOLEAN" } };
}

export function numeric({
  id = "retention-days",
  ...terms
}: Terms & { readonly id?: string } = {}): FeatureEntitlementInput {
  return { ...terms, feature: { id, featureType: "NUMBER", meterType: "None" } };
}

/** The values a and b are allowed, unless said otherwise. */
export function enumerated({
  id = "regions",
  ...terms
}: Terms & { readonly id?: string } = {}): FeatureEntitlementInput {
  return { enumValues: ["a", "b"], ...terms, feature: { id, featureType: "ENUM" } };
}

export interface WalletTerms extends Partial<Omit<CreditEntitlementInput, "currency">> {
  readonly currencyId?: string;
  /** Shorthand for a usage without a period. */
  readonly used?: number;
}

/** 100 credits granted of which none is consumed, unless said otherwise. */
export function wallet({
  currencyId = "credits",
  used = 0,
  usage,
  ...terms
}: WalletTerms = {}): CreditEntitlementInput {
  return {
    usageLimit: 100,
    ...terms,
    currency: { currencyId, displayName: currencyId },
    usage: usage ?? { currentUsage: used },
  };
}

export function stateWith(
  features: readonly FeatureEntitlementInput[],
  rest: Omit<CustomerStateInput, "features"> = {},
): CustomerState {
  return buildCustomerState({ features, ...rest });
}

export const emptyState = (accessDeniedReason?: CustomerStateInput["accessDeniedReason"]): CustomerState =>
  buildCustomerState({ accessDeniedReason });

/** Everything that can be read from a state, as plain data: two states are the same exactly when these are. */
export function contentsOf(state: CustomerState) {
  return structuredClone({
    accessDeniedReason: state.accessDeniedReason,
    updatedAt: state.updatedAt,
    validUntil: state.validUntil,
    featureCount: state.featureCount,
    creditCount: state.creditCount,
    includesWallets: state.includesWallets,
    features: Object.fromEntries(
      [...state.features()].map((entitlement) => [
        entitlement.feature.id,
        { entitlement, usage: state.featureUsage(entitlement.feature.id) },
      ]),
    ),
    credits: Object.fromEntries(
      [...state.credits()].map((entitlement) => [
        entitlement.currency.currencyId,
        { entitlement, usage: state.creditUsage(entitlement.currency.currencyId) },
      ]),
    ),
  });
}
