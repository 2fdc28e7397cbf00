import type { CustomerState } from "../../../domain/customer-state.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import type { Feature } from "../../../domain/feature.js";
import type { Usage } from "../../../domain/usage/usage.js";
import { EntitlementSchema, EntitlementSet, hashSchema, hashSet, type SchemaParts } from "./entitlement-schema.js";
import {
  CreditTerms,
  FeatureDefinition,
  FeatureTerms,
  hashCreditTerms,
  hashFeature,
  hashFeatureTerms,
} from "./feature-terms.js";
import { CompactState } from "./memory-state.js";
import { type NumberText, packOwnNumbers, textOfCells } from "./own-numbers.js";
import { type MemoryAccount, SharedPool } from "./shared-pool.js";

/**
 * Brings states into the form in which a cache keeps them, and keeps what they share for as long as one of them is
 * kept. What is released still answers whoever reads it; it is only not found for new states any more.
 */
export class StateCompactor {
  readonly #definitions: SharedPool<FeatureDefinition>;
  readonly #featureTerms: SharedPool<FeatureTerms>;
  readonly #creditTerms: SharedPool<CreditTerms>;
  readonly #schemas: SharedPool<EntitlementSchema>;
  readonly #sets: SharedPool<EntitlementSet>;

  constructor(account: MemoryAccount) {
    this.#definitions = new SharedPool(account);
    this.#featureTerms = new SharedPool(account);
    this.#creditTerms = new SharedPool(account);
    this.#schemas = new SharedPool(account);
    this.#sets = new SharedPool(account);
  }

  /** The state in compact form, to be released as often as it was kept. */
  keep(state: CustomerState): CompactState {
    if (state instanceof CompactState && this.#sets.has(state.set)) {
      this.#sets.hold(state.set);
      return state;
    }
    const features: FeatureTerms[] = [];
    const credits: CreditTerms[] = [];
    const limits: (number | undefined)[] = [];
    const ends: (number | undefined)[] = [];
    const usages: Usage[] = [];
    for (const entitlement of state.features()) {
      const usage = state.featureUsage(entitlement.feature.id);
      const terms = this.#keepFeatureTerms(entitlement, entitlement.kind === "metered" || tellsSomething(usage));
      features.push(terms);
      limits.push(entitlement.usageLimit);
      ends.push(entitlement.validUntil);
      if (terms.isCounted) usages.push(usage);
    }
    for (const entitlement of state.credits()) {
      credits.push(this.#keepCreditTerms(entitlement));
      limits.push(entitlement.usageLimit);
      ends.push(entitlement.validUntil);
      usages.push(state.creditUsage(entitlement.currency.currencyId));
    }
    const set = this.#keepSet(
      this.#keepSchema({
        features,
        credits,
        includesWallets: state.includesWallets,
        unknown: state.unknown,
        accessDeniedReason: state.accessDeniedReason,
      }),
      textOfCells(limits),
    );
    return new CompactState(set, packOwnNumbers({ updatedAt: state.updatedAt, ends, usages }));
  }

  release({ set }: CompactState): void {
    if (this.#sets.release(set)) this.#releaseSchema(set.schema);
  }

  #keepSet(schema: EntitlementSchema, limits: NumberText): EntitlementSet {
    const hash = hashSet(schema, limits);
    const found = this.#sets.find(hash, (set) => set.isOf(schema, limits));
    if (found !== undefined) this.#releaseSchema(schema);
    return this.#sets.hold(found ?? this.#sets.add(new EntitlementSet(schema, limits, hash)));
  }

  #keepSchema(parts: SchemaParts): EntitlementSchema {
    const hash = hashSchema(parts);
    const found = this.#schemas.find(hash, (schema) => schema.isOf(parts));
    if (found !== undefined) this.#releaseTerms(parts);
    return this.#schemas.hold(found ?? this.#schemas.add(new EntitlementSchema(parts, hash)));
  }

  #keepFeatureTerms(stated: FeatureEntitlement, isCounted: boolean): FeatureTerms {
    const definition = this.#keepDefinition(stated.feature);
    const hash = hashFeatureTerms(definition, stated, isCounted);
    const found = this.#featureTerms.find(hash, (terms) => terms.isOf(definition, stated, isCounted));
    if (found !== undefined) this.#definitions.release(definition);
    return this.#featureTerms.hold(
      found ?? this.#featureTerms.add(new FeatureTerms(definition, stated, isCounted, hash)),
    );
  }

  #keepDefinition(feature: Feature): FeatureDefinition {
    const hash = hashFeature(feature);
    const found = this.#definitions.find(hash, (definition) => definition.isOf(feature));
    return this.#definitions.hold(found ?? this.#definitions.add(new FeatureDefinition(feature, hash)));
  }

  #keepCreditTerms(stated: CreditEntitlement): CreditTerms {
    const hash = hashCreditTerms(stated);
    const found = this.#creditTerms.find(hash, (terms) => terms.isOf(stated));
    return this.#creditTerms.hold(found ?? this.#creditTerms.add(new CreditTerms(stated, hash)));
  }

  #releaseSchema(schema: EntitlementSchema): void {
    if (this.#schemas.release(schema)) this.#releaseTerms(schema);
  }

  #releaseTerms({ features, credits }: SchemaParts): void {
    for (const terms of features) if (this.#featureTerms.release(terms)) this.#definitions.release(terms.definition);
    for (const terms of credits) this.#creditTerms.release(terms);
  }
}

function tellsSomething({ currentUsage, periodAnchor, periodStart, periodEnd, updatedAt }: Usage): boolean {
  return (
    currentUsage !== 0 ||
    periodAnchor !== undefined ||
    periodStart !== undefined ||
    periodEnd !== undefined ||
    updatedAt !== undefined
  );
}
