import type { EntitlementsUpdated, UsageUpdated } from "../../domain/change.js";
import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import { subjectsOf, type CatalogModel, type CustomerDefinition } from "./catalog-model.js";
import { deriveState } from "./derive-state.js";
import { subjectOfLine, type LedgerRecord } from "./ledger-record.js";
import { readFeatureUsage, readWallet, type Reading } from "./read-usage.js";
import { activeTermsOf } from "./subscription.js";
import { visibleCurrencies, walletOwner } from "./wallet-owner.js";

/**
 * The subjects of two catalogs that are not written alike in both, each customer before its resources: news of a
 * customer put its resources in doubt.
 */
export function subjectsThatMayDiffer(before: CatalogModel, after: CatalogModel): readonly Subject[] {
  const subjects: Subject[] = [];
  for (const customerId of new Set([...before.customers.keys(), ...after.customers.keys()])) {
    const customers = [before.customers.get(customerId), after.customers.get(customerId)] as const;
    if (before.written === after.written && areWrittenAlike(...customers)) continue;
    const resourceIds = new Set(customers.flatMap((customer) => [...(customer?.resources.keys() ?? [])]));
    subjects.push({ customerId });
    for (const resourceId of resourceIds) subjects.push({ customerId, resourceId });
  }
  return subjects;
}

function areWrittenAlike(before: CustomerDefinition | undefined, after: CustomerDefinition | undefined): boolean {
  if (after === undefined || before?.written !== after.written) return false;
  const plansBefore = [...subjectsOf(before)].map(({ plan }) => plan?.written);
  return [...subjectsOf(after)].every(({ plan }, index) => plan?.written === plansBefore[index]);
}

/** News of a subject whose state is no longer what its content was; undefined where it is. */
export function changeOfState(
  model: CatalogModel,
  subject: Subject,
  contentBefore: string,
  reading: Reading,
): EntitlementsUpdated | undefined {
  const state = deriveState(model, subject, reading);
  return contentOf(state) === contentBefore ? undefined : { type: "entitlements-updated", subject, state };
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

/** News of the usage and of the wallets that a record touched, for every subject that sees them. */
export function* usageChanges(model: CatalogModel, record: LedgerRecord, reading: Reading): Iterable<UsageUpdated> {
  for (const line of record.usage) {
    const { customerId, resourceId } = subjectOfLine(line);
    const customer = model.customers.get(customerId);
    const definition = resourceId === undefined ? customer : customer?.resources.get(resourceId);
    const featureId = line[2];
    const terms = definition === undefined ? undefined : activeTermsOf(definition, featureId, reading.now);
    if (definition === undefined || terms === undefined) continue;
    // Without the anchor: it belongs to the set of entitlements, which news of usage do not change.
    const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
    yield {
      type: "usage-updated",
      subject: definition.subject,
      entitlement: { type: "feature", id: featureId },
      usage: { currentUsage, periodStart, periodEnd, updatedAt },
    };
  }
  for (const line of record.wallets) yield* walletChanges(model, subjectOfLine(line), line[2], reading);
}

function* walletChanges(model: CatalogModel, owner: Subject, currencyId: string, reading: Reading): Iterable<UsageUpdated> {
  const customer = model.customers.get(owner.customerId);
  if (customer === undefined) return;
  for (const definition of subjectsOf(customer)) {
    const payer = walletOwner(definition, customer, currencyId);
    if (payer.subject.resourceId !== owner.resourceId || !visibleCurrencies(definition, customer).has(currencyId)) continue;
    const { usage } = readWallet(payer, currencyId, reading);
    yield { type: "usage-updated", subject: definition.subject, entitlement: { type: "credit", id: currencyId }, usage };
  }
}
