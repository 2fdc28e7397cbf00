import { isEmptyState } from "../../domain/customer-state.js";
import { CodedError, type ErrorCode, errorCodeOf } from "../../domain/errors.js";
import { isDue } from "../../domain/freshness/freshness.js";
import type { Subject } from "../../domain/subject.js";
import type { CacheStore, LoadedState, StoredState } from "../../ports/cache-store.js";
import type { Clock, Deadline, Deadlines } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { AnswerSource } from "../../ports/telemetry.js";
import { inSpan, type Span } from "../../ports/tracer.js";
import type { CancelSignal } from "../../ports/waits.js";
import type { Awaited, CaughtUp } from "./caught-up.js";
import type { LoadState } from "./load-state.js";

/**
 * What a caller asks for. A state may tell of features alone, and then says nothing of wallets: where they are
 * asked for alone it is of no use, and where everything is, only if there is no other.
 */
export type WantedEntitlements = "features" | "wallets" | "everything";

export interface SearchResult {
  /** Undefined: nothing is known, the fallback answers. */
  readonly known: StoredState | undefined;
  readonly source: Exclude<AnswerSource, "assumed">;
  /** Whether what the store had is the answer, and good enough to be. */
  readonly isFromStore: boolean;
  /** Whether upstream was asked, and the time was over before it answered. */
  readonly hasWaited: boolean;
}

export interface SearchParts {
  readonly cache: CacheStore;
  readonly load: LoadState;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly caughtUp: CaughtUp;
  readonly logger: Logger;
  /** Called where upstream answered in time, or failed, early or late; not where it refused what was asked. */
  readonly onUpstream: (isAway: boolean) => void;
}

/** What is good enough to end a search as long as upstream can be asked. */
export interface Trust {
  /** What was verified before serves only where nothing later can be had, epoch milliseconds. */
  readonly verifiedSince: number;
  /** Whether upstream is to be asked before this state of the store's serves. */
  readonly asksFirst?: (stored: StoredState) => boolean;
  /** Given with `asksFirst`: where upstream is asked, what was verified before is no answer of another process's either. */
  readonly deniesSince?: number;
}

/** Of a span: where the answer came from. */
export const SOURCE_ATTRIBUTE = "entitlement.source";
const STEP_TOLERANCE_MS = 15;

/** Of whom more are asked, each would wait for what comes in vain; other failures are of one subject, or come at once. */
const SAYS_UPSTREAM_IS_AWAY: ReadonlySet<ErrorCode> = new Set([
  "unavailable",
  "deadline-exceeded",
  "resource-exhausted",
  "unauthenticated",
  "permission-denied",
]);

/**
 * One search for a state that is not cached. The store is asked, and upstream once the store does not have it; or beside
 * the store, once that takes longer than its step. The first good answer ends the search, and so does the end of the
 * budget: then the best that is known serves. Whatever comes later is cached for the next check.
 */
export class StateSearch {
  readonly #parts: SearchParts;
  readonly #subject: Subject;
  readonly #wanted: WantedEntitlements;
  readonly #span: Span | undefined;
  #resolve!: (result: SearchResult) => void;
  #reject!: (error: Error) => void;
  #signal: CancelSignal | undefined;
  #budget: Deadline | undefined;
  #step: Deadline | undefined;
  /** By `Clock.elapsed`. */
  #stepEndsAt = 0;
  #caughtUp: Awaited | undefined;
  /** What the store has, where that is not good enough as long as upstream can be asked. */
  #known: StoredState | undefined;
  #upstream: "not-asked" | "asked" | "in-vain" = "not-asked";
  #isStoreAsked = true;
  #trust: Trust = { verifiedSince: -Infinity };
  #hasWaited = false;
  #hasEnded = false;

  /** @param span of which what is asked is a part */
  constructor(parts: SearchParts, subject: Subject, wanted: WantedEntitlements, span?: Span) {
    this.#parts = parts;
    this.#subject = subject;
    this.#wanted = wanted;
    this.#span = span;
  }

