import type { UsageUpdated } from "../../domain/change.js";
import { type CustomerState, isEmptyState } from "../../domain/customer-state.js";
import { saysEntityIsMissing } from "../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../domain/errors.js";
import { eventOfFetch, isAhead, mayPredate, servesAtOnce } from "../../domain/freshness/freshness.js";
import { newestUsage } from "../../domain/newest-wins.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import { withPossibleTimestamps } from "../../domain/with-default-timestamps.js";
import type { CacheStore, StoredState } from "../../ports/cache-store.js";
import { type Clock, Deadlines, spread } from "../../ports/clock.js";
import type { CrossProcessSingleFlight } from "../../ports/shared-cache.js";
import type { Span } from "../../ports/tracer.js";
import type { FetchOptions, UpstreamClient } from "../../ports/upstream-client.js";
import { Cancellation } from "../../ports/waits.js";
import { LaggingSubjects, type MissingBounds, MissingSubjects, RecentChanges } from "./missing-subjects.js";

interface Flight {
  readonly result: Promise<StoredState | undefined>;
  /** It does not end with what another process stored without telling of wallets. */
  readonly isForWallets: boolean;
  /** See LoadNeeds. */
  readonly verifiedSince: number;
  /** A change of the subject arrived since the flight began: what it brings may be from before it. */
  superseded: boolean;
  /** Usages reported since the flight began: what it brings may be without them. */
  readonly usageChanges: UsageUpdated[];
  /** It brings what a cache of upstream's tells, which may be from before what made it stale. */
  mayBeStale: boolean;
  readonly span: Span | undefined;
  /** Upstream answered, but its answer could not be written where others read it. */
  storeFailure: CodedError | undefined;
}

/** What else there is to say of a state that is asked for. */
export interface LoadNeeds {
  /** Whether the subject is known, but may have changed since. */
  readonly isStale: boolean;
  /** Whether wallets are asked for, so that what another process stored without telling of them will not do. */
  readonly wallets: boolean;
  /** A state in the store that was verified before is no answer, epoch milliseconds; undefined: any verified one is. */
  readonly verifiedSince?: number;
  /** Of which the fetch is a part. Of several who ask at the same time, it is the first one's. */
  readonly span?: Span | undefined;
}

export interface LoadStateOptions {
  /** How long one fetch may take, milliseconds. */
  readonly fetchTimeoutMs: number;
  /** How long an answer that may not last is believed ("no such customer", or a trial that is over), milliseconds. */
  readonly recheckAfterMs: number;
  /** Which subjects are remembered for not being known upstream. */
  readonly missing?: MissingBounds;
  /** Given where other processes share the store. */
  readonly singleFlight?: CrossProcessSingleFlight | undefined;
}

const DEFAULT_MISSING: MissingBounds = { count: 10_000, idBytes: 2_000_000 };

/** How long an answer serves that may be behind what is known to have happened, milliseconds. */
const LAGGING_RECHECK_MS = 1_000;

/** How much it matters that upstream's answer is not from a cache: see FetchOptions. */
type Freshness = Pick<FetchOptions, "latest" | "preferLatest" | "onMaybeStale" | "span">;

const ANY: Freshness = { latest: false };
const PREFERABLY_LATEST: Freshness = { latest: false, preferLatest: true };
const LATEST: Freshness = { latest: true };

const NOTHING_ELSE: LoadNeeds = { isStale: false, wallets: false };

/**
 * Asks upstream for a subject's state and stores it. However many ask at the same time, upstream is asked
 * once; those who stop waiting do not stop the fetch.
 */
export class LoadState {
  readonly #cache: CacheStore;
  readonly #upstream: UpstreamClient;
  readonly #clock: Clock;
  readonly #options: LoadStateOptions;
  readonly #flights = new SubjectMap<Flight>();
  readonly #missing: MissingSubjects;
  readonly #deadlines: Deadlines;
  readonly #lagging = new LaggingSubjects();
  readonly #changed = new RecentChanges();

  constructor(cache: CacheStore, upstream: UpstreamClient, clock: Clock, options: LoadStateOptions) {
    this.#cache = cache;
    this.#upstream = upstream;
    this.#clock = clock;
    this.#options = options;
    this.#deadlines = new Deadlines(clock);
    this.#missing = new MissingSubjects(cache, options.missing ?? DEFAULT_MISSING);
  }

  /**
   * For a subject that the store cannot tell of: where processes share it, one of them asks for all.
   *
   * @returns what is known once upstream has answered, or undefined where there is no upstream to ask
   * @throws CodedError as UpstreamClient.fetchState does, and `deadline-exceeded` after the fetch timeout
   */
  load(subject: Subject, needs = NOTHING_ELSE): Promise<StoredState | undefined> {
    return this.#join(subject, needs, this.#options.singleFlight);
  }

