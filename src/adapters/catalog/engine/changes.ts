import type { UsageUpdated } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import { type LedgerRecord, subjectOfLine } from "../ledger/ledger-record.js";
import { type CatalogModel, subjectsOf } from "../model/catalog-model.js";
import { activeTermsOf } from "../model/subscription.js";
import { visibleCurrencies, walletOwner } from "../model/wallet-owner.js";
import { type CatalogReading, readFeatureUsage, readWallet } from "./read-usage.js";

/** A customer and its resources in either of two catalogs, the customer first: a change of it concerns its resources. */
export function subjectsInEither(before: CatalogModel, after: CatalogModel, customerId: string): readonly Subject[] {
  const customers = [before.customers.get(customerId), after.customers.get(customerId)];
  const resourceIds = new Set(customers.flatMap((customer) => [...(customer?.resources.keys() ?? [])]));
  return [{ customerId }, ...[...resourceIds].map((resourceId) => ({ customerId, resourceId }))];
}

/** All that a state says, without when it was learnt. */
export function contentOf(state: CustomerState): string {
  const features = [...state.features()].map((entitlement) => [
    entitlement,
    { ...state.featureUsage(entitlement.feature.id), updatedAt: undefined },
  ]);
  const credits = [...state.credits()].map((entitlement) => [
    entitlement,
    { ...state.creditUsage(entitlement.currency.currencyId), updatedAt: undefined },
  ]);
  return JSON.stringify([state.accessDeniedReason, features, credits]);
}

/**
 * Changes of the usage and of the wallets that a record touched, for every subject that sees them. What the catalog states is kept
 * with the first report of its customer, and is no change: what is counted is always newer than the catalog.
 */
export function* usageChanges(
  model: CatalogModel,
  record: LedgerRecord,
  reading: CatalogReading,
): Iterable<UsageUpdated> {
  for (const line of record.usage) {
    const [, , , , , countedAt] = line;
    if (countedAt <= reading.catalogSince) continue;
    const { customerId, resourceId } = subjectOfLine(line);
    const customer = model.customers.get(customerId);
    const definition = resourceId === undefined ? customer : customer?.resources.get(resourceId);
    const featureId = line[2];
    const terms = definition === undefined ? undefined : activeTermsOf(definition, featureId, reading.now);
    if (definition === undefined || terms === undefined) continue;
    // Without the anchor: it belongs to the set of entitlements, which changes of usage leave alone.
    const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
    yield {
      type: "usage-updated",
      subject: definition.subject,
      entitlement: { type: "feature", id: featureId },
      usage: { currentUsage, periodStart, periodEnd, updatedAt },
    };
  }
  for (const line of record.wallets) {
    const [, , , , , , countedAt] = line;
    if (countedAt > reading.catalogSince) yield* walletChanges(model, subjectOfLine(line), line[2], reading);
  }
}

function* walletChanges(
  model: CatalogModel,
  owner: Subject,
  currencyId: string,
  reading: CatalogReading,
): Iterable<UsageUpdated> {
  const customer = model.customers.get(owner.customerId);
  if (customer === undefined) return;
  for (const definition of subjectsOf(customer)) {
    const payer = walletOwner(definition, customer, currencyId);
    if (payer.subject.resourceId !== owner.resourceId || !visibleCurrencies(definition, customer).has(currencyId))
      continue;
    const { usage } = readWallet(payer, currencyId, reading);
    yield {
      type: "usage-updated",
      subject: definition.subject,
      entitlement: { type: "credit", id: currencyId },
      usage,
    };
  }
}
