import { withAmount } from "../ledger/ledger-entry.js";
import { type CustomerDefinition, type SubjectDefinition, subjectsOf } from "../model/catalog-model.js";
import { activeTermsOf, periodOf } from "../model/subscription.js";
import { type CountContext, drawFrom } from "./count-usage.js";

/** Whether a catalog states usage of a customer or of its resources. */
export function statesUsage(customer: CustomerDefinition): boolean {
  for (const { initialUsage, initialCreditsUsed } of subjectsOf(customer))
    if (initialUsage.size + initialCreditsUsed.size > 0) return true;
  return false;
}

/**
 * Begins with the usage that the catalog states. A number that usage began with once is not applied again,
 * so that a restart keeps what was counted since; a number that was edited is.
 *
 * @param context `now` and `catalogSince`: since when it has been stated
 */
export function seedUsage(customer: CustomerDefinition, context: CountContext): void {
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
