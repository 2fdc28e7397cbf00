import type { CustomerState } from "../../domain/customer-state.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../domain/entitlement.js";

/**
 * Bytes on V8's heap, with pointer compression off (Node's builds): measured on Node 20 and 24 by filling
 * a cache with states of 0 to 20 entitlements and dividing what the heap grew by.
 */
const STATE_BYTES = 820;
const FEATURE_ENTITLEMENT_BYTES = 420;
const CREDIT_ENTITLEMENT_BYTES = 420;
const STRING_BYTES = 24;

/** Estimates what a state holds in memory, so that a cache can keep within a bound. */
export function estimateStateBytes(state: CustomerState): number {
  let bytes = STATE_BYTES;
  for (const entitlement of state.features()) bytes += featureEntitlementBytes(entitlement);
  for (const entitlement of state.credits()) bytes += creditEntitlementBytes(entitlement);
  return bytes;
}

/** One byte a character is what most ids take; others take two, which the bound's margin covers. */
export function estimateStringBytes(text: string | undefined): number {
  return text === undefined ? 0 : STRING_BYTES + text.length;
}

function featureEntitlementBytes({ feature, enumValues, creditRate }: FeatureEntitlement): number {
  let bytes = FEATURE_ENTITLEMENT_BYTES;
  bytes += estimateStringBytes(feature.id) + estimateStringBytes(feature.displayName);
  bytes += estimateStringBytes(feature.units) + estimateStringBytes(feature.unitsPlural);
  bytes += estimateStringBytes(creditRate?.currencyId);
  for (const value of enumValues) bytes += estimateStringBytes(value);
  return bytes;
}

function creditEntitlementBytes({ currency }: CreditEntitlement): number {
  let bytes = CREDIT_ENTITLEMENT_BYTES;
  bytes += estimateStringBytes(currency.currencyId) + estimateStringBytes(currency.displayName);
  bytes += estimateStringBytes(currency.description);
  bytes += estimateStringBytes(currency.unitSingular) + estimateStringBytes(currency.unitPlural);
  if (currency.additionalMetaData !== undefined) bytes += 2 * JSON.stringify(currency.additionalMetaData).length;
  return bytes;
}
