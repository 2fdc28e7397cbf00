import { CodedError, errorCodeOf } from "../../domain/errors.js";
import { BackOff, type BackOffTiming, type Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { SharedCache } from "../../ports/shared-cache.js";
import { elapse } from "../../ports/waits.js";
import type { RefetchReason } from "./refetch-job.js";
import type { RefetchSubjects } from "./refetch-subjects.js";
import type { WriteAvailability } from "./write-availability.js";

export interface SweepOptions {
  /** How many states are refetched in a second, so that upstream has room for everybody else. */
  readonly perSecond: number;
  /** How many are under way at once. */
  readonly maxConcurrent: number;
}

/** Brings every state of the shared cache up to date, at a bounded rate, while everything else goes on. */
export class RefreshAllStates {
  readonly #cache: SharedCache;
  readonly #refetch: RefetchSubjects;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: SweepOptions;
  #running: Promise<void> | undefined;
  /** For all who came while one was running: it may have passed what changed for them. */
  #next: Promise<void> | undefined;
  /** The latest for which the next one is asked for. */
  #nextChangedAt = -Infinity;
  #isStopped = false;

  constructor(cache: SharedCache, refetch: RefetchSubjects, clock: Clock, logger: Logger, options: SweepOptions) {
    this.#cache = cache;
    this.#refetch = refetch;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  /**
   * @param changedAt when they changed, as RefetchReason says
   * @throws CodedError as RefetchSubjects does; then some states are refetched and some are not
   */
  sweep(changedAt = -Infinity): Promise<void> {
    if (this.#running === undefined && this.#next === undefined) return this.#begin(changedAt);
    this.#nextChangedAt = Math.max(this.#nextChangedAt, changedAt);
    if (this.#next !== undefined) return this.#next;
    const begin = () => {
      this.#next = undefined;
      const latest = this.#nextChangedAt;
      this.#nextChangedAt = -Infinity;
      return this.#begin(latest);
    };
    this.#next = (this.#running ?? Promise.resolve()).then(begin, begin);
    return this.#next;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** The next one may begin once everybody was asked for once: it does not wait for those that are asked for again. */
  #begin(changedAt: number): Promise<void> {
    const pass = this.#sweep(changedAt);
    this.#running = pass.then(nothing, nothing).then(() => (this.#running = undefined));
    return pass.then(async (rest) => {
      await Promise.all(rest);
    });
  }

  /** @returns what goes on after everybody was asked for once */
  async #sweep(changedAt: number): Promise<Iterable<Promise<void>>> {
    // Whoever comes once upstream has had the time to catch up need not be confirmed.
    let reason: RefetchReason = { changedAt, isSwept: true };
    const cancelTimer = this.#clock.after(this.#refetch.lagMs, () => (reason = {}));
    try {
      return await this.#askForAll(() => reason);
    } finally {
      cancelTimer();
    }
  }

  /** @returns what goes on after everybody was asked for once */
  async #askForAll(reasonNow: () => RefetchReason): Promise<Iterable<Promise<void>>> {
    const { maxConcurrent, perSecond } = this.#options;
    const pending = new Set<Promise<void>>();
    const unfinished = new Set<Promise<void>>();
    let failure: Error | undefined;
    let refetched = 0;
    let nextTurn = this.#clock.elapsed();
    this.#logger.info("every state in the shared cache is refetched");
    for await (const subjects of this.#cache.subjects()) {
      for (const subject of subjects) {
        if (this.#isStopped) throw new CodedError("cancelled", "the process is ending");
        if (failure !== undefined) throw failure;
        nextTurn = await this.#turn(nextTurn, 1_000 / perSecond);
        if (pending.size >= maxConcurrent) await Promise.race(pending);
        const { attempted, done } = this.#refetch.begin(subject, true, reasonNow());
        const attempt = attempted.then(() => void pending.delete(attempt));
        pending.add(attempt);
        const rest = done.catch((error: unknown) => {
          // One subject's own fault, which is counted where it happens, is not the sweep's.
          if (errorCodeOf(error) === "internal") return;
          failure ??= error instanceof Error ? error : new CodedError("internal", String(error));
          throw failure;
        });
        const finished = rest.finally(() => unfinished.delete(finished));
        finished.catch(nothing);
        unfinished.add(finished);
        refetched++;
      }
    }
    await Promise.all(pending);
    if (failure !== undefined) throw failure;
    this.#logger.info("every state in the shared cache was refetched, or is asked for again", {
      states: refetched,
      askedAgain: unfinished.size,
    });
    return unfinished;
  }

  /** Waits until it is this one's turn. @returns when it is the next one's, by `Clock.elapsed` */
  async #turn(turn: number, intervalMs: number): Promise<number> {
    const waitMs = turn - this.#clock.elapsed();
    if (waitMs > 0) await elapse(waitMs, this.#clock);
    return Math.max(turn, this.#clock.elapsed()) + intervalMs;
  }
}

function nothing(): void {
  // The outcome is another's matter.
}

export interface RollbackParts {
  readonly gate: Pick<WriteAvailability, "onOlderData">;
  readonly sweep: Pick<RefreshAllStates, "sweep">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Has every state refetched once the shared cache has come back with older data than it had confirmed, as from a copy or by a fail-over
 * to a replica that was behind: the messages of the changes that it lost are gone from the queue.
 */
export class RefetchAfterRollback {
  readonly #parts: RollbackParts;
  readonly #backOff: BackOff;
  readonly #stopping = new AbortController();

  constructor(parts: RollbackParts, timing: BackOffTiming) {
    this.#parts = parts;
    this.#backOff = new BackOff(timing);
  }

  start(): void {
    const { gate, logger } = this.#parts;
    gate.onOlderData(() => {
      logger.warn("the shared cache has come back with older data than it had confirmed: every state is refetched");
      void this.#refetch();
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Tries again for as long as it takes: nothing else would bring what was lost. */
  async #refetch(): Promise<void> {
    const { sweep, clock, logger } = this.#parts;
    const { signal } = this.#stopping;
    const outage = new OutageLog(logger);
    while (!signal.aborted) {
      try {
        // What was lost is as late as what was confirmed last: no timestamp says that an answer is from after it.
        await sweep.sweep(Infinity);
        this.#backOff.reset();
        outage.recovered("every state was refetched, or is asked for again");
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        outage.lost("warn", "not every state could be refetched: it is tried again until they are", { error });
        await elapse(this.#backOff.nextMs(), clock, signal);
      }
    }
  }
}
