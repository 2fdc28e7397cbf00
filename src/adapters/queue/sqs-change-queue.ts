import type { Message } from "@aws-sdk/client-sqs";
import type { ChangeMessage, ChangeQueue, QueuedMessage } from "../../ports/change-queue.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { TraceContext } from "../../ports/tracer.js";
import { FieldFault } from "../../wire/field-fault.js";
import type { ReportFault } from "../../wire/fields.js";
import { BatchedRemoval } from "./batched-removal.js";
import { decodeChangeMessage } from "./decode-change-message.js";
import { HeldMessages } from "./held-messages.js";
import { inBatches, SqsCalls, type SqsOptions } from "./sqs-calls.js";

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
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      this.#logger.warn("messages could not be given back, and come again when their time is over", {
        error: failed.reason,
      });
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
