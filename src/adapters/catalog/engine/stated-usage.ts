import { type LedgerReader, withAmount } from "../ledger/ledger-entry.js";
import { LedgerDraft } from "../ledger/usage-ledger.js";
import { type CustomerDefinition, type SubjectDefinition, subjectsOf } from "../model/catalog-model.js";
import type { ServedModel } from "../model/compare-catalogs.js";
import { activeTermsOf, periodOf } from "../model/subscription.js";
import { type CountContext, drawFrom } from "./count-usage.js";

/**
 * What is counted of a customer together with what the catalog states that its usage begins with. That becomes part of the ledger
 * once the ledger is added to: kept for each customer it would take more memory than all else.
 */
export function withStatedUsage(customerId: string, served: ServedModel, ledger: LedgerReader): LedgerReader {
  const customer = served.model.customers.get(customerId);
  if (customer === undefined || !statesUsage(customer)) return ledger;
  const draft = new LedgerDraft(ledger);
  seedUsage(customer, served, draft);
  return draft;
}

/** Makes what the catalog states of a customer part of a draft, where it states anything. */
export function beginWithStatedUsage(customerId: string, served: ServedModel, draft: LedgerDraft): void {
  const customer = served.model.customers.get(customerId);
  if (customer !== undefined && statesUsage(customer)) seedUsage(customer, served, draft);
}

function statesUsage(customer: CustomerDefinition): boolean {
  for (const { initialUsage, initialCreditsUsed } of subjectsOf(customer))
    if (initialUsage.size + initialCreditsUsed.size > 0) return true;
  return false;
}

/** A number that usage began with once is not applied again, so that a restart keeps what was counted since; one that was edited is. */
function seedUsage(
  customer: CustomerDefinition,
  { model, servedSince, statedSince }: ServedModel,
  draft: LedgerDraft,
): void {
  const stated = statedSince?.[model.customers.indexOf(customer.subject.customerId)] ?? NaN;
  const since = Number.isNaN(stated) ? servedSince : stated;
  const context: CountContext = { model, draft, catalogSince: since, now: since };
  for (const definition of subjectsOf(customer)) {
    if (definition.initialUsage.size > 0) seedFeatures(definition, context);
    if (definition.initialCreditsUsed.size > 0) seedWallets(definition, context);
  }
}

function seedFeatures(definition: SubjectDefinition, { draft, catalogSince, now }: CountContext): void {
  const { subject } = definition;
  for (const [featureId, initial] of definition.initialUsage) {
    const entry = draft.usage(subject, featureId);
    if (entry?.initial === initial) continue;
    const terms = activeTermsOf(definition, featureId, now);
    const period = terms === undefined ? undefined : periodOf(definition, terms, now);
    draft.setUsage(subject, featureId, {
      amounts: withAmount(entry?.amounts ?? [], { periodStart: period?.start, amount: initial }, period?.start, now),
      initial,
      updatedAt: catalogSince,
    });
  }
}

function seedWallets(definition: SubjectDefinition, context: CountContext): void {
  const { draft, catalogSince } = context;
  const { subject } = definition;
  for (const [currencyId, initial] of definition.initialCreditsUsed) {
    if (draft.wallet(subject, currencyId)?.initial === initial) continue;
    draft.setWallet(subject, currencyId, { drawn: new Map(), overdraft: 0, initial, updatedAt: catalogSince });
    drawFrom(definition, currencyId, initial, context);
  }
}
