import type { FeatureEntitlement } from "../../../domain/entitlement.js";
import type { EntitlementSchema } from "./entitlement-schema.js";
import { arrayBytes, BOXED_NUMBER_BYTES, objectBytes, wideTextBytes } from "./heap-sizes.js";
import { CELL_UNITS, cellAt, type NumberText } from "./number-text.js";
import { Shareable } from "./shared-pool.js";
import { mixText } from "./structural-hash.js";

/**
 * Terms together with limits: all that customers of one plan share. Limits are cells in the order of the schema,
 * features first; none where the terms know none.
 */
export class EntitlementSet extends Shareable {
  readonly schema: EntitlementSchema;
  readonly hash: number;
  readonly #limits: NumberText;
  /** Made ready once for all holders. A sole one is spared the memory: its entitlements are made when asked for. */
  #ready: readonly FeatureEntitlement[] | undefined = undefined;

  constructor(schema: EntitlementSchema, limits: NumberText, hash: number) {
    super();
    this.schema = schema;
    this.hash = hash;
    this.#limits = limits;
  }

  get bytes(): number {
    const own = objectBytes(6) + wideTextBytes(this.#limits.length);
    if (this.#ready === undefined) return own;
    let ready = arrayBytes(this.#ready.length);
    for (const { usageLimit } of this.#ready)
      if (usageLimit !== undefined) ready += objectBytes(11) + BOXED_NUMBER_BYTES;
    return own + ready;
  }

  isOf(schema: EntitlementSchema, limits: NumberText): boolean {
    return this.schema === schema && this.#limits === limits;
  }

  /** A feature as far as it is shared: without an end. */
  feature(place: number): FeatureEntitlement | undefined {
    return this.#ready === undefined ? this.featureUntil(place, undefined) : this.#ready[place];
  }

  featureUntil(place: number, validUntil: number | undefined): FeatureEntitlement | undefined {
    const terms = this.schema.features[place];
    return terms?.with(terms.isLimited ? this.#limit(place) : undefined, validUntil);
  }

  creditLimit(place: number): number {
    return this.#limit(this.schema.features.length + place) ?? NaN;
  }

  override becomeShared(): void {
    this.#ready = this.schema.features.map((terms, place) =>
      terms.with(terms.isLimited ? this.#limit(place) : undefined, undefined),
    );
  }

  override becomeSole(): void {
    this.#ready = undefined;
  }

  #limit(place: number): number | undefined {
    return cellAt(this.#limits, place * CELL_UNITS);
  }
}

export function hashSet(schema: EntitlementSchema, limits: NumberText): number {
  return mixText(schema.hash, limits);
}