  /**
   * For a subject that the store can tell of, but that is to be asked for again all the same.
   *
   * @param isStale whether it may have changed since
   * @throws CodedError as `load` does
   */
  refresh(subject: Subject, isStale = false): Promise<StoredState | undefined> {
    return this.#join(subject, { isStale, wallets: false }, undefined);
  }

  /**
   * For a subject of which nothing speaks against what is known, but that it is old. Where processes share the store,
   * one of them asks for all.
   *
   * @param verifiedSince a state in the store that was verified since then will do, epoch milliseconds
   * @throws CodedError as `load` does
   */
  verify(subject: Subject, verifiedSince: number): Promise<StoredState | undefined> {
    return this.#join(subject, { ...NOTHING_ELSE, verifiedSince }, this.#options.singleFlight);
  }

  /**
   * Always asks anew, past upstream's own caches: for a caller who knows that something has changed.
   *
   * @throws CodedError as `load` does, and the store's `unavailable`: others go on reading what was before
   */
  async reload(subject: Subject, span?: Span): Promise<StoredState | undefined> {
    this.supersede(subject);
    const flight = this.#startFetch(subject, LATEST, { ...NOTHING_ELSE, span }, undefined);
    const known = await flight.result;
    if (flight.storeFailure !== undefined) throw flight.storeFailure;
    return known;
  }

  /** Whether only a cache of upstream's could tell the subject's state, so that it is asked for again soon. */
  isLagging(subject: Subject): boolean {
    return this.#lagging.has(subject);
  }

  /** Tells that a subject changed, and with a customer all its resources: fetches under way may bring what was before. */
  supersede({ customerId, resourceId }: Subject): void {
    if (resourceId === undefined) for (const flight of this.#flights.ofCustomer(customerId)) flight.superseded = true;
    else {
      const flight = this.#flights.get({ customerId, resourceId });
      if (flight !== undefined) flight.superseded = true;
    }
  }

  /**
   * Tells that a usage changed. It orders itself by its own timestamp, so a fetch under way is not superseded by
   * it: of a customer whose usage moves all the time, no fetch would ever be worth keeping.
   */
  usageChanged(change: UsageUpdated): void {
    this.#flights.get(change.subject)?.usageChanges.push(change);
  }

  supersedeAll(): void {
    for (const flight of this.#flights.values()) flight.superseded = true;
  }

  /** Tells that a subject changed of which nothing is cached, or all that are not: a cache of upstream's may be behind that. */
  changedUnseen(subject: Subject | "all"): void {
    const now = this.#clock.elapsed();
    if (subject === "all") this.#changed.addOfAll(now);
    else this.#changed.add(subject, now);
  }

  #join(
    subject: Subject,
    needs: LoadNeeds,
    shared: CrossProcessSingleFlight | undefined,
  ): Promise<StoredState | undefined> {
    const inFlight = this.#flights.get(subject);
    if (inFlight !== undefined && !inFlight.superseded) {
      needs.span?.set({ "entitlement.fetch_is_shared": true });
      return needs.wallets && !inFlight.isForWallets ? this.#joinForWallets(inFlight, subject, needs) : inFlight.result;
    }
    const mayLag =
      inFlight !== undefined || this.#lagging.has(subject) || this.#changed.has(subject, this.#clock.elapsed());
    const flight = this.#startFetch(subject, needs.isStale || mayLag ? PREFERABLY_LATEST : ANY, needs, shared);
    if (inFlight !== undefined) flight.usageChanges.push(...inFlight.usageChanges);
    return flight.result;
  }

  /** Another process may have brought what the flight ends with, and not have included wallets. */
  async #joinForWallets(inFlight: Flight, subject: Subject, needs: LoadNeeds): Promise<StoredState | undefined> {
    const known = await inFlight.result;
    return known === undefined || known.state.includesWallets ? known : this.load(subject, needs);
  }

