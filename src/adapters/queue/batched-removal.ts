import { MAX_BATCH } from "./sqs-calls.js";

interface Waiting {
  readonly receiptHandle: string;
  readonly done: () => void;
}

/** Never rejects: what cannot be removed comes again. */
export type RemoveBatch = (receiptHandles: readonly string[]) => Promise<void>;

/** More at a time would only make the batches smaller. */
const MAX_CONCURRENT = 4;

/** Removes messages a batch at a time, so that those who have one message each share a call. */
export class BatchedRemoval {
  readonly #remove: RemoveBatch;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(remove: RemoveBatch) {
    this.#remove = remove;
  }

  /** Resolves once these are removed, or it is known that they cannot be. */
  remove(receiptHandles: readonly string[]): Promise<void> {
    if (receiptHandles.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let remaining = receiptHandles.length;
      const done = () => {
        if (--remaining === 0) resolve();
      };
      for (const receiptHandle of receiptHandles) this.#waiting.push({ receiptHandle, done });
      // Not at once: those whose changes were written together are reported one after the other.
      setImmediate(() => this.#begin());
    });
  }

  async idle(): Promise<void> {
    while (this.#waiting.length + this.#running.size > 0) {
      this.#begin();
      await Promise.all(this.#running);
    }
  }

  #begin(): void {
    while (this.#waiting.length > 0 && this.#running.size < MAX_CONCURRENT) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      const run = this.#remove(batch.map(({ receiptHandle }) => receiptHandle)).then(() => {
        this.#running.delete(run);
        for (const { done } of batch) done();
        this.#begin();
      });
      this.#running.add(run);
    }
  }
}
