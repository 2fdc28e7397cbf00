import type { ChangeQueue } from "../../ports/change-sources.js";
import { BackOff, type BackOffTiming, type Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import { elapse } from "../../ports/waits.js";
import type { ProcessChanges } from "./process-changes.js";
import type { WriteAvailability } from "./write-availability.js";

/** A poll that brings nothing sooner than this did not wait for messages, milliseconds. */
const SHORTEST_POLL_MS = 500;
/** After such a poll: each call may cost money, and a server that does not let callers wait would be asked without end. */
const AFTER_SHORT_POLLS: BackOffTiming = { firstDelayMs: 50, longestDelayMs: 1_000 };

/** Of the waits after a failure, until the queue is asked again. */
export interface ConsumeOptions extends BackOffTiming {
  /** How many wait for messages and carry them out side by side. */
  readonly consumers: number;
  /** How long the calls under way may still bring messages at the end, milliseconds: what one would have brought that is broken off comes again late. */
  readonly lastPollMs: number;
}

export interface ConsumeParts {
  readonly queue: ChangeQueue;
  readonly gate: WriteAvailability;
  readonly changes: ProcessChanges;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Takes messages from the queue as long as the shared cache takes writes, and has them carried out. */
export class ConsumeChanges {
  readonly #parts: ConsumeParts;
  readonly #options: ConsumeOptions;
  /** One each: a signal with many listeners is taken for a leak. */
  readonly #stopping: readonly AbortController[];
  #isStopping = false;
  readonly #inHand = new Set<Promise<unknown>>();
  /** Consumers with nothing to do: one that asks is enough, as long as there is nothing. */
  readonly #idle: (() => void)[] = [];
  #loops: Promise<unknown> = Promise.resolve();
  #isQueueOpen = false;
  #failing = 0;
  readonly #outage: OutageLog;

  constructor(parts: ConsumeParts, options: ConsumeOptions) {
    this.#parts = parts;
    this.#outage = new OutageLog(parts.logger);
    this.#options = options;
    this.#stopping = Array.from({ length: options.consumers }, () => new AbortController());
  }

  /** How many consume at this time. */
  get consumers(): number {
    const isConsuming = this.#isQueueOpen && this.#parts.gate.isOpen && !this.#isStopping;
    if (!isConsuming || this.#failing === 0) return isConsuming ? this.#options.consumers : 0;
    // Who is idle leaves it to another to ask, and is no better off than that one.
    return Math.max(0, this.#options.consumers - this.#failing - this.#idle.length);
  }

  /** Returns at once. Never throws: failures are waited out. */
  start(): void {
    this.#loops = this.#consumeAll();
  }

  /** Takes no more messages from now on; resolves once none is in hand. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const wake of this.#idle.splice(0)) wake();
    const cancelTimer = this.#parts.clock.after(this.#options.lastPollMs, () => {
      for (const stopping of this.#stopping) stopping.abort();
    });
    await this.#loops;
    cancelTimer();
    while (this.#inHand.size > 0) await Promise.all(this.#inHand);
  }

  async #consumeAll(): Promise<void> {
    const { queue } = this.#parts;
    const [first] = this.#stopping;
    if (first === undefined) return;
    await this.#untilItSucceeds(() => queue.open(first.signal), first.signal);
    this.#isQueueOpen = true;
    await Promise.all(this.#stopping.map(({ signal }) => this.#consume(signal)));
  }

  async #consume(signal: AbortSignal): Promise<void> {
    const { queue, gate, changes, clock } = this.#parts;
    const shortPolls = new BackOff(AFTER_SHORT_POLLS);
    let previous: Promise<unknown> | undefined;
    for (;;) {
      await gate.whenOpen(signal);
      const askedAt = clock.elapsed();
      const messages = await this.#untilItSucceeds(() => queue.receive(signal), signal);
      if (messages === undefined) return;
      const isShort = messages.length === 0 && clock.elapsed() - askedAt < SHORTEST_POLL_MS;
      if (!isShort) shortPolls.reset();
      if (messages.length === 0) {
        await this.#untilThereIsMore();
        if (isShort) await elapse(shortPolls.nextMs(), clock, signal);
        continue;
      }
      this.#idle.pop()?.();
      if (!gate.isOpen) {
        void this.#keepInHand(changes.hold(messages));
        continue;
      }
      const { written, removed, settled } = changes.carryOut(messages);
      void this.#keepInHand(settled);
      await written;
      // Messages are removed while the next ones are received, but never those of more than one batch.
      await previous;
      previous = removed;
    }
  }

  #untilThereIsMore(): Promise<void> {
    const isTheLastToAsk = this.#idle.length === this.#options.consumers - 1;
    if (isTheLastToAsk || this.#isStopping) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #keepInHand(work: Promise<unknown>): Promise<void> {
    const kept = work.then(() => void this.#inHand.delete(kept));
    this.#inHand.add(kept);
    return kept;
  }

  /** @returns undefined once no more messages are to be taken */
  async #untilItSucceeds<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { clock } = this.#parts;
    const backOff = new BackOff(this.#options);
    let isFailing = false;
    let result: T | undefined;
    while (!this.#isStopping) {
      try {
        result = await attempt();
        break;
      } catch (error) {
        if (signal.aborted) break;
        if (!isFailing) this.#failed(error);
        isFailing = true;
        await elapse(backOff.nextMs(), clock, signal);
      }
    }
    if (isFailing) this.#recovered();
    return result;
  }

  #failed(error: unknown): void {
    this.#failing++;
    this.#outage.lost("error", "no messages can be received from the queue; it is asked again until they can", {
      error,
    });
  }

  #recovered(): void {
    if (--this.#failing === 0 && !this.#isStopping)
      this.#outage.recovered("messages are received from the queue again");
  }
}
