import type { CustomerDefinition, SubjectDefinition } from "./catalog-model.js";

/**
 * The currencies whose wallets are a subject's own. A customer's are all that it fills or spends. A resource
 * owns only those that it fills, and pays what it spends beyond them from its customer's.
 */
export function ownCurrencies({ plan, grants, overrides }: SubjectDefinition, isResource: boolean): ReadonlySet<string> {
  const currencies = new Set<string>(plan?.includedCredits.keys());
  for (const currencyId of grants.keys()) currencies.add(currencyId);
  if (isResource) return currencies;
  for (const { creditRate } of plan?.entitlements.values() ?? []) if (creditRate !== undefined) currencies.add(creditRate.currencyId);
  for (const { terms } of overrides.values()) if (terms?.creditRate !== undefined) currencies.add(terms.creditRate.currencyId);
  return currencies;
}

/** Whose wallet a subject pays from. It stays the same while grants come and expire. */
export function walletOwner(definition: SubjectDefinition, customer: CustomerDefinition, currencyId: string): SubjectDefinition {
  if (definition === customer) return customer;
  const fillsOwn = definition.grants.has(currencyId) || definition.plan?.includedCredits.has(currencyId) === true;
  return fillsOwn ? definition : customer;
}
