import type { CreditCurrency, CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import type { Feature } from "../../../domain/feature.js";
import { arrayBytes, haveSameItems, objectBytes, Shareable, textBytes } from "./shared-pool.js";

/**
 * On what terms a feature is had, but for how much of it and until when: those are often one customer's own,
 * and all the rest is seldom.
 */
export class FeatureTerms extends Shareable {
  readonly definition: FeatureDefinition;
  /** The entitlement as far as the terms go: without a limit, without an end. */
  readonly entitlement: FeatureEntitlement;
  /** Whether each customer has a place for the usage of it. */
  readonly isCounted: boolean;
  /** Whether there may be a limit at all: where not, none need be looked for. */
  readonly isLimited: boolean;
  readonly hash: number;

  constructor(definition: FeatureDefinition, stated: FeatureEntitlement, isCounted: boolean, hash: number) {
    super();
    this.definition = definition;
    this.entitlement = entitlementOf(stated, definition.feature, undefined, undefined);
    this.isCounted = isCounted;
    this.isLimited = stated.usageLimit !== undefined;
    this.hash = hash;
  }

  get bytes(): number {
    const { enumValues, creditRate, resetPeriodConfiguration } = this.entitlement;
    let bytes = objectBytes(7) + objectBytes(11) + arrayBytes(enumValues.length) + textBytes(resetPeriodConfiguration);
    for (const value of enumValues) bytes += textBytes(value);
    if (creditRate !== undefined) bytes += objectBytes(2) + textBytes(creditRate.currencyId);
    return bytes;
  }

  isOf(definition: FeatureDefinition, stated: FeatureEntitlement, isCounted: boolean): boolean {
    const own = this.entitlement;
    return (
      this.definition === definition &&
      this.isCounted === isCounted &&
      this.isLimited === (stated.usageLimit !== undefined) &&
      own.hasUnlimitedUsage === stated.hasUnlimitedUsage &&
      own.hasSoftLimit === stated.hasSoftLimit &&
      own.accessDeniedReason === stated.accessDeniedReason &&
      own.creditRate?.amount === stated.creditRate?.amount &&
      own.creditRate?.currencyId === stated.creditRate?.currencyId &&
      own.resetPeriod === stated.resetPeriod &&
      own.resetPeriodConfiguration === stated.resetPeriodConfiguration &&
      haveSameItems(own.enumValues, stated.enumValues)
    );
  }

  with(usageLimit: number | undefined, validUntil: number | undefined): FeatureEntitlement {
    const { entitlement } = this;
    if (usageLimit === undefined && validUntil === undefined) return entitlement;
    return entitlementOf(entitlement, entitlement.feature, usageLimit, validUntil);
  }
}

export function hashFeatureTerms(
  definition: FeatureDefinition,
  stated: FeatureEntitlement,
  isCounted: boolean,
): number {
  const { creditRate, enumValues } = stated;
  let hash = mixFlag(mixFlag(definition.hash, isCounted), stated.usageLimit !== undefined);
  hash = mixFlag(mixFlag(hash, stated.hasUnlimitedUsage), stated.hasSoftLimit);
  hash = mixText(mixText(hash, stated.accessDeniedReason), stated.resetPeriod);
  hash = mixText(hash, stated.resetPeriodConfiguration);
  if (creditRate !== undefined) hash = mixText(mixNumber(hash, creditRate.amount), creditRate.currencyId);
  hash = mixHash(hash, enumValues.length);
  for (const value of enumValues) hash = mixText(hash, value);
  return hash;
}

/** Every entitlement is made here, so that all have one shape. */
function entitlementOf(
  stated: FeatureEntitlement,
  feature: FeatureEntitlement["feature"],
  usageLimit: number | undefined,
  validUntil: number | undefined,
): FeatureEntitlement {
  return {
    feature,
    kind: stated.kind,
    usageLimit,
    hasUnlimitedUsage: stated.hasUnlimitedUsage,
    hasSoftLimit: stated.hasSoftLimit,
    enumValues: stated.enumValues,
    accessDeniedReason: stated.accessDeniedReason,
    validUntil,
    creditRate: stated.creditRate,
    resetPeriod: stated.resetPeriod,
    resetPeriodConfiguration: stated.resetPeriodConfiguration,
  };
}

/** What a feature is, which is the same for whoever has it. */
export class FeatureDefinition extends Shareable {
  readonly feature: Feature;
  readonly hash: number;

  constructor(feature: Feature, hash: number) {
    super();
    this.feature = feature;
    this.hash = hash;
  }

  get bytes(): number {
    const { id, displayName, units, unitsPlural } = this.feature;
    return (
      objectBytes(4) +
      objectBytes(6) +
      textBytes(id) +
      textBytes(displayName) +
      textBytes(units) +
      textBytes(unitsPlural)
    );
  }

  isOf(feature: Feature): boolean {
    const own = this.feature;
    return (
      own === feature ||
      (own.id === feature.id &&
        own.displayName === feature.displayName &&
        own.featureType === feature.featureType &&
        own.meterType === feature.meterType &&
        own.units === feature.units &&
        own.unitsPlural === feature.unitsPlural)
    );
  }
}

export function hashFeature(feature: Feature): number {
  return mixText(HASH_SEED, feature.id);
}

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

/**
 * Hashes of values by what they hold, so that equal ones can be found. Whole numbers of 32 bits; they only spread,
 * whoever finds two with the same hash compares.
 */
export const HASH_SEED = 0x2f6b5a1d;

export function mixHash(hash: number, part: number): number {
  const mixed = Math.imul(hash ^ part, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export function mixText(hash: number, text: string | undefined): number {
  if (text === undefined) return mixHash(hash, -1);
  let mixed = mixHash(hash, text.length);
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixHash(mixed, 0);
}

export function mixFlag(hash: number, flag: boolean): number {
  return mixHash(hash, flag ? 1 : 2);
}

const number = new Float64Array(1);
const halves = new Int32Array(number.buffer);

export function mixNumber(hash: number, value: number): number {
  number[0] = value;
  return mixHash(mixHash(hash, halves[0] ?? 0), halves[1] ?? 0);
}
