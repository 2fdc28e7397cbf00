import type { CustomerState } from "../domain/customer-state.js";
import { CodedError, errorCodeOf } from "../domain/errors.js";
import type { Subject } from "../domain/subject.js";
import type { CachedState, CacheStore, HeldState } from "../ports/cache-store.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { AnswerSource, Telemetry } from "../ports/telemetry.js";
import type { CallContext } from "./answer.js";
import type { LoadState } from "./load-state.js";
import type { RefreshInBackground } from "./refresh-in-background.js";
import type { StreamStatus } from "./stream-status.js";
import { withinBudget } from "./within-budget.js";

export interface FoundState {
  /** Undefined: nothing is known, the fallback answers. */
  readonly state: CustomerState | undefined;
  readonly source: AnswerSource;
  readonly verifiedAt: number | undefined;
}

/**
 * What a caller asks for. A state may tell of features alone, and then says nothing of wallets: where they are
 * asked for alone it is of no use, and where everything is, only if there is no other.
 */
export type Wanted = "features" | "wallets" | "everything";

export interface FindStateOptions {
  /** The time that a check may spend on a state that is not at hand, milliseconds. */
  readonly budgetMs: number;
  /** How much before the caller's deadline a check has to answer, milliseconds. */
  readonly deadlineMarginMs: number;
  /** Whether others who share the store read a resource's state only beside its customer's own. */
  readonly keepsCustomerBeside?: boolean;
}

/** How much of a check's budget the store may take, so that there is time left to ask upstream. */
const STORE_SHARE = 1 / 3;

/** Finds the best state that can be had for a check, in time: at hand, from the store, from upstream, or an old one. */
export class FindState {
  readonly #cache: CacheStore;
  readonly #load: LoadState;
  readonly #refresh: RefreshInBackground;
  readonly #stream: StreamStatus;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: FindStateOptions;

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
  }

  /** The state at hand, where features can be answered for from it at once. On the path of every check. */
  atHand(customerId: string, resourceId: string | undefined, now: number): HeldState | undefined {
    const cached = this.#cache.peek(customerId, resourceId);
    if (cached === undefined || now >= cached.recheckAt) return undefined;
    return this.#hit(cached, customerId, resourceId, now);
  }

  /** The same where wallets are asked for. */
  atHandWithWallets(customerId: string, resourceId: string | undefined, now: number): HeldState | undefined {
    const cached = this.#cache.peek(customerId, resourceId);
    if (cached === undefined || now >= cached.recheckAt || !cached.state.tellsWallets) return undefined;
    return this.#hit(cached, customerId, resourceId, now);
  }

  /**
   * The best state for a subject that is not at hand.
   *
   * @throws CodedError `cancelled` when the caller goes away; no failure of the store or of upstream
   */
  async find(subject: Subject, call: CallContext, wanted: Wanted = "everything"): Promise<FoundState> {
    const startedAt = this.#clock.now();
    const budgetEndsAt = startedAt + this.#budgetMs(call, startedAt);
    const known = await this.#fromStore(subject, budgetEndsAt - startedAt, call.signal);
    const now = this.#clock.now();
    if (known?.isVerified === true && now < known.recheckAt && suffices(known, wanted)) {
      this.#telemetry.cacheHits++;
      return this.#found(known, "redis");
    }
    this.#telemetry.cacheMisses++;
    const needs = { isInDoubt: known?.isVerified === false, wallets: wanted !== "features" };
    try {
      const loaded = await withinBudget(this.#load.load(subject, needs), budgetEndsAt - now, call.signal, this.#clock);
      if (loaded !== undefined && isOfUse(loaded, wanted)) {
        if (this.#options.keepsCustomerBeside === true && subject.resourceId !== undefined) this.#haveCustomer(subject.customerId);
        return this.#found(loaded, "upstream");
      }
    } catch (error) {
      if (errorCodeOf(error) === "cancelled" && call.signal?.aborted === true) throw error;
      // Upstream's failures are counted where they happen; anything else is a defect, and must not hide in a fallback.
      if (!(error instanceof CodedError)) this.#logger.error("a state could not be loaded, in a way that was not foreseen", { error });
    }
    return known !== undefined && isOfUse(known, wanted) ? this.#found(known, "stale") : this.#found(undefined, "fallback");
  }

  #hit(cached: HeldState, customerId: string, resourceId: string | undefined, now: number): HeldState {
    if (cached.verifiedAt < this.#stream.trustSince(now)) this.#refresh.enqueue({ customerId, resourceId });
    this.#telemetry.cacheHits++;
    this.#telemetry.answers.memory++;
    return cached;
  }

  async #fromStore(subject: Subject, budgetMs: number, signal: AbortSignal | undefined): Promise<CachedState | undefined> {
    try {
      return await withinBudget(this.#cache.load(subject, budgetMs * STORE_SHARE), budgetMs, signal, this.#clock);
    } catch (error) {
      if (!(error instanceof CodedError) || (error.code === "cancelled" && signal?.aborted === true)) throw error;
      return undefined;
    }
  }

  /** Nobody waits for it: the check is about the resource. */
  #haveCustomer(customerId: string): void {
    if (this.#cache.peek(customerId, undefined) !== undefined) return;
    this.#load.load({ customerId }).catch((error: unknown) => this.#logger.debug("a customer was not loaded beside its resource", { customerId, error }));
  }

  #budgetMs(call: CallContext, now: number): number {
    const { budgetMs, deadlineMarginMs } = this.#options;
    return call.deadlineAt === undefined ? budgetMs : Math.min(budgetMs, call.deadlineAt - deadlineMarginMs - now);
  }

  #found(cached: CachedState | undefined, source: AnswerSource): FoundState {
    this.#telemetry.answers[source]++;
    return { state: cached?.state, source, verifiedAt: cached?.verifiedAt };
  }
}

function suffices({ state }: CachedState, wanted: Wanted): boolean {
  return wanted === "features" || state.tellsWallets;
}

function isOfUse({ state }: CachedState, wanted: Wanted): boolean {
  return wanted !== "wallets" || state.tellsWallets;
}
