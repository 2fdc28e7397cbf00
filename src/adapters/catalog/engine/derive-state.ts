import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import type { Subject } from "../../../domain/subject.js";
import { toNumber } from "../../../domain/usage/decimal.js";
import type { EntitlementOrigin, GrantOrigin } from "../../../ports/checks.js";
import { isConfigurable } from "../../../wire/reset-period-configuration.js";
import type { CatalogModel, CustomerDefinition, EntitlementTerms, SubjectDefinition } from "../model/catalog-model.js";
import {
  activeTerms,
  isSubscribed,
  lastSubscriptionChange,
  nextSubscriptionChange,
  visibleCurrencies,
  walletOwner,
} from "../model/subscription.js";
import { walletGrants } from "./draw-credits.js";
import { type CatalogReading, readFeatureUsage, readWallet } from "./read-usage.js";

/** What a catalog and what was counted say of a subject at one point in time. */
export function deriveState(
  model: CatalogModel,
  { customerId, resourceId }: Subject,
  reading: CatalogReading,
): CustomerState {
  const customer = model.customers.get(customerId);
  if (customer === undefined) return empty("CustomerNotFound");
  if (customer.isArchived) return empty("CustomerIsArchived");
  const definition = resourceId === undefined ? customer : customer.resources.get(resourceId);
  if (definition === undefined) return empty("CustomerResourceNotFound");
  return stateOf(model, customer, definition, reading);
}

function empty(accessDeniedReason: AccessDeniedReason): CustomerState {
  return buildCustomerState({ accessDeniedReason });
}

function stateOf(
  model: CatalogModel,
  customer: CustomerDefinition,
  definition: SubjectDefinition,
  reading: CatalogReading,
): CustomerState {
  const { now, catalogSince } = reading;
  // Every entitlement holds until then, since the reason for those that are missing changes too.
  const subscriptionChange = nextSubscriptionChange(definition, now);
  const features: FeatureEntitlementInput[] = [];
  for (const { terms, validUntil } of activeTerms(definition, now)) {
    features.push(featureEntitlement(definition, terms, earlier(validUntil, subscriptionChange), reading));
  }
  const credits: CreditEntitlementInput[] = [];
  for (const currencyId of visibleCurrencies(definition, customer)) {
    const owner = walletOwner(definition, customer, currencyId);
    credits.push(...creditEntitlement(model, owner, currencyId, subscriptionChange, reading));
  }
  return buildCustomerState({
    features,
    credits,
    accessDeniedReason: isSubscribed(definition, now) ? undefined : "NoActiveSubscription",
    updatedAt: Math.max(catalogSince, lastSubscriptionChange(definition, now)),
  });
}

function featureEntitlement(
  definition: SubjectDefinition,
  terms: EntitlementTerms,
  validUntil: number | undefined,
  reading: CatalogReading,
): Required<FeatureEntitlementInput> {
  const { feature } = terms.definition;
  return {
    feature,
    usageLimit: terms.usageLimit,
    hasUnlimitedUsage: terms.hasUnlimitedUsage,
    hasSoftLimit: terms.hasSoftLimit,
    enumValues: terms.enumValues,
    accessDeniedReason: terms.isRevoked ? "Revoked" : undefined,
    validUntil,
    creditRate: terms.creditRate,
    resetPeriod: terms.resetPeriod,
    resetPeriodConfiguration: isConfigurable(terms.resetPeriod) ? terms.resetAnchor : undefined,
    usage: readFeatureUsage(definition, feature.id, terms, reading),
  };
}

function* creditEntitlement(
  model: CatalogModel,
  owner: SubjectDefinition,
  currencyId: string,
  nextChange: number,
  reading: CatalogReading,
): Iterable<CreditEntitlementInput> {
  const currency = model.currencies.get(currencyId);
  if (currency === undefined) return;
  const { grants, usageLimit, usage } = readWallet(owner, currencyId, reading);
  yield {
    currency,
    usageLimit,
    hasSoftLimit: grants.hasSoftLimit,
    validUntil: earlier(grants.nextChange, nextChange),
    usage,
  };
}

function earlier(a: number | undefined, b: number): number | undefined {
  const end = Math.min(a ?? Infinity, b);
  return end === Infinity ? undefined : end;
}

/** Where what a subject has of a feature or wallet comes from, at one point in time. */
export function entitlementOrigin(
  model: CatalogModel,
  { customerId, resourceId }: Subject,
  reference: EntitlementReference,
  reading: CatalogReading,
): EntitlementOrigin | undefined {
  const customer = model.customers.get(customerId);
  const definition = resourceId === undefined ? customer : customer?.resources.get(resourceId);
  if (customer === undefined || definition === undefined) return undefined;
  const currencyId = reference.type === "credit" ? reference.id : rateOf(definition, reference.id, reading.now);
  return {
    plan: definition.plan?.id,
    subscriptionStartedAt: definition.startedAt,
    subscriptionEndsAt: definition.validUntil,
    from: reference.type === "credit" ? undefined : originOf(definition, reference.id, reading.now),
    grants: currencyId === undefined ? [] : grantsOf(customer, definition, currencyId, reading),
  };
}

function originOf(definition: SubjectDefinition, featureId: string, now: number): "plan" | "override" | undefined {
  const override = definition.overrides.get(featureId);
  if (override !== undefined && (override.validUntil === undefined || now < override.validUntil)) return "override";
  return definition.plan?.entitlements.has(featureId) === true ? "plan" : undefined;
}

function rateOf(definition: SubjectDefinition, featureId: string, now: number): string | undefined {
  for (const { terms } of activeTerms(definition, now))
    if (terms.definition.feature.id === featureId) return terms.creditRate?.currencyId;
  return undefined;
}

function grantsOf(
  customer: CustomerDefinition,
  definition: SubjectDefinition,
  currencyId: string,
  { ledger, now }: CatalogReading,
): readonly GrantOrigin[] {
  const owner = walletOwner(definition, customer, currencyId);
  const drawn = ledger.wallet(owner.subject, currencyId)?.drawn;
  let isPaidFor = false;
  return walletGrants(owner, currencyId, now).active.map(({ key, amount, expiresAt }): GrantOrigin => {
    const taken = toNumber(drawn?.get(key)?.amount ?? 0);
    const paysNext = !isPaidFor && taken < amount;
    isPaidFor ||= paysNext;
    return { id: key, amount, drawn: taken, expiresAt: expiresAt === Infinity ? undefined : expiresAt, paysNext };
  });
}
