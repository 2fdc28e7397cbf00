import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference, FeatureEntitlement } from "../../../domain/entitlement.js";
import { type CreditTerms, type FeatureTerms, HASH_SEED, mixFlag, mixHash, mixText } from "./feature-terms.js";
import { CELL_UNITS, cellAt, type NumberText } from "./own-numbers.js";
import {
  arrayBytes,
  BOXED_NUMBER_BYTES,
  haveSameItems,
  mapBytes,
  objectBytes,
  Shareable,
  textBytes,
  wideTextBytes,
} from "./shared-pool.js";

export interface SchemaParts {
  readonly features: readonly FeatureTerms[];
  readonly credits: readonly CreditTerms[];
  /** Whether these are all the wallets there are: see CustomerState. */
  readonly includesWallets: boolean;
  /** See CustomerState. */
  readonly unknown: readonly EntitlementReference[];
  /** Why whatever else is asked for is not had. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
}

/** Which features and wallets are had, in which order and on which terms, and in which column each is counted. */
export class EntitlementSchema extends Shareable implements SchemaParts {
  readonly features: readonly FeatureTerms[];
  readonly credits: readonly CreditTerms[];
  readonly includesWallets: boolean;
  readonly unknown: readonly EntitlementReference[];
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly hash: number;
  /** Counted features first, then the wallets, which all are. */
  readonly columnCount: number;
  readonly #featurePlaces: ReadonlyMap<string, number>;
  readonly #featureColumns: readonly number[];

  constructor({ features, credits, includesWallets, unknown, accessDeniedReason }: SchemaParts, hash: number) {
    super();
    // Pushing left room to grow in the lists.
    this.features = features.slice();
    this.credits = credits.slice();
    this.includesWallets = includesWallets;
    this.unknown = unknown;
    this.accessDeniedReason = accessDeniedReason;
    this.hash = hash;
    this.#featurePlaces = new Map(features.map(({ entitlement }, place) => [entitlement.feature.id, place]));
    let columns = 0;
    this.#featureColumns = features.map(({ isCounted }) => (isCounted ? columns++ : -1));
    this.columnCount = columns + credits.length;
  }

  get bytes(): number {
    const { features, credits, unknown } = this;
    let ofUnknown = unknown.length === 0 ? 0 : arrayBytes(unknown.length);
    for (const { id } of unknown) ofUnknown += objectBytes(2) + textBytes(id);
    return (
      ofUnknown +
      objectBytes(11) +
      mapBytes(features.length) +
      2 * arrayBytes(features.length) +
      arrayBytes(credits.length)
    );
  }

  isOf({ features, credits, includesWallets, unknown, accessDeniedReason }: SchemaParts): boolean {
    return (
      this.includesWallets === includesWallets &&
      this.accessDeniedReason === accessDeniedReason &&
      haveSameReferences(this.unknown, unknown) &&
      haveSameItems(this.features, features) &&
      haveSameItems(this.credits, credits)
    );
  }

  /** Where a feature stands among the features; -1: it is not had. */
  placeOfFeature(featureId: string): number {
    return this.#featurePlaces.get(featureId) ?? -1;
  }

  /** Where a wallet stands among the wallets; -1: it is not had. There are few, so they are looked through. */
  placeOfCredit(currencyId: string): number {
    for (let place = 0; place < this.credits.length; place++)
      if (this.credits[place]?.currencyId === currencyId) return place;
    return -1;
  }

  /** -1: it is not counted, and nothing of it was used. */
  columnOfFeature(place: number): number {
    return this.#featureColumns[place] ?? -1;
  }

  columnOfCredit(place: number): number {
    return this.columnCount - this.credits.length + place;
  }
}

function haveSameReferences(one: readonly EntitlementReference[], other: readonly EntitlementReference[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ type, id }, index) => type === other[index]?.type && id === other[index].id)
  );
}

export function hashSchema({ features, credits, includesWallets, unknown, accessDeniedReason }: SchemaParts): number {
  let hash = mixText(mixFlag(HASH_SEED, includesWallets), accessDeniedReason);
  for (const terms of features) hash = mixHash(hash, terms.hash);
  hash = mixHash(hash, features.length);
  for (const terms of credits) hash = mixHash(hash, terms.hash);
  for (const { type, id } of unknown) hash = mixText(mixText(hash, type), id);
  return hash;
}

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
