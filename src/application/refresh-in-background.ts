import type { Subject } from "../domain/subject.js";
import type { Logger } from "../ports/logger.js";
import type { LoadState } from "./load-state.js";
import { SubjectMap } from "./subject-map.js";

/** How many subjects may wait to be refreshed; beyond it a refresh is left to the next check that needs it. */
const MAX_WAITING = 10_000;

/** Refetches states that are still good enough to serve, a few at a time, so that checks need not wait for it. */
export class RefreshInBackground {
  readonly #load: LoadState;
  readonly #logger: Logger;
  readonly #maxConcurrent: number;
  readonly #queue: Subject[] = [];
  readonly #waiting = new SubjectMap<true>();
  #running = 0;

  constructor(load: LoadState, logger: Logger, maxConcurrent: number) {
    this.#load = load;
    this.#logger = logger;
    this.#maxConcurrent = maxConcurrent;
  }

  /** Asks for a subject's state soon; once, however often it is asked while it waits. */
  enqueue(subject: Subject): void {
    if (this.#queue.length >= MAX_WAITING || this.#waiting.get(subject) === true) return;
    this.#waiting.set(subject, true);
    this.#queue.push(subject);
    this.#startMore();
  }

  #startMore(): void {
    while (this.#running < this.#maxConcurrent) {
      const subject = this.#queue.shift();
      if (subject === undefined) return;
      this.#running++;
      void this.#refresh(subject);
    }
  }

  async #refresh(subject: Subject): Promise<void> {
    try {
      await this.#load.load(subject);
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
