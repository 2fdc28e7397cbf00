import type { CustomerState, UsagesByEntitlement } from "./customer-state.js";
import type { AccessDeniedReason } from "./decision/access-denied-reason.js";
import type {
  CreditCurrency,
  CreditEntitlement,
  CreditRate,
  EntitlementReference,
  FeatureEntitlement,
} from "./entitlement.js";
import { type Feature, kindOfFeature } from "./feature.js";
import { NO_USAGE, type Usage } from "./usage/usage.js";
import type { ResetPeriod } from "./usage/usage-period.js";

/** A feature entitlement as an upstream or a test states it: what is left out is none, false or empty. */
export interface FeatureEntitlementInput {
  readonly feature: Feature;
  readonly usageLimit?: number | null | undefined;
  readonly hasUnlimitedUsage?: boolean | undefined;
  readonly hasSoftLimit?: boolean | undefined;
  readonly enumValues?: readonly string[] | undefined;
  readonly accessDeniedReason?: AccessDeniedReason | undefined;
  readonly validUntil?: number | undefined;
  readonly creditRate?: CreditRate | undefined;
  readonly resetPeriod?: ResetPeriod | undefined;
  readonly resetPeriodConfiguration?: string | undefined;
  readonly usage?: Usage | undefined;
}

/** A wallet as an upstream or a test states it. */
export interface CreditEntitlementInput {
  readonly currency: CreditCurrency;
  readonly usageLimit: number;
  readonly hasSoftLimit?: boolean | undefined;
  readonly accessDeniedReason?: AccessDeniedReason | undefined;
  readonly validUntil?: number | undefined;
  readonly usage?: Usage | undefined;
}

export interface CustomerStateInput {
  readonly features?: readonly FeatureEntitlementInput[] | undefined;
  readonly credits?: readonly CreditEntitlementInput[] | undefined;
  /** See CustomerState. */
  readonly unknown?: readonly EntitlementReference[] | undefined;
  readonly accessDeniedReason?: AccessDeniedReason | undefined;
  /** Epoch milliseconds. */
  readonly updatedAt?: number | undefined;
  /** True unless said otherwise, and wherever there is a wallet. */
  readonly includesWallets?: boolean | undefined;
}

/** Builds a state from plain parts. Where an id occurs twice, the last one counts. */
export function buildCustomerState(input: CustomerStateInput): CustomerState {
  const features = new Map<string, FeatureEntitlement>();
  const credits = new Map<string, CreditEntitlement>();
  const featureUsages = new Map<string, Usage>();
  const creditUsages = new Map<string, Usage>();
  for (const part of input.features ?? []) {
    features.set(part.feature.id, featureEntitlement(part));
    featureUsages.set(part.feature.id, part.usage ?? NO_USAGE);
  }
  for (const part of input.credits ?? []) {
    credits.set(part.currency.currencyId, creditEntitlement(part));
    creditUsages.set(part.currency.currencyId, part.usage ?? NO_USAGE);
  }
  const unknown = input.unknown ?? NONE_UNKNOWN;
  const updatedAt = features.size + credits.size + unknown.length === 0 ? undefined : input.updatedAt;
  const includesWallets = input.includesWallets !== false || credits.size > 0;
  return new MapCustomerState(
    input.accessDeniedReason,
    updatedAt,
    includesWallets,
    unknown,
    features,
    credits,
    featureUsages,
    creditUsages,
  );
}

/** Entitlements that the states of many customers have in common, which differ in usages and timestamps alone. */
export class CommonEntitlements {
  readonly #accessDeniedReason: AccessDeniedReason | undefined;
  readonly #features: ReadonlyMap<string, FeatureEntitlement>;
  readonly #credits: ReadonlyMap<string, CreditEntitlement>;

  /** @param input without usages; where an id occurs twice, the last one counts */
  constructor({
    features = [],
    credits = [],
    accessDeniedReason,
  }: Pick<CustomerStateInput, "features" | "credits" | "accessDeniedReason">) {
    this.#accessDeniedReason = accessDeniedReason;
    this.#features = new Map(features.map((part) => [part.feature.id, featureEntitlement(part)]));
    this.#credits = new Map(credits.map((part) => [part.currency.currencyId, creditEntitlement(part)]));
  }

  /** One customer's state. @param updatedAt epoch milliseconds. The usages are one for each entitlement, by its id. */
  stateOf(
    updatedAt: number | undefined,
    featureUsages: ReadonlyMap<string, Usage>,
    creditUsages: ReadonlyMap<string, Usage>,
  ): CustomerState {
    return new MapCustomerState(
      this.#accessDeniedReason,
      updatedAt,
      true,
      NONE_UNKNOWN,
      this.#features,
      this.#credits,
      featureUsages,
      creditUsages,
    );
  }
}

