import type { FeatureEntitlement } from "../../domain/entitlement.js";
import type { EntitlementSchema } from "./entitlement-schema.js";
import { arrayBytes, BOXED_NUMBER_BYTES, objectBytes } from "./heap-sizes.js";
import { Shareable } from "./shared-pool.js";
import { mixNumber } from "./structural-hash.js";

/**
 * Terms together with limits: all that customers of one plan share. Limits are in the order of the schema,
 * features first; NaN where the terms know none.
 */
export class EntitlementSet extends Shareable {
  readonly schema: EntitlementSchema;
  readonly hash: number;
  readonly #limits: readonly number[];
  /** Made ready once for all holders. A sole one is spared the memory: its entitlements are made when asked for. */
  #ready: readonly FeatureEntitlement[] | undefined = undefined;

  constructor(schema: EntitlementSchema, limits: readonly number[], hash: number) {
    super();
    this.schema = schema;
    this.hash = hash;
    this.#limits = limits;
  }

  get bytes(): number {
    const own = objectBytes(6) + arrayBytes(this.#limits.length);
    if (this.#ready === undefined) return own;
    let ready = arrayBytes(this.#ready.length);
    for (const { usageLimit } of this.#ready) if (usageLimit !== undefined) ready += objectBytes(11) + BOXED_NUMBER_BYTES;
    return own + ready;
  }

  isOf(schema: EntitlementSchema, limits: readonly number[]): boolean {
    if (this.schema !== schema) return false;
    for (let i = 0; i < limits.length; i++) if (!Object.is(this.#limits[i], limits[i])) return false;
    return true;
  }

  /** A feature as far as it is shared: without an end. */
  feature(place: number): FeatureEntitlement | undefined {
    return this.#ready === undefined ? this.featureUntil(place, undefined) : this.#ready[place];
  }

  featureUntil(place: number, validUntil: number | undefined): FeatureEntitlement | undefined {
    const terms = this.schema.features[place];
    return terms?.with(terms.isLimited ? this.#limits[place] : undefined, validUntil);
  }

  creditLimit(place: number): number {
    return this.#limits[this.schema.features.length + place] ?? NaN;
  }

  override becomeShared(): void {
    this.#ready = this.schema.features.map((terms, place) => terms.with(terms.isLimited ? this.#limits[place] : undefined, undefined));
  }

  override becomeSole(): void {
    this.#ready = undefined;
  }
}

export function hashSet(schema: EntitlementSchema, limits: readonly number[]): number {
  let hash = schema.hash;
  for (const limit of limits) hash = mixNumber(hash, limit);
  return hash;
}