  /**
   * Once.
   *
   * @param budgetMs how long it may take in all, milliseconds
   * @param stepMs how long the store is asked alone, milliseconds
   * @throws CodedError `cancelled` when the caller goes away; no failure of the store or of upstream
   */
  run(
    budgetMs: number,
    stepMs: number,
    signal: CancelSignal | undefined,
    trust: Trust = { verifiedSince: -Infinity },
  ): Promise<SearchResult> {
    this.#trust = trust;
    const { cache, clock, deadlines } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#signal = signal;
      if (signal?.aborted === true) {
        this.#cancelled();
        return;
      }
      signal?.addEventListener("abort", this.#cancelled);
      this.#budget = deadlines.after(budgetMs, this.#budgetEnds);
      if (stepMs > 0) {
        this.#stepEndsAt = clock.elapsed() + stepMs;
        this.#step = deadlines.after(stepMs, this.#stepEnds);
      }
      inSpan(this.#span?.child("read store", "internal"), cache.load(this.#subject)).then(
        (stored) => this.#stored(stored),
        (error: unknown) => {
          if (!(error instanceof CodedError)) this.#fail(error);
          else if (error.code === "resource-exhausted") this.#overloaded();
          else this.#stored(undefined);
        },
      );
      if (stepMs <= 0) void this.#askUpstreamBesideStore();
    });
  }

  readonly #budgetEnds = (): void => {
    this.#hasWaited = this.#upstream === "asked";
    void this.#endWithWhatIsKnown();
  };

  /** A process that is behind has the store's answer still to read: that is no reason to ask upstream as well. */
  readonly #stepEnds = (): void => {
    this.#caughtUp = this.#parts.caughtUp.whenReadUpTo(
      this.#stepEndsAt - STEP_TOLERANCE_MS,
      () => void this.#askUpstreamBesideStore(),
    );
  };

  /** More is asked for than can be read: to ask upstream for it would only move the overload there. One that is asked already may answer. */
  #overloaded(): void {
    this.#isStoreAsked = false;
    void this.#held().then((held) => {
      this.#known = held;
      return this.#upstream === "asked" ? undefined : this.#endWithWhatIsKnown();
    });
  }

  #stored(stored: LoadedState | undefined): void {
    this.#isStoreAsked = false;
    this.#endStep();
    if (this.#hasEnded) return;
    if (
      stored?.isVerified === true &&
      stored.verifiedAt >= this.#trust.verifiedSince &&
      suffices(stored, this.#wanted) &&
      (!isDue(stored, this.#parts.clock.now()) || this.#servesMeanwhile(stored)) &&
      this.#trust.asksFirst?.(stored) !== true
    ) {
      this.#end(stored, stored.origin, true);
      return;
    }
    this.#known = stored;
    if (this.#upstream === "in-vain") void this.#endWithWhatIsKnown();
    else this.#askUpstream(stored);
  }

  /**
   * Whether a state is due only because it came from a cache of upstream's that may be behind: then nothing better is
   * known, and it is to be asked for again in the background. Who waited for that would wait every second while the API
   * is away.
   */
  #servesMeanwhile({ state }: StoredState): boolean {
    return (
      !isEmptyState(state) && this.#parts.clock.now() < state.validUntil && this.#parts.load.isLagging(this.#subject)
    );
  }

  async #askUpstreamBesideStore(): Promise<void> {
    this.#askUpstream(await this.#held());
  }

  #askUpstream(known: StoredState | undefined): void {
    if (this.#hasEnded || this.#upstream !== "not-asked") return;
    this.#upstream = "asked";
    const { verifiedSince, deniesSince = -Infinity } = this.#trust;
    const needs = {
      isStale: known?.isVerified === false,
      wallets: this.#wanted !== "features",
      verifiedSince: Math.max(verifiedSince, deniesSince),
      span: this.#span,
    };
    this.#parts.load.load(this.#subject, needs).then(
      (loaded) => {
        if (loaded === undefined || !this.#hasEnded) this.#parts.onUpstream(loaded === undefined);
        if (loaded !== undefined && isOfUse(loaded, this.#wanted)) this.#end(loaded, "upstream");
        else this.#upstreamFailed();
      },
      (error: unknown) => {
        if (SAYS_UPSTREAM_IS_AWAY.has(errorCodeOf(error))) this.#parts.onUpstream(true);
        // Upstream's failures are counted where they happen; anything else is a defect, and must not hide in a fallback.
        if (!(error instanceof CodedError))
          this.#parts.logger.error("a state could not be loaded: unexpected error", { error });
        this.#upstreamFailed();
      },
    );
  }

  #upstreamFailed(): void {
    this.#upstream = "in-vain";
    if (!this.#isStoreAsked) void this.#endWithWhatIsKnown();
  }

  async #endWithWhatIsKnown(): Promise<void> {
    if (this.#hasEnded) return;
    const known = this.#isStoreAsked ? await this.#held() : this.#known;
    if (known !== undefined && isOfUse(known, this.#wanted)) this.#end(known, "stale");
    else this.#end(undefined, "fallback");
  }

  /** What this process has, while the store has not answered. */
  async #held(): Promise<StoredState | undefined> {
    try {
      return await this.#parts.cache.load(this.#subject, 0);
    } catch (error) {
      if (!(error instanceof CodedError)) this.#fail(error);
      return undefined;
    }
  }

  readonly #cancelled = (): void => this.#fail(new CodedError("cancelled", "the caller went away"));

  #fail(error: unknown): void {
    if (this.#close()) this.#reject(error instanceof Error ? error : new CodedError(errorCodeOf(error), String(error)));
  }

  #end(known: StoredState | undefined, source: SearchResult["source"], isFromStore = false): void {
    if (!this.#close()) return;
    this.#span?.set({ [SOURCE_ATTRIBUTE]: source });
    this.#resolve({ known, source, isFromStore, hasWaited: this.#hasWaited });
  }

  #endStep(): void {
    const { deadlines, caughtUp } = this.#parts;
    if (this.#step !== undefined) deadlines.cancel(this.#step);
    if (this.#caughtUp !== undefined) caughtUp.cancel(this.#caughtUp);
  }

  /** @returns false where it had ended before */
  #close(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    if (this.#budget !== undefined) this.#parts.deadlines.cancel(this.#budget);
    this.#endStep();
    this.#signal?.removeEventListener("abort", this.#cancelled);
    return true;
  }
}

function suffices({ state }: StoredState, wanted: WantedEntitlements): boolean {
  return wanted === "features" || state.includesWallets;
}

function isOfUse({ state }: StoredState, wanted: WantedEntitlements): boolean {
  return wanted !== "wallets" || state.includesWallets;
}
