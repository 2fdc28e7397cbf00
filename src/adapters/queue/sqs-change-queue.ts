import type { Message } from "@aws-sdk/client-sqs";
import type { ChangeMessage, ChangeQueue, QueuedMessage } from "../../ports/change-sources.js";
import { BackOff, type BackOffTiming, type CancelTimer, type Clock } from "../../ports/clock.js";
import { type LogFields, type Logger, OutageLog } from "../../ports/logger.js";
import type { TraceContext } from "../../ports/tracer.js";
import { FieldFault } from "../../wire/fault-log.js";
import type { ReportFault } from "../../wire/fields.js";
import { decodeChangeMessage } from "./decode-change-message.js";
import { inBatches, MAX_BATCH, SqsCalls, type SqsOptions } from "./sqs-calls.js";

export interface SqsChangeQueueOptions extends SqsOptions {
  /** How many messages are received at once, 1 to 10. */
  readonly batchSize: number;
  /** Whether it is asked which trace a message is a part of. */
  readonly isTraced?: boolean;
}

/** As OpenTelemetry's own instrumentation of senders names them. */
const TRACE_ATTRIBUTES = ["traceparent", "tracestate"] as const;

/** Where the queue does not tell its own: SQS's default. */
const DEFAULT_VISIBILITY_SECONDS = 30;

/** An SQS queue, standard or FIFO. */
export class SqsChangeQueue implements ChangeQueue {
  readonly #calls: SqsCalls;
  readonly #batchSize: number;
  readonly #held: HeldMessages<QueuedMessage>;
  readonly #removal: BatchedRemoval;
  readonly #report: ReportFault;
  readonly #logger: Logger;
  #visibilitySeconds = DEFAULT_VISIBILITY_SECONDS;

