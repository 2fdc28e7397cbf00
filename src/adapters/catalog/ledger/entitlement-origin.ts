import type { EntitlementReference } from "../../../domain/entitlement.js";
import type { Subject } from "../../../domain/subject.js";
import { toNumber } from "../../../domain/usage/decimal.js";
import type { EntitlementOrigin, GrantOrigin } from "../../../ports/directory.js";
import type { CatalogReading } from "../engine/read-usage.js";
import { walletGrants } from "../engine/wallet-grants.js";
import type { CatalogModel, CustomerDefinition, SubjectDefinition } from "../model/catalog-model.js";
import { activeTerms } from "../model/subscription.js";
import { walletOwner } from "../model/wallet-owner.js";

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
