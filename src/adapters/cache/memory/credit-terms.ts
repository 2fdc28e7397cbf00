import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { CreditEntitlement } from "../../../domain/entitlement.js";
import { objectBytes, textBytes } from "./heap-sizes.js";
import { Shareable } from "./shared-pool.js";
import { HASH_SEED, mixFlag, mixText } from "./structural-hash.js";

/** On what terms a wallet is had, but for how much was granted and until when. */
export class CreditTerms extends Shareable {
  readonly #stated: CreditEntitlement;
  readonly hash: number;

  constructor(stated: CreditEntitlement, hash: number) {
    super();
    this.#stated = stated;
    this.hash = hash;
  }

  get currencyId(): string {
    return this.#stated.currency.currencyId;
  }

  get bytes(): number {
    const { currencyId, displayName, description, unitSingular, unitPlural, additionalMetaData } =
      this.#stated.currency;
    let bytes = objectBytes(4) + objectBytes(5) + objectBytes(6) + textBytes(currencyId) + textBytes(displayName);
    bytes += textBytes(description) + textBytes(unitSingular) + textBytes(unitPlural);
    if (additionalMetaData !== undefined) bytes += 2 * JSON.stringify(additionalMetaData).length;
    return bytes;
  }

  isOf(stated: CreditEntitlement): boolean {
    return (
      this.#stated.hasSoftLimit === stated.hasSoftLimit &&
      this.#stated.accessDeniedReason === stated.accessDeniedReason &&
      isSameCurrency(this.#stated.currency, stated.currency)
    );
  }

  with(usageLimit: number, validUntil: number | undefined): CreditEntitlement {
    const { currency, hasSoftLimit, accessDeniedReason } = this.#stated;
    return { currency, usageLimit, hasSoftLimit, accessDeniedReason, validUntil };
  }
}

export function hashCreditTerms({ currency, hasSoftLimit, accessDeniedReason }: CreditEntitlement): number {
  return mixFlag(mixText(mixText(HASH_SEED, currency.currencyId), accessDeniedReason), hasSoftLimit);
}

function isSameCurrency(one: CreditCurrency, other: CreditCurrency): boolean {
  return (
    one.currencyId === other.currencyId &&
    one.displayName === other.displayName &&
    one.description === other.description &&
    one.unitSingular === other.unitSingular &&
    one.unitPlural === other.unitPlural &&
    JSON.stringify(one.additionalMetaData) === JSON.stringify(other.additionalMetaData)
  );
}
