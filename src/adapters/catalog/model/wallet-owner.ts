import type { CustomerDefinition, SubjectDefinition } from "./catalog-model.js";

/**
 * The currencies whose wallets are a subject's own. A customer's are all that it fills or spends. A resource
 * owns only those that it fills, and pays what it spends beyond them from its customer's.
 */
export function ownCurrencies(definition: SubjectDefinition, isResource: boolean): ReadonlySet<string> {
  const currencies = new Set<string>(definition.plan?.includedCredits.keys());
  for (const currencyId of definition.grants.keys()) currencies.add(currencyId);
  if (!isResource) for (const currencyId of spentCurrencies(definition)) currencies.add(currencyId);
  return currencies;
}

/**
 * The currencies of all wallets that a subject sees: its own, what it spends, and its customer's. They are the
 * same at all times: a wallet whose credits have expired, or whose subscription is over, is an empty one.
 */
export function visibleCurrencies(definition: SubjectDefinition, customer: CustomerDefinition): ReadonlySet<string> {
  const currencies = new Set(ownCurrencies(customer, false));
  if (definition !== customer) for (const currencyId of ownCurrencies(definition, false)) currencies.add(currencyId);
  return currencies;
}

/** Whose wallet a subject pays from. */
export function walletOwner(
  definition: SubjectDefinition,
  customer: CustomerDefinition,
  currencyId: string,
): SubjectDefinition {
  if (definition === customer) return customer;
  const fillsOwn = definition.grants.has(currencyId) || definition.plan?.includedCredits.has(currencyId) === true;
  return fillsOwn ? definition : customer;
}

/** A feature that costs credits brings a wallet, so that it is never free for want of one. */
function* spentCurrencies({ plan, overrides }: SubjectDefinition): Iterable<string> {
  for (const { creditRate } of plan?.entitlements.values() ?? [])
    if (creditRate !== undefined) yield creditRate.currencyId;
  for (const { terms } of overrides.values()) if (terms?.creditRate !== undefined) yield terms.creditRate.currencyId;
}
