import type { CustomerState } from "../../domain/customer-state.js";
import { isAhead, isDue, type StreamStatus } from "../../domain/freshness/freshness.js";
import type { Subject } from "../../domain/subject.js";
import type { CachedState, CacheStore, StoredState } from "../../ports/cache-store.js";
import { type Clock, Deadlines } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { AnswerSource, Telemetry } from "../../ports/telemetry.js";
import { inSpan } from "../../ports/tracer.js";
import type { CallContext } from "../answer.js";
import type { RefreshInBackground } from "../refresh/refresh-in-background.js";
import { CaughtUp } from "./caught-up.js";
import type { LoadState } from "./load-state.js";
import { type SearchParts, StateSearch, type WantedEntitlements } from "./search-state.js";

export interface Lookup {
  /** Undefined: nothing is known, the fallback answers. */
  readonly state: CustomerState | undefined;
  readonly source: AnswerSource;
  readonly verifiedAt: number | undefined;
  /** Whether it serves only since nothing better could be had in time. */
  readonly isLastResort: boolean;
}

export interface FindStateOptions {
  /** The time that a check may spend on a state that is not cached, milliseconds. */
  readonly budgetMs: number;
  /** How much before the caller's deadline a check has to answer, milliseconds. */
  readonly deadlineMarginMs: number;
  /** Whether others who share the store read a resource's state only beside its customer's own. */
  readonly alsoCacheCustomer?: boolean;
  /** When this process last had nothing left to do, by `Clock.elapsed`; not given: it never is behind. */
  readonly lastIdleAt?: (() => number) | undefined;
}

/** After how much of a check's budget upstream is asked beside a store that has not answered, so that there is time left for it. */
const STORE_SHARE = 1 / 3;

/** Finds the best state that can be had for a check, in time: cached, from the store, from upstream, or an old one. */
export class FindState {
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #refresh: RefreshInBackground;
  readonly #stream: StreamStatus;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: FindStateOptions;
  readonly #searchParts: SearchParts;
  readonly #denials: OldDenials;

  constructor(
    cache: CacheStore,
    load: LoadState,
    refresh: RefreshInBackground,
    stream: StreamStatus,
    telemetry: Telemetry,
    clock: Clock,
    logger: Logger,
    options: FindStateOptions,
  ) {
    this.#cache = cache;
    this.#load = load;
    this.#refresh = refresh;
    this.#stream = stream;
    this.#telemetry = telemetry;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
    this.#denials = new OldDenials(clock);
    this.#searchParts = {
      cache,
      load,
      clock,
      logger,
      deadlines: new Deadlines(clock),
      caughtUp: new CaughtUp(clock, options.lastIdleAt ?? (() => Infinity)),
      onUpstream: (isAway) => (this.#denials.isUpstreamAway = isAway),
    };
  }

  /** The cached state, where features can be answered for from it at once. `answersFrom` follows, or `find`. On the path of every check. */
  findCached(
    customerId: string,
    resourceId: string | undefined,
    now: number,
    verifiedSince = -Infinity,
  ): CachedState | undefined {
    const cached = this.#cache.peek(customerId, resourceId);
    return cached === undefined || isDue(cached, now) || cached.verifiedAt < verifiedSince ? undefined : cached;
  }

  /** The same where wallets are asked for. */
  findCachedWithWallets(
    customerId: string,
    resourceId: string | undefined,
    now: number,
    verifiedSince = -Infinity,
  ): CachedState | undefined {
    const cached = this.findCached(customerId, resourceId, now, verifiedSince);
    return cached?.state.includesWallets === true ? cached : undefined;
  }

  /**
   * Whether a denial by a cached state is too old to be given before upstream is asked. Not where upstream has just been asked in
   * vain: then few ask, and nobody else waits.
   */
  asksBeforeDenying(cached: Pick<CachedState, "verifiedAt">, now: number): boolean {
    return this.#isTooOldToDeny(cached, now) && this.#denials.mayAsk();
  }

  /** A check is answered from a cached state: has it looked after, and tells whether anything vouches for it. On the path of every check. */
  answersFrom(
    { verifiedAt }: Pick<CachedState, "verifiedAt">,
    customerId: string,
    resourceId: string | undefined,
    now: number,
  ): "memory" | "stale" {
    this.#telemetry.cacheHits++;
    if (verifiedAt >= this.#stream.trustSince(now) && verifiedAt >= this.#stream.lostAt && !isAhead(verifiedAt, now)) {
      this.#telemetry.answers.memory++;
      return "memory";
    }
    const source = this.sourceOf({ verifiedAt }, now);
    this.#answered(source);
    this.#revisit(verifiedAt, customerId, resourceId, now);
    return source;
  }

