import type { AccessDeniedReason } from "../../domain/access-denied-reason.js";
import type { CreditTerms } from "./credit-terms.js";
import type { FeatureTerms } from "./feature-terms.js";
import { arrayBytes, mapBytes, objectBytes } from "./heap-sizes.js";
import { haveSameItems } from "./same-items.js";
import { Shareable } from "./shared-pool.js";
import { HASH_SEED, mixFlag, mixHash, mixText } from "./structural-hash.js";

export interface SchemaParts {
  readonly features: readonly FeatureTerms[];
  readonly credits: readonly CreditTerms[];
  /** Whether these are all the wallets there are: see CustomerState. */
  readonly tellsWallets: boolean;
  /** Why whatever else is asked for is not had. */
  readonly accessDeniedReason: AccessDeniedReason | undefined;
}

/** Which features and wallets are had, in which order and on which terms, and in which column each is counted. */
export class EntitlementSchema extends Shareable implements SchemaParts {
  readonly features: readonly FeatureTerms[];
  readonly credits: readonly CreditTerms[];
  readonly tellsWallets: boolean;
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly hash: number;
  /** Counted features first, then the wallets, which all are. */
  readonly columnCount: number;
  readonly #featurePlaces: ReadonlyMap<string, number>;
  readonly #featureColumns: readonly number[];

  constructor({ features, credits, tellsWallets, accessDeniedReason }: SchemaParts, hash: number) {
    super();
    // Pushing left room to grow in the lists.
    this.features = features.slice();
    this.credits = credits.slice();
    this.tellsWallets = tellsWallets;
    this.accessDeniedReason = accessDeniedReason;
    this.hash = hash;
    this.#featurePlaces = new Map(features.map(({ entitlement }, place) => [entitlement.feature.id, place]));
    let columns = 0;
    this.#featureColumns = features.map(({ isCounted }) => (isCounted ? columns++ : -1));
    this.columnCount = columns + credits.length;
  }

  get bytes(): number {
    const { features, credits } = this;
    return objectBytes(10) + mapBytes(features.length) + 2 * arrayBytes(features.length) + arrayBytes(credits.length);
  }

  isOf({ features, credits, tellsWallets, accessDeniedReason }: SchemaParts): boolean {
    return (
      this.tellsWallets === tellsWallets &&
      this.accessDeniedReason === accessDeniedReason &&
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
    for (let place = 0; place < this.credits.length; place++) if (this.credits[place]?.currencyId === currencyId) return place;
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

export function hashSchema({ features, credits, tellsWallets, accessDeniedReason }: SchemaParts): number {
  let hash = mixText(mixFlag(HASH_SEED, tellsWallets), accessDeniedReason);
  for (const terms of features) hash = mixHash(hash, terms.hash);
  hash = mixHash(hash, features.length);
  for (const terms of credits) hash = mixHash(hash, terms.hash);
  return hash;
}
