import { buildCustomerState } from "../../../domain/build-customer-state.js";
import type { CustomerState, UsagesByEntitlement } from "../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { CreditEntitlement, EntitlementReference, FeatureEntitlement } from "../../../domain/entitlement.js";
import { NO_USAGE, type Usage } from "../../../domain/usage/usage.js";
import type { CachedState } from "../../../ports/cache-store.js";
import type { EntitlementSet } from "./entitlement-schema.js";
import { earliestEndIn, endIn, hasEnds, type OwnNumbers, packOwnNumbers, updatedAtIn, usageIn } from "./own-numbers.js";
import { objectBytes, wideTextBytes } from "./shared-pool.js";

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

/** Never a cache's generation: what carries it is not verified. */
export const UNVERIFIED = -1;

const SECOND_MS = 1_000;
/** Seconds are counted from here, so that they have 32 bits from 1951 to 2088; epoch seconds. */
const BEGINNING = Date.UTC(2020, 0) / SECOND_MS;
const FIRST_SECOND = -(2 ** 31);
/** In place of the seconds of Infinity, and of all that is as good as it. */
const NEVER = 2 ** 31 - 1;

/** What is left of both timestamps besides whole seconds, and whether there are ends, in one whole number. */
const MS_BITS = 10;
const MS_MASK = 2 ** MS_BITS - 1;
const HAS_ENDS = 2 ** (2 * MS_BITS);

/** How a state is held, in whole numbers of 32 bits: only those lie in an object, or in a place of a table, itself. */
export interface Holding {
  readonly generation: number;
  readonly verifiedSeconds: number;
  readonly recheckSeconds: number;
  readonly rest: number;
}

/**
 * A state as this process holds it; verified while its generation is the cache's. It is the state itself and has nothing
 * but references and small whole numbers, so that whoever keeps those can make it again when it is asked for: among
 * many, each further object on the way to an answer is one more that the processor has to wait for.
 */
export class MemoryState extends CompactState implements CachedState, Holding {
  readonly generation: number;
  readonly verifiedSeconds: number;
  readonly recheckSeconds: number;
  readonly rest: number;

  constructor(
    set: EntitlementSet,
    own: OwnNumbers,
    generation: number,
    verifiedSeconds: number,
    recheckSeconds: number,
    rest: number,
  ) {
    super(set, own, (rest & HAS_ENDS) !== 0);
    this.generation = generation;
    this.verifiedSeconds = verifiedSeconds;
    this.recheckSeconds = recheckSeconds;
    this.rest = rest;
  }

  /** Both timestamps are epoch milliseconds, of which whole ones are kept, and the nearest from 1951 on; from 2088 on it is never. */
  static of(
    { set, own, hasEnds }: CompactState,
    verifiedAt: number,
    recheckAt: number,
    generation: number,
  ): MemoryState {
    const rest = (hasEnds ? HAS_ENDS : 0) | (msOf(verifiedAt) << MS_BITS) | msOf(recheckAt);
    return new MemoryState(set, own, generation, secondsOf(verifiedAt), secondsOf(recheckAt), rest);
  }

  get verifiedAt(): number {
    return timestampOf(this.verifiedSeconds, (this.rest >> MS_BITS) & MS_MASK);
  }

  get recheckAt(): number {
    return timestampOf(this.recheckSeconds, this.rest & MS_MASK);
  }

  get state(): CustomerState {
    return this;
  }

  asUnverified(): MemoryState {
    const { set, own, generation, verifiedSeconds, recheckSeconds, rest } = this;
    return generation === UNVERIFIED
      ? this
      : new MemoryState(set, own, UNVERIFIED, verifiedSeconds, recheckSeconds, rest);
  }
}

/** What a state takes that is kept as an object, besides its numbers. */
export const MEMORY_STATE_BYTES = objectBytes(7);

function secondsOf(timestamp: number): number {
  return Math.min(NEVER, Math.max(FIRST_SECOND, Math.floor(timestamp / SECOND_MS) - BEGINNING));
}

function msOf(timestamp: number): number {
  return timestamp === Infinity ? 0 : Math.floor(timestamp - Math.floor(timestamp / SECOND_MS) * SECOND_MS);
}

function timestampOf(seconds: number, ms: number): number {
  return seconds === NEVER ? Infinity : (BEGINNING + seconds) * SECOND_MS + ms;
}
