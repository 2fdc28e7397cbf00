import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { inBatches } from "./sqs-calls.js";

interface Held {
  readonly receiptHandle: string;
  /** From when on the queue keeps it from others, epoch milliseconds. */
  keptSince: number;
}

export type KeepFromOthers = (receiptHandles: readonly string[], seconds: number) => Promise<void>;

/** Keeps the messages that are in hand from being given to others, however long they take. */
export class HeldMessages<M> {
  readonly #held = new Map<M, Held>();
  readonly #keep: KeepFromOthers;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #seconds = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(keep: KeepFromOthers, clock: Clock, logger: Logger) {
    this.#keep = keep;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param seconds how long the queue keeps a message from others by itself */
  start(seconds: number): void {
    this.#seconds = seconds;
    this.#schedule();
  }

  take(message: M, receiptHandle: string): void {
    this.#held.set(message, { receiptHandle, keptSince: this.#clock.now() });
  }

  /** From here on the message's time runs out. @returns undefined where it is not in hand */
  drop(message: M): string | undefined {
    const receiptHandle = this.#held.get(message)?.receiptHandle;
    this.#held.delete(message);
    return receiptHandle;
  }

  all(): readonly M[] {
    return [...this.#held.keys()];
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #schedule(): void {
    this.#cancelTimer = this.#clock.after(this.#seconds * 250, () => {
      this.#schedule();
      void this.#extend();
    });
  }

  async #extend(): Promise<void> {
    const now = this.#clock.now();
    const due = [...this.#held.values()].filter(({ keptSince }) => now - keptSince >= this.#seconds * 250);
    for (const batch of inBatches(due)) {
      try {
        await this.#keep(
          batch.map(({ receiptHandle }) => receiptHandle),
          this.#seconds,
        );
        for (const held of batch) held.keptSince = now;
      } catch (error) {
        this.#logger.warn("messages in hand could not be kept from others, and may be handled twice", { error });
      }
    }
  }
}