const NONE_UNKNOWN: readonly EntitlementReference[] = Object.freeze([]);

function featureEntitlement(input: FeatureEntitlementInput): FeatureEntitlement {
  return {
    feature: input.feature,
    kind: kindOfFeature(input.feature),
    usageLimit: input.usageLimit ?? undefined,
    hasUnlimitedUsage: input.hasUnlimitedUsage ?? false,
    hasSoftLimit: input.hasSoftLimit ?? false,
    enumValues: input.enumValues ?? [],
    accessDeniedReason: input.accessDeniedReason,
    validUntil: input.validUntil,
    creditRate: input.creditRate,
    resetPeriod: input.resetPeriod,
    resetPeriodConfiguration: input.resetPeriodConfiguration,
  };
}

function creditEntitlement(input: CreditEntitlementInput): CreditEntitlement {
  return {
    currency: input.currency,
    usageLimit: input.usageLimit,
    hasSoftLimit: input.hasSoftLimit ?? false,
    accessDeniedReason: input.accessDeniedReason,
    validUntil: input.validUntil,
  };
}

class MapCustomerState implements CustomerState {
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly updatedAt: number | undefined;
  readonly includesWallets: boolean;
  readonly unknown: readonly EntitlementReference[];
  readonly validUntil: number;
  readonly #features: ReadonlyMap<string, FeatureEntitlement>;
  readonly #credits: ReadonlyMap<string, CreditEntitlement>;
  readonly #featureUsages: ReadonlyMap<string, Usage>;
  readonly #creditUsages: ReadonlyMap<string, Usage>;

  constructor(
    accessDeniedReason: AccessDeniedReason | undefined,
    updatedAt: number | undefined,
    includesWallets: boolean,
    unknown: readonly EntitlementReference[],
    features: ReadonlyMap<string, FeatureEntitlement>,
    credits: ReadonlyMap<string, CreditEntitlement>,
    featureUsages: ReadonlyMap<string, Usage>,
    creditUsages: ReadonlyMap<string, Usage>,
  ) {
    this.accessDeniedReason = accessDeniedReason;
    this.updatedAt = updatedAt;
    this.includesWallets = includesWallets;
    this.unknown = unknown;
    this.validUntil = earliestEnd(features.values(), credits.values());
    this.#features = features;
    this.#credits = credits;
    this.#featureUsages = featureUsages;
    this.#creditUsages = creditUsages;
  }

  get featureCount(): number {
    return this.#features.size;
  }

  get creditCount(): number {
    return this.#credits.size;
  }

  feature(featureId: string): FeatureEntitlement | undefined {
    return this.#features.get(featureId);
  }

  credit(currencyId: string): CreditEntitlement | undefined {
    return this.#credits.get(currencyId);
  }

  featureUsage(featureId: string): Usage {
    return this.#featureUsages.get(featureId) ?? NO_USAGE;
  }

  creditUsage(currencyId: string): Usage {
    return this.#creditUsages.get(currencyId) ?? NO_USAGE;
  }

  features(): Iterable<FeatureEntitlement> {
    return this.#features.values();
  }

  credits(): Iterable<CreditEntitlement> {
    return this.#credits.values();
  }

  withUsages(usages: UsagesByEntitlement): CustomerState {
    return new MapCustomerState(
      this.accessDeniedReason,
      this.updatedAt,
      this.includesWallets,
      this.unknown,
      this.#features,
      this.#credits,
      replaceKnown(this.#featureUsages, usages.features),
      replaceKnown(this.#creditUsages, usages.credits),
    );
  }
}

function replaceKnown(
  usages: ReadonlyMap<string, Usage>,
  replacements: ReadonlyMap<string, Usage> | undefined,
): ReadonlyMap<string, Usage> {
  if (replacements === undefined || replacements.size === 0) return usages;
  const replaced = new Map(usages);
  for (const [id, usage] of replacements) if (usages.has(id)) replaced.set(id, usage);
  return replaced;
}

function earliestEnd(features: Iterable<FeatureEntitlement>, credits: Iterable<CreditEntitlement>): number {
  let end = Infinity;
  for (const { validUntil } of features) if (validUntil !== undefined && validUntil < end) end = validUntil;
  for (const { validUntil } of credits) if (validUntil !== undefined && validUntil < end) end = validUntil;
  return end;
}