  /**
   * What there is for a subject that is not cached while more are asked for than can be loaded in time: what this process
   * holds, at once. To find out by waiting would cost as much as a state, and leave less for those that are loaded.
   *
   * @returns undefined where it is worth to wait
   */
  findUnloaded(
    customerId: string,
    resourceId: string | undefined,
    wanted: WantedEntitlements = "everything",
  ): Lookup | undefined {
    const subject = { customerId, resourceId };
    if (!this.#cache.refuses(subject)) return undefined;
    const held = this.#cache.find(subject);
    this.#telemetry.cacheMisses++;
    const known = held !== undefined && (wanted !== "wallets" || held.state.includesWallets) ? held : undefined;
    return this.#found(known, known === undefined ? "fallback" : "stale", subject);
  }

  /**
   * The best state for a subject that is not cached.
   *
   * @param verifiedSince what was verified before serves only where nothing later can be had, epoch milliseconds
   * @param isDenied whether a state denies what is asked: one that is too old for that serves likewise
   * @throws CodedError `cancelled` when the caller goes away; no failure of the store or of upstream
   */
  find(
    subject: Subject,
    call: CallContext,
    wanted: WantedEntitlements = "everything",
    verifiedSince = -Infinity,
    isDenied?: (state: CustomerState) => boolean,
  ): Promise<Lookup> {
    const now = this.#clock.now();
    const mayAsk = this.#hasBeenLetPast(subject, wanted, verifiedSince, now);
    const trust = {
      verifiedSince,
      ...(isDenied !== undefined && {
        asksFirst: (stored: StoredState) =>
          this.#isTooOldToDeny(stored, now) && isDenied(stored.state) && (mayAsk || this.#denials.mayAsk()),
        deniesSince: this.#stream.deniesSince(now),
      }),
    };
    const budgetMs = this.#budgetMs(call, now);
    const stepMs = this.#cache.isSlow ? 0 : budgetMs * STORE_SHARE;
    const span = call.span?.child("find state", "internal");
    const search = new StateSearch(this.#searchParts, subject, wanted, span);
    return inSpan(span, search.run(budgetMs, stepMs, call.signal, trust)).then(
      ({ known, source, isFromStore, hasWaited }) => {
        if (isFromStore) this.#telemetry.cacheHits++;
        else this.#telemetry.cacheMisses++;
        // Who had less time than a check has says nothing of upstream.
        if (hasWaited && budgetMs >= this.#options.budgetMs) this.#denials.isUpstreamAway = true;
        const servesMeanwhile = isFromStore && known !== undefined && isDue(known, this.#clock.now());
        // Superseded while it was fetched, so that the next check would have to wait again.
        const isSuperseded = source === "upstream" && known?.isVerified === false;
        if (servesMeanwhile || isSuperseded) this.#refresh.enqueue(subject, true);
        if (source === "upstream" && this.#options.alsoCacheCustomer === true && subject.resourceId !== undefined) {
          this.#haveCustomer(subject.customerId);
        }
        const isHeld = servesMeanwhile && this.#cache.peek(subject.customerId, subject.resourceId) !== undefined;
        return this.#found(known, isHeld ? "memory" : source, subject);
      },
    );
  }

  /** What a check that a cached state answers says of its source: whether anything vouches for it. On the path of every check. */
  sourceOf({ verifiedAt }: Pick<CachedState, "verifiedAt">, now: number): "memory" | "stale" {
    return this.#stream.vouchesFor(verifiedAt, now) ? "memory" : "stale";
  }

  #isTooOldToDeny({ verifiedAt }: Pick<CachedState, "verifiedAt">, now: number): boolean {
    return verifiedAt < this.#stream.deniesSince(now) || isAhead(verifiedAt, now);
  }

  /** Who comes here past a cached state that could have answered does so for a denial that may ask, and counts as one. */
  #hasBeenLetPast(
    { customerId, resourceId }: Subject,
    wanted: WantedEntitlements,
    since: number,
    now: number,
  ): boolean {
    const cached =
      wanted === "features"
        ? this.findCached(customerId, resourceId, now, since)
        : this.findCachedWithWallets(customerId, resourceId, now, since);
    return cached !== undefined && this.#isTooOldToDeny(cached, now);
  }

  #revisit(verifiedAt: number, customerId: string, resourceId: string | undefined, now: number): void {
    const revisit = this.#stream.revisit(verifiedAt, now);
    if (revisit === "refresh") this.#refresh.enqueue({ customerId, resourceId });
    else if (revisit === "verify" && this.#refresh.hasRoomToVerify(now))
      this.#refresh.verify({ customerId, resourceId }, this.#stream.trustSince(now));
  }

  #answered(source: AnswerSource): void {
    this.#telemetry.answers[source]++;
    if (source === "stale") this.#telemetry.staleAnswers++;
  }

  /** Nobody waits for it: the check is about the resource. */
  #haveCustomer(customerId: string): void {
    if (this.#cache.peek(customerId, undefined) !== undefined) return;
    this.#load
      .load({ customerId })
      .catch((error: unknown) =>
        this.#logger.debug("a customer was not loaded beside its resource", { customerId, error }),
      );
  }

  #budgetMs(call: CallContext, now: number): number {
    const { budgetMs, deadlineMarginMs } = this.#options;
    return call.deadlineAt === undefined ? budgetMs : Math.min(budgetMs, call.deadlineAt - deadlineMarginMs - now);
  }

  #found(known: StoredState | undefined, from: AnswerSource, { customerId, resourceId }: Subject): Lookup {
    const now = this.#clock.now();
    const isLastResort = from === "stale";
    const source = known === undefined || this.#stream.vouchesFor(known.verifiedAt, now) ? from : "stale";
    this.#answered(source);
    // Who has just asked in vain need not be asked for again at once.
    if (known !== undefined && !isLastResort) this.#revisit(known.verifiedAt, customerId, resourceId, now);
    return { state: known?.state, source, verifiedAt: known?.verifiedAt, isLastResort };
  }
}

/** How many denials ask in a second while upstream does not answer: else each would wait for what comes in vain. */
const MAX_ASKED_IN_VAIN = 20;

/** Which denials by states that are too old ask upstream first: all, but few while it does not answer. */
class OldDenials {
  /** Whether upstream failed when it was last asked, or did not answer in the time that a check has. */
  isUpstreamAway = false;
  readonly #clock: Clock;
  #secondSince = -Infinity;
  #asked = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mayAsk(): boolean {
    if (!this.isUpstreamAway) return true;
    const now = this.#clock.elapsed();
    if (now - this.#secondSince >= 1_000) {
      this.#secondSince = now;
      this.#asked = 0;
    }
    return ++this.#asked <= MAX_ASKED_IN_VAIN;
  }
}