  #startFetch(
    subject: Subject,
    freshness: Freshness,
    { wallets, verifiedSince = -Infinity, span }: LoadNeeds,
    shared: CrossProcessSingleFlight | undefined,
  ): Flight {
    const bring = () =>
      shared === undefined
        ? this.#fetchAndStore(subject, freshness, flight)
        : this.#fetchInTurn(shared, subject, freshness, flight);
    const flight: Flight = {
      result: Promise.resolve()
        .then(bring)
        .finally(() => {
          if (this.#flights.get(subject) === flight) this.#flights.delete(subject);
        }),
      isForWallets: wallets || shared === undefined,
      verifiedSince,
      superseded: false,
      usageChanges: [],
      mayBeStale: false,
      span,
      storeFailure: undefined,
    };
    this.#flights.set(subject, flight);
    return flight;
  }

  async #fetchInTurn(
    shared: CrossProcessSingleFlight,
    subject: Subject,
    freshness: Freshness,
    flight: Flight,
  ): Promise<StoredState | undefined> {
    let brought: StoredState | undefined;
    const lease = await shared.acquireLease(
      subject,
      async () => (brought = await this.#usableInStore(subject, flight)) !== undefined,
    );
    if (lease === undefined) return brought;
    let isStored = false;
    try {
      const known = await this.#fetchAndStore(subject, freshness, flight);
      isStored = known?.isVerified === true && flight.storeFailure === undefined;
      return known;
    } finally {
      lease.end(isStored);
    }
  }

  async #usableInStore(subject: Subject, { isForWallets, verifiedSince }: Flight): Promise<StoredState | undefined> {
    const stored = await this.#inStore(subject);
    const now = this.#clock.now();
    if (stored === undefined || !servesAtOnce(stored, now) || isAhead(stored.verifiedAt, now)) return undefined;
    if (stored.verifiedAt < verifiedSince) return undefined;
    return isForWallets && !stored.state.includesWallets ? undefined : stored;
  }

  async #fetchAndStore(subject: Subject, freshness: Freshness, flight: Flight): Promise<StoredState | undefined> {
    const askedAt = this.#clock.now();
    const fetchedState = await this.#fetch(subject, {
      ...freshness,
      span: flight.span,
      onMaybeStale: () => (flight.mayBeStale = true),
    });
    if (fetchedState === undefined) return undefined;
    const answer = withPossibleTimestamps(fetchedState, askedAt);
    const isAskedAgainSoon = flight.mayBeStale && this.#lagging.add(subject);
    const isSuperseded =
      flight.superseded || (flight.mayBeStale && (await this.#predatesKnown(subject, answer, askedAt)));
    const event = eventOfFetch({ isSuperseded, mayBeStale: flight.mayBeStale, isAskedAgainSoon });
    if (!flight.mayBeStale && !flight.superseded && freshness !== ANY) this.#lagging.delete(subject);
    const state = flight.usageChanges.reduce(
      (known, { entitlement, usage }) => newestUsage(known, entitlement, usage),
      answer,
    );
    const fetched = {
      state,
      verifiedAt: askedAt,
      recheckAt: isAskedAgainSoon ? askedAt + spread(LAGGING_RECHECK_MS, 0.75, 1.25) : this.#recheckAt(state, askedAt),
      isVerified: event === "fetched",
    };
    try {
      const known = await this.#cache.put(subject, fetched);
      if (saysEntityIsMissing(known.state.accessDeniedReason)) void this.#missing.remember(subject);
      return known;
    } catch (error) {
      // A store out of reach does not make upstream's answer any less true.
      if (!(error instanceof CodedError)) throw error;
      flight.storeFailure = error;
      // It may be older all the same than what this process has known, which has taken it up.
      return (await this.#inStore(subject, 0)) ?? fetched;
    }
  }

  /** Of an empty state no timestamp says that it is older than what is known. */
  async #predatesKnown(subject: Subject, answer: CustomerState, askedAt: number): Promise<boolean> {
    if (!isEmptyState(answer)) return false;
    const known = await this.#inStore(subject);
    return known !== undefined && !isEmptyState(known.state) && mayPredate(askedAt, known.verifiedAt);
  }

  /** Undefined also where the store is out of reach. */
  async #inStore(subject: Subject, waitMs?: number): Promise<StoredState | undefined> {
    try {
      return await this.#cache.load(subject, waitMs);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return undefined;
    }
  }

  async #fetch(subject: Subject, freshness: Freshness): Promise<CustomerState | undefined> {
    const abort = new Cancellation();
    const { fetchTimeoutMs } = this.#options;
    const deadline = this.#deadlines.after(fetchTimeoutMs, () =>
      abort.abort(new CodedError("deadline-exceeded", `upstream did not answer within ${fetchTimeoutMs} ms`)),
    );
    try {
      return await this.#upstream.fetchState(subject, { ...freshness, signal: abort });
    } catch (error) {
      throw abort.aborted ? abort.reason : error;
    } finally {
      this.#deadlines.cancel(deadline);
    }
  }

  #recheckAt(state: CustomerState, now: number): number {
    // What upstream still says after its end is believed for a while, or every check would ask again.
    if (!isEmptyState(state) && state.validUntil > now) return state.validUntil;
    return now + spread(this.#options.recheckAfterMs, 0.75, 1.25);
  }
}
