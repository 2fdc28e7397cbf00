import { CodedError } from "../domain/errors.js";
import type { Subject } from "../domain/subject.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { SharedCache } from "../ports/shared-cache.js";
import type { RefetchSubjects } from "./refetch-subjects.js";

export interface SweepOptions {
  /** How many states are refetched in a second, so that upstream has room for everybody else. */
  readonly perSecond: number;
  /** How many are under way at once. */
  readonly maxConcurrent: number;
}

/** Brings every state of the shared cache up to date, at a bounded rate, while everything else goes on. */
export class SweepStates {
  readonly #cache: SharedCache;
  readonly #refetch: RefetchSubjects;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: SweepOptions;
  #running: Promise<void> | undefined;
  /** For all who came while one was running: it may have passed what changed for them. */
  #next: Promise<void> | undefined;
  #isStopped = false;

  constructor(cache: SharedCache, refetch: RefetchSubjects, clock: Clock, logger: Logger, options: SweepOptions) {
    this.#cache = cache;
    this.#refetch = refetch;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  /** @throws CodedError as RefetchSubjects does; then some states are refetched and some are not */
  sweep(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    const begin = () => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #begin(): Promise<void> {
    const run = this.#sweep().finally(() => (this.#running = undefined));
    this.#running = run;
    return run;
  }

  async #sweep(): Promise<void> {
    const { maxConcurrent, perSecond } = this.#options;
    const pending = new Set<Promise<void>>();
    let failure: Error | undefined;
    let refetched = 0;
    let nextTurn = this.#clock.now();
    this.#logger.info("every state in the shared cache is refetched");
    for await (const subjects of this.#cache.subjects()) {
      for (const subject of subjects) {
        if (this.#isStopped) throw new CodedError("cancelled", "the process is ending");
        if (failure !== undefined) throw failure;
        nextTurn = await this.#turn(nextTurn, 1_000 / perSecond);
        if (pending.size >= maxConcurrent) await Promise.race(pending);
        this.#add(pending, subject, (error) => (failure ??= error));
        refetched++;
      }
    }
    await Promise.all(pending);
    if (failure !== undefined) throw failure;
    this.#logger.info("every state in the shared cache was refetched", { states: refetched });
  }

  #add(pending: Set<Promise<void>>, subject: Subject, failed: (error: Error) => void): void {
    const job = this.#refetch
      .refetch(subject, true)
      .catch((error: unknown) => failed(error instanceof Error ? error : new CodedError("internal", String(error))))
      .finally(() => pending.delete(job));
    pending.add(job);
  }

  /** Waits until it is this one's turn. @returns when it is the next one's, epoch milliseconds */
  async #turn(turn: number, intervalMs: number): Promise<number> {
    const waitMs = turn - this.#clock.now();
    if (waitMs > 0) await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve));
    return Math.max(turn, this.#clock.now()) + intervalMs;
  }
}