  /** @param report called for each entitlement that cannot be read and is left out */
  constructor(options: SqsChangeQueueOptions, report: ReportFault, clock: Clock, logger: Logger) {
    this.#batchSize = options.batchSize;
    this.#report = report;
    this.#logger = logger;
    this.#calls = new SqsCalls({
      ...options,
      attributeNames: options.isTraced === true ? TRACE_ATTRIBUTES : undefined,
    });
    this.#held = new HeldMessages((handles, seconds) => this.#calls.keepFromOthers(handles, seconds), clock, logger);
    this.#removal = new BatchedRemoval((handles) => this.#remove(handles));
  }

  async open(signal: AbortSignal): Promise<void> {
    const seconds = await this.#calls.visibilityTimeout(signal);
    if (seconds !== undefined && seconds > 0) this.#visibilitySeconds = seconds;
    this.#held.start(this.#visibilitySeconds);
  }

  async receive(signal: AbortSignal): Promise<readonly QueuedMessage[]> {
    const messages = await this.#calls.receive(this.#batchSize, this.#visibilitySeconds, signal);
    return messages.map(({ MessageId = "unnamed", Body = "", ReceiptHandle = "", MessageAttributes }) => {
      const trace = traceOf(MessageAttributes);
      const message: QueuedMessage = { id: MessageId, content: this.#contentOf(Body), trace };
      this.#held.take(message, ReceiptHandle);
      return message;
    });
  }

  remove(messages: readonly QueuedMessage[]): Promise<void> {
    return this.#removal.remove(this.#drop(messages));
  }

  async release(messages: readonly QueuedMessage[]): Promise<void> {
    const batches = [...inBatches(this.#drop(messages))];
    const results = await Promise.allSettled(batches.map((handles) => this.#calls.keepFromOthers(handles, 0)));
    for (const result of results) {
      const fault = result.status === "fulfilled" ? [...result.value.values()][0] : undefined;
      if (result.status === "fulfilled" && fault === undefined) continue;
      this.#logger.warn(
        "messages could not be given back, and come again when their time is over",
        result.status === "rejected" ? { error: result.reason as unknown } : { fault },
      );
      return;
    }
  }

  abandon(messages: readonly QueuedMessage[]): void {
    this.#drop(messages);
  }

  async close(): Promise<void> {
    this.#held.stop();
    await this.release(this.#held.all());
    await this.#removal.idle();
    this.#calls.close();
  }

  #contentOf(body: string): ChangeMessage | { readonly fault: string } {
    try {
      return decodeChangeMessage(body, this.#report);
    } catch (error) {
      if (error instanceof FieldFault) return { fault: error.expectation };
      throw error;
    }
  }

  #drop(messages: readonly QueuedMessage[]): string[] {
    return messages.map((message) => this.#held.drop(message)).filter((handle) => handle !== undefined);
  }

  async #remove(receiptHandles: readonly string[]): Promise<void> {
    try {
      const fault = await this.#calls.remove(receiptHandles);
      if (fault !== undefined)
        this.#logger.warn("messages that were carried out could not be removed, and come again", { fault });
    } catch (error) {
      this.#logger.warn("messages that were carried out could not be removed, and come again", { error });
    }
  }
}

function traceOf(attributes: Message["MessageAttributes"]): TraceContext | undefined {
  const [traceparent, tracestate] = TRACE_ATTRIBUTES.map((name) => attributes?.[name]?.StringValue);
  return traceparent === undefined ? undefined : { traceparent, tracestate };
}

interface Waiting {
  readonly receiptHandle: string;
  readonly done: () => void;
}

/** Never rejects: what cannot be removed comes again. */
export type RemoveBatch = (receiptHandles: readonly string[]) => Promise<void>;

/** More at a time would only make the batches smaller. */
const MAX_CONCURRENT = 4;

/** Removes messages a batch at a time, so that those who have one message each share a call. */
class BatchedRemoval {
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

interface Held {
  readonly receiptHandle: string;
  /** From when on the queue keeps it from others, by `Clock.elapsed`. */
  keptSince: number;
}

/** @returns the handles of those of which that is not so, each with the reason */
export type KeepFromOthers = (
  receiptHandles: readonly string[],
  seconds: number,
) => Promise<ReadonlyMap<string, string>>;

const NOT_KEPT = "messages in hand could not be kept from others, and may be handled twice";

/** Until those are tried again that could not be kept: sooner than the next look, of which there are three before it is too late. */
const TRY_AGAIN: BackOffTiming = { firstDelayMs: 500, longestDelayMs: 5_000 };

/** Keeps the messages that are in hand from being given to others, however long they take. */
class HeldMessages<M> {
  readonly #held = new Map<M, Held>();
  readonly #keep: KeepFromOthers;
  readonly #clock: Clock;
  readonly #outage: OutageLog;
  readonly #tryAgain = new BackOff(TRY_AGAIN);
  #seconds = 0;
  #cancelTimer: CancelTimer | undefined;
  #cancelTryAgain: CancelTimer | undefined;
  #isStopped = false;

  constructor(keep: KeepFromOthers, clock: Clock, logger: Logger) {
    this.#keep = keep;
    this.#clock = clock;
    this.#outage = new OutageLog(logger);
  }

  /** @param seconds how long the queue keeps a message from others by itself */
  start(seconds: number): void {
    this.#seconds = seconds;
    this.#schedule();
  }

  take(message: M, receiptHandle: string): void {
    this.#held.set(message, { receiptHandle, keptSince: this.#clock.elapsed() });
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
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#cancelTryAgain?.();
  }

  #schedule(): void {
    this.#cancelTimer = this.#clock.after(this.#seconds * 250, () => {
      this.#schedule();
      void this.#extend();
    });
  }

  async #extend(): Promise<void> {
    const now = this.#clock.elapsed();
    const due = [...this.#held].filter(([, { keptSince }]) => now - keptSince >= this.#seconds * 250);
    let failure: LogFields | undefined;
    for (const batch of inBatches(due)) {
      try {
        const faults = await this.#keep(
          batch.map(([, { receiptHandle }]) => receiptHandle),
          this.#seconds,
        );
        for (const [message, held] of batch) {
          const fault = faults.get(held.receiptHandle);
          if (fault === undefined) held.keptSince = now;
          // What was dropped meanwhile may be removed from the queue by now, and has no time to be extended.
          else if (this.#held.has(message)) failure ??= { fault };
        }
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) this.#notKept(failure);
    else if (due.length > 0) {
      this.#tryAgain.reset();
      this.#outage.works("messages in hand are kept from others again");
    }
  }

  #notKept(failure: LogFields): void {
    this.#outage.lost("warn", NOT_KEPT, failure);
    if (this.#isStopped || this.#cancelTryAgain !== undefined) return;
    this.#cancelTryAgain = this.#clock.after(this.#tryAgain.nextMs(), () => {
      this.#cancelTryAgain = undefined;
      void this.#extend();
    });
  }
}
