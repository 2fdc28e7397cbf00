import type { Subject } from "../../../domain/subject.js";
import type { Decimal } from "../../../domain/usage/decimal.js";

/** What was counted of one feature for one subject. */
export interface UsageEntry {
  /** By usage period, the one counted in last at the end; see `withAmount` for which. */
  readonly amounts: readonly PeriodAmount[];
  /** The catalog's initial usage that this began with. */
  readonly initial: number | undefined;
  /** Epoch milliseconds, later with each write. */
  readonly updatedAt: number;
}

export interface PeriodAmount {
  /** Start of the period that the amount was counted in, epoch milliseconds; undefined: it never begins anew. */
  readonly periodStart: number | undefined;
  readonly amount: Decimal;
}

/** What was drawn from one wallet. */
export interface WalletEntry {
  /** By the grant's key, also of grants that have ended; those drawn from last are at the end. */
  readonly drawn: ReadonlyMap<string, DrawnCredits>;
  /** Drawn beyond what the grants of the time covered: a debt that the next grants pay. */
  readonly overdraft: Decimal;
  /** The catalog's initially used credits that this began with. */
  readonly initial: number | undefined;
  /** Epoch milliseconds, later with each write. */
  readonly updatedAt: number;
}

export interface DrawnCredits {
  readonly amount: Decimal;
  /** When the grant ends, epoch milliseconds or Infinity. */
  readonly expiresAt: number;
}

/** Under one idempotency key: what was counted, and what was answered. */
export interface RememberedReport {
  /** Digest of what was reported; "": not known, as of what an earlier version counted. */
  readonly content: string;
  /** Undefined of an event, which is answered nothing. */
  readonly answer: RememberedAnswer | undefined;
}

/** The numbers of a measurement; timestamps in epoch milliseconds. */
export interface RememberedAnswer {
  readonly currentUsage: number;
  readonly periodStart: number | undefined;
  readonly periodEnd: number | undefined;
  readonly updatedAt: number | undefined;
  readonly credit: RememberedCredit | undefined;
}

export interface RememberedCredit {
  readonly currencyId: string;
  readonly currentUsage: number;
  readonly periodEnd: number | undefined;
  readonly updatedAt: number | undefined;
}

/** Reads what was counted so far. */
export interface LedgerReader {
  usage(subject: Subject, featureId: string): UsageEntry | undefined;
  wallet(owner: Subject, currencyId: string): WalletEntry | undefined;
  /** @param digest of an idempotency key and what it is the key of */
  remembered(digest: string): RememberedReport | undefined;
  /** The name under which an event that no meter names is counted. */
  unmatchedName(eventName: string): string;
  /** How many events came under such a name. */
  unmatched(name: string): number;
}

/** Enough for a clock that is set back and forth, and for what is reported late. */
const MAX_PERIODS = 5;

/**
 * An entry's amounts with one of them set anew. Other periods are kept: a clock that was ahead has begun a period too
 * soon, and once it is set right the usage of the true period has to be there. The one farthest from now goes first, and
 * never the present one, whatever the periods before it were.
 *
 * @param presentStart of the period that contains `now`; undefined: there are no periods
 */
export function withAmount(
  amounts: readonly PeriodAmount[],
  changed: PeriodAmount,
  presentStart: number | undefined,
  now: number,
): readonly PeriodAmount[] {
  const all = [...amounts.filter(({ periodStart }) => periodStart !== changed.periodStart), changed];
  if (all.length <= MAX_PERIODS) return all;
  const distances = all.map(({ periodStart }) => {
    if (periodStart === presentStart) return -1;
    return periodStart === undefined ? Infinity : Math.abs(now - periodStart);
  });
  all.splice(distances.indexOf(Math.max(...distances)), 1);
  return all;
}

/** Values by subject and by the id of a feature or currency, each compared as it is and never joined into one key. */
export class EntryTable<V> {
  readonly #customers = new Map<string, Map<string | undefined, Map<string, V>>>();

  get({ customerId, resourceId }: Subject, id: string): V | undefined {
    return this.#customers.get(customerId)?.get(resourceId)?.get(id);
  }

  set({ customerId, resourceId }: Subject, id: string, value: V): void {
    let subjects = this.#customers.get(customerId);
    if (subjects === undefined)
      this.#customers.set(customerId, (subjects = new Map<string | undefined, Map<string, V>>()));
    let values = subjects.get(resourceId);
    if (values === undefined) subjects.set(resourceId, (values = new Map<string, V>()));
    values.set(id, value);
  }

  *entries(): Iterable<readonly [subject: Subject, id: string, value: V]> {
    for (const [customerId, subjects] of this.#customers) {
      for (const [resourceId, values] of subjects) {
        for (const [id, value] of values) yield [{ customerId, resourceId }, id, value];
      }
    }
  }
}
