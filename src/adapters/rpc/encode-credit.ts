import { create, type JsonObject } from "@bufbuild/protobuf";
import type { CreditCurrency } from "../../domain/credit-currency.js";
import type { CreditDecision } from "../../domain/decision.js";
import type { FallbackValues } from "../../domain/fallback.js";
import { NO_USAGE } from "../../domain/usage.js";
import {
  CreditEntitlementSchema,
  EntitlementCurrencySchema,
  type CreditEntitlement,
  type EntitlementCurrency,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { encodeMoment } from "./moment.js";

/** Currencies belong to the product and not to a customer: few objects, in many answers. */
const encoded = new WeakMap<CreditCurrency, EntitlementCurrency>();

/** The wallet that was decided on; undefined where the customer has none of that currency. */
export function encodeCredit({ entitlement, usage = NO_USAGE, remaining }: CreditDecision): CreditEntitlement | undefined {
  if (entitlement === undefined) return undefined;
  return create(CreditEntitlementSchema, {
    currency: encodeCurrency(entitlement.currency),
    usageLimit: entitlement.usageLimit,
    currentUsage: usage.currentUsage,
    remaining,
    usagePeriodEnd: encodeMoment(usage.periodEnd),
    hasSoftLimit: entitlement.hasSoftLimit,
  });
}

/** What stands in for a wallet. Nothing is known to be consumed, so all that the fallback grants remains. */
export function encodeCreditFallback(currencyId: string, { usageLimit = 0 }: FallbackValues): CreditEntitlement {
  return create(CreditEntitlementSchema, { currency: { currencyId }, usageLimit, remaining: usageLimit });
}

/** The message is shared among answers: never written to. */
export function encodeCurrency(currency: CreditCurrency): EntitlementCurrency {
  const known = encoded.get(currency);
  if (known !== undefined) return known;
  const message = create(EntitlementCurrencySchema, {
    currencyId: currency.currencyId,
    displayName: currency.displayName,
    description: currency.description,
    unitSingular: currency.unitSingular,
    unitPlural: currency.unitPlural,
    additionalMetaData: currency.additionalMetaData && strictJson(currency.additionalMetaData),
  });
  encoded.set(currency, message);
  return message;
}

/** A Struct has no Infinity, which `1e999` in an upstream's JSON reads as: null then, as JSON itself has it. */
function strictJson(value: NonNullable<CreditCurrency["additionalMetaData"]>): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
