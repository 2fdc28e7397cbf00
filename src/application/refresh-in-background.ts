import { SubjectMap } from "../domain/subject-map.js";
import type { Subject } from "../domain/subject.js";
import type { Logger } from "../ports/logger.js";
import type { LoadState } from "./load-state.js";

/** How many subjects may wait to be refreshed; beyond it a refresh is left to the next check that needs it. */
const MAX_WAITING = 10_000;

/** Refetches states that are still good enough to serve, a few at a time, so that checks need not wait for it. */
export class RefreshInBackground {
  readonly #load: LoadState;
  readonly #logger: Logger;
  readonly #maxConcurrent: number;
  readonly #queue: { readonly subject: Subject; readonly isInDoubt: boolean }[] = [];
  readonly #waiting = new SubjectMap<true>();
  #running = 0;

  constructor(load: LoadState, logger: Logger, maxConcurrent: number) {
    this.#load = load;
    this.#logger = logger;
    this.#maxConcurrent = maxConcurrent;
  }

  /**
   * Asks for a subject's state soon; once, however often it is asked while it waits.
   *
   * @param isInDoubt whether what is known of it may have changed since
   */
  enqueue(subject: Subject, isInDoubt = false): void {
    if (this.#queue.length >= MAX_WAITING || this.#waiting.get(subject) === true) return;
    this.#waiting.set(subject, true);
    this.#queue.push({ subject, isInDoubt });
    this.#startMore();
  }

  #startMore(): void {
    while (this.#running < this.#maxConcurrent) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#running++;
      void this.#refresh(next.subject, next.isInDoubt);
    }
  }

  async #refresh(subject: Subject, isInDoubt: boolean): Promise<void> {
    try {
      await this.#load.refresh(subject, isInDoubt);
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
