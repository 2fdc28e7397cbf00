import type { AccessDeniedReason } from "../../domain/access-denied-reason.js";
import { buildCustomerState } from "../../domain/build-customer-state.js";
import type { CustomerState, UsagesByEntitlement } from "../../domain/customer-state.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../domain/entitlement.js";
import { NO_USAGE, type Usage } from "../../domain/usage.js";
import type { EntitlementSet } from "./entitlement-set.js";
import { wideTextBytes } from "./heap-sizes.js";
import { earliestEndIn, endIn, hasEnds, packOwnNumbers, updatedAtIn, usageIn, type OwnNumbers } from "./own-numbers.js";

/** A state as a reference to what its subject shares with others, and one text of numbers that are its own. */
export class CompactState implements CustomerState {
  readonly set: EntitlementSet;
  readonly own: OwnNumbers;

  constructor(set: EntitlementSet, own: OwnNumbers) {
    this.set = set;
    this.own = own;
  }

  /** What its own numbers take on the heap. */
  get ownBytes(): number {
    return wideTextBytes(this.own.length);
  }

  get accessDeniedReason(): AccessDeniedReason | undefined {
    return this.set.schema.accessDeniedReason;
  }

  get updatedAt(): number | undefined {
    return updatedAtIn(this.own);
  }

  get validUntil(): number {
    return earliestEndIn(this.own);
  }

  get featureCount(): number {
    return this.set.schema.features.length;
  }

  get creditCount(): number {
    return this.set.schema.credits.length;
  }

  get tellsWallets(): boolean {
    return this.set.schema.tellsWallets;
  }

  feature(featureId: string): FeatureEntitlement | undefined {
    const place = this.set.schema.placeOfFeature(featureId);
    return place < 0 ? undefined : this.#featureAt(place);
  }

  credit(currencyId: string): CreditEntitlement | undefined {
    const place = this.set.schema.placeOfCredit(currencyId);
    return place < 0 ? undefined : this.#creditAt(place);
  }

  featureUsage(featureId: string): Usage {
    const { schema } = this.set;
    const column = schema.columnOfFeature(schema.placeOfFeature(featureId));
    return column < 0 ? NO_USAGE : usageIn(this.own, column);
  }

  creditUsage(currencyId: string): Usage {
    const { schema } = this.set;
    const place = schema.placeOfCredit(currencyId);
    return place < 0 ? NO_USAGE : usageIn(this.own, schema.columnOfCredit(place));
  }

  *features(): Iterable<FeatureEntitlement> {
    for (let place = 0; place < this.featureCount; place++) {
      const entitlement = this.#featureAt(place);
      if (entitlement !== undefined) yield entitlement;
    }
  }

  *credits(): Iterable<CreditEntitlement> {
    for (let place = 0; place < this.creditCount; place++) {
      const entitlement = this.#creditAt(place);
      if (entitlement !== undefined) yield entitlement;
    }
  }

  withUsages(usages: UsagesByEntitlement): CustomerState {
    const { schema } = this.set;
    const columns = Array.from({ length: schema.columnCount }, (_, column) => usageIn(this.own, column));
    for (const [featureId, usage] of usages.features ?? []) {
      const place = schema.placeOfFeature(featureId);
      const column = schema.columnOfFeature(place);
      if (column >= 0) columns[column] = usage;
      else if (place >= 0) return this.#inFull().withUsages(usages);
    }
    for (const [currencyId, usage] of usages.credits ?? []) {
      const place = schema.placeOfCredit(currencyId);
      if (place >= 0) columns[schema.columnOfCredit(place)] = usage;
    }
    const ends = Array.from({ length: this.featureCount + this.creditCount }, (_, place) => endIn(this.own, place));
    return new CompactState(this.set, packOwnNumbers({ updatedAt: this.updatedAt, ends, usages: columns }));
  }

  /** In a form that has a place for every usage. */
  #inFull(): CustomerState {
    return buildCustomerState({
      accessDeniedReason: this.accessDeniedReason,
      updatedAt: this.updatedAt,
      tellsWallets: this.tellsWallets,
      features: Array.from(this.features(), (entitlement) => ({ ...entitlement, usage: this.featureUsage(entitlement.feature.id) })),
      credits: Array.from(this.credits(), (entitlement) => ({ ...entitlement, usage: this.creditUsage(entitlement.currency.currencyId) })),
    });
  }

  #featureAt(place: number): FeatureEntitlement | undefined {
    return hasEnds(this.own) ? this.set.featureUntil(place, endIn(this.own, place)) : this.set.feature(place);
  }

  #creditAt(place: number): CreditEntitlement | undefined {
    const validUntil = endIn(this.own, this.featureCount + place);
    return this.set.schema.credits[place]?.with(this.set.creditLimit(place), validUntil);
  }
}
