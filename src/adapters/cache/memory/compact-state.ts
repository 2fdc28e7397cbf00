import { buildCustomerState } from "../../../domain/build-customer-state.js";
import type { CustomerState, UsagesByEntitlement } from "../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { CreditEntitlement, EntitlementReference, FeatureEntitlement } from "../../../domain/entitlement.js";
import { NO_USAGE, type Usage } from "../../../domain/usage/usage.js";
import type { EntitlementSet } from "./entitlement-schema.js";
import { wideTextBytes } from "./heap-sizes.js";
import { earliestEndIn, endIn, hasEnds, type OwnNumbers, packOwnNumbers, updatedAtIn, usageIn } from "./own-numbers.js";

/** A state as a reference to what its subject shares with others, and one text of numbers that are its own. */
export class CompactState implements CustomerState {
  readonly set: EntitlementSet;
  readonly own: OwnNumbers;
  /** Whether its entitlements are had until some time, so that what is shared of them is not all. */
  readonly hasEnds: boolean;

  constructor(set: EntitlementSet, own: OwnNumbers, isEnding = hasEnds(own)) {
    this.set = set;
    this.own = own;
    this.hasEnds = isEnding;
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

  get includesWallets(): boolean {
    return this.set.schema.includesWallets;
  }

  get unknown(): readonly EntitlementReference[] {
    return this.set.schema.unknown;
  }

  feature(featureId: string): FeatureEntitlement | undefined {
    const place = this.set.schema.placeOfFeature(featureId);
    return place < 0 ? undefined : featureAt(this, place);
  }

  credit(currencyId: string): CreditEntitlement | undefined {
    const place = this.set.schema.placeOfCredit(currencyId);
    return place < 0 ? undefined : creditAt(this, place);
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
      const entitlement = featureAt(this, place);
      if (entitlement !== undefined) yield entitlement;
    }
  }

  *credits(): Iterable<CreditEntitlement> {
    for (let place = 0; place < this.creditCount; place++) {
      const entitlement = creditAt(this, place);
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
      else if (place >= 0) return inFull(this).withUsages(usages);
    }
    for (const [currencyId, usage] of usages.credits ?? []) {
      const place = schema.placeOfCredit(currencyId);
      if (place >= 0) columns[schema.columnOfCredit(place)] = usage;
    }
    const ends = Array.from({ length: this.featureCount + this.creditCount }, (_, place) => endIn(this.own, place));
    return new CompactState(this.set, packOwnNumbers({ updatedAt: this.updatedAt, ends, usages: columns }));
  }
}

// Private methods would be functions here too, but leave a mark in each object, and one is made for each check.

/** In a form that has a place for every usage. */
function inFull(state: CompactState): CustomerState {
  return buildCustomerState({
    accessDeniedReason: state.accessDeniedReason,
    updatedAt: state.updatedAt,
    includesWallets: state.includesWallets,
    unknown: state.unknown,
    features: Array.from(state.features(), (entitlement) => ({
      ...entitlement,
      usage: state.featureUsage(entitlement.feature.id),
    })),
    credits: Array.from(state.credits(), (entitlement) => ({
      ...entitlement,
      usage: state.creditUsage(entitlement.currency.currencyId),
    })),
  });
}

function featureAt({ hasEnds, set, own }: CompactState, place: number): FeatureEntitlement | undefined {
  return hasEnds ? set.featureUntil(place, endIn(own, place)) : set.feature(place);
}

function creditAt({ set, own, featureCount }: CompactState, place: number): CreditEntitlement | undefined {
  return set.schema.credits[place]?.with(set.creditLimit(place), endIn(own, featureCount + place));
}
