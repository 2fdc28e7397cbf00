import { type Subject, SubjectMap } from "../../domain/subject.js";
import type { Logger } from "../../ports/logger.js";
import type { LoadState } from "../load/load-state.js";

/** How many subjects may wait to be refreshed; beyond it a refresh is left to the next check that needs it. */
const MAX_WAITING = 10_000;

/** How many states are verified again in a second for their age alone, so that upstream has room for everybody else. */
const MAX_VERIFIED_PER_SECOND = 100;

interface Refresh {
  readonly subject: Subject;
  isStale: boolean;
  /** Set where the state is only old; both may change until it begins. */
  verifiedSince: number | undefined;
}

/** Refetches states that are still good enough to serve, a few at a time, so that checks need not wait for it. */
export class RefreshInBackground {
  readonly #load: LoadState;
  readonly #logger: Logger;
  readonly #maxConcurrent: number;
  readonly #queue: Refresh[] = [];
  readonly #waiting = new SubjectMap<Refresh>();
  #running = 0;
  /** When the present second of verifications began, epoch milliseconds, and how many there were in it. */
  #secondSince = -Infinity;
  #verifiedInSecond = 0;

  constructor(load: LoadState, logger: Logger, maxConcurrent: number) {
    this.#load = load;
    this.#logger = logger;
    this.#maxConcurrent = maxConcurrent;
  }

  /**
   * Asks for a subject's state soon; once, however often it is asked while it waits.
   *
   * @param isStale whether what is known of it may have changed since
   */
  enqueue(subject: Subject, isStale = false): void {
    this.#add({ subject, isStale, verifiedSince: undefined });
  }

  /** Whether `verify` may be called: a bounded number of times in a second. @param now epoch milliseconds */
  hasRoomToVerify(now: number): boolean {
    if (now - this.#secondSince >= 1_000 || now < this.#secondSince) {
      this.#secondSince = now;
      this.#verifiedInSecond = 0;
    }
    return this.#verifiedInSecond < MAX_VERIFIED_PER_SECOND && this.#queue.length < MAX_WAITING;
  }

  /**
   * Asks for a subject's state soon, only because what is known of it is old; where processes share a store, one of
   * them asks for all.
   *
   * @param verifiedSince the state of another process is as good if it was verified since then, epoch milliseconds
   */
  verify(subject: Subject, verifiedSince: number): void {
    if (this.#add({ subject, isStale: false, verifiedSince })) this.#verifiedInSecond++;
  }

  /** @returns false where it waits already, or too many do */
  #add(refresh: Refresh): boolean {
    const waiting = this.#waiting.get(refresh.subject);
    if (waiting !== undefined && refresh.isStale) {
      // What has not begun asks past upstream's caches; what has is superseded by what made it stale.
      waiting.isStale = true;
      waiting.verifiedSince = undefined;
    }
    if (this.#queue.length >= MAX_WAITING || waiting !== undefined) return false;
    this.#waiting.set(refresh.subject, refresh);
    this.#queue.push(refresh);
    this.#startMore();
    return true;
  }

  #startMore(): void {
    while (this.#running < this.#maxConcurrent) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#running++;
      void this.#refresh(next);
    }
  }

  async #refresh({ subject, isStale, verifiedSince }: Refresh): Promise<void> {
    try {
      if (verifiedSince === undefined) await this.#load.refresh(subject, isStale);
      else await this.#load.verify(subject, verifiedSince);
    } catch (error) {
      // The state that is known goes on serving; upstream's failures are counted where they happen.
      this.#logger.debug("background refresh failed", { ...subject, error });
    } finally {
      this.#running--;
      this.#waiting.delete(subject);
      this.#startMore();
    }
  }
}
