import { createHash, randomUUID } from "node:crypto";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Change } from "../../domain/change.js";
import type { Subject } from "../../domain/subject.js";
import type { Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import { elapse } from "../../ports/waits.js";
import { encodePackagePublished, encodeUsageV2 } from "./encoding/encode-changes.js";
import { encodeEntitlementsV2 } from "./encoding/encode-state.js";

/** Far more than a queue that can be reached is ever behind. */
const MAX_WAITING = 100_000;
const REJECTED = "changes cannot be sent to the queue; they are sent once it takes them";
const RETRY_DELAY_MS = 1_000;
/** How long the last messages may take to be sent. */
const STOP_MS = 2_000;

/** Sends every change to a queue, in order: no message is sent before the one ahead of it is taken. */
export class AnnounceChanges {
  readonly #sender: SqsSender;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #waiting: ChangeMessage[] = [];
  #sending: Promise<void> | undefined;
  readonly #outage: OutageLog;

  constructor(sender: SqsSender, clock: Clock, logger: Logger) {
    this.#sender = sender;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger);
  }

  announce(change: Change): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#logger.error("the queue is too far behind; a change is dropped", { type: change.type });
      return;
    }
    this.#waiting.push(encodeChangeMessage(change, this.#clock.now()));
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  async stop(): Promise<void> {
    const cancelTimer = this.#clock.after(STOP_MS, () => this.#stopping.abort());
    await this.#sending;
    cancelTimer();
    this.#sender.close();
  }

  async #send(): Promise<void> {
    // What is reported in the same breath goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stopping.signal.aborted) {
      const batch = this.#waiting.splice(0, MAX_SENT_TOGETHER);
      const failed = await this.#attempt(batch);
      if (failed.length === 0) continue;
      this.#waiting.unshift(...failed);
      await elapse(RETRY_DELAY_MS, this.#clock, this.#stopping.signal);
    }
  }

  /** @returns those that were not taken */
  async #attempt(batch: readonly ChangeMessage[]): Promise<readonly ChangeMessage[]> {
    try {
      const failed = await this.#sender.send(batch, this.#stopping.signal);
      if (failed.length > 0) this.#outage.lost("error", REJECTED, { rejected: failed.length });
      else if (this.#outage.isLost) this.#outage.recovered("the queue takes changes again");
      return failed;
    } catch (error) {
      this.#outage.lost("error", REJECTED, { error });
      return batch;
    }
  }
}

/** As many as one call to SQS takes. */
export const MAX_SENT_TOGETHER = 10;

export interface SqsSenderOptions {
  readonly region: string;
  /** Of a standard queue or, ending in ".fifo", of one that keeps the order of each customer's messages. */
  readonly queueUrl: string;
  /** Whether the environment names an endpoint of its own, such as a local server: it then counts, whatever host the queue's URL names. */
  readonly hasOwnEndpoint: boolean;
}

/** Puts messages into an SQS queue. */
export class SqsSender {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ region, queueUrl, hasOwnEndpoint }: SqsSenderOptions) {
    this.#queueUrl = queueUrl;
    this.#client = new SQSClient({
      region,
      // Left to itself, the library says on the console with every call that the queue's host is not the region's.
      ...(hasOwnEndpoint ? {} : { endpoint: new URL(queueUrl).origin }),
      useQueueUrlAsEndpoint: false,
    });
  }

  /**
   * @returns those that were not taken
   * @throws Error where none was
   */
  async send(messages: readonly ChangeMessage[], signal: AbortSignal): Promise<readonly ChangeMessage[]> {
    const isFifo = this.#queueUrl.endsWith(".fifo");
    const entries = messages.map((message, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(message),
      ...(isFifo ? { MessageGroupId: groupOf(message), MessageDeduplicationId: message.id } : {}),
    }));
    const { Failed = [] } = await this.#client.send(
      new SendMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries }),
      { abortSignal: signal },
    );
    const failed = new Set(Failed.map(({ Id }) => Number(Id)));
    return messages.filter((_, index) => failed.has(index));
  }

  close(): void {
    this.#client.destroy();
  }
}

/** An id may hold what the name of a group may not. */
function groupOf({ data }: ChangeMessage): string {
  const customerId = "customerId" in data && typeof data.customerId === "string" ? data.customerId : "";
  return createHash("sha256").update(customerId).digest("hex");
}

/** A message of docs/change-messages.md, as JSON.stringify takes it. */
export interface ChangeMessage {
  readonly version: 1;
  readonly id: string;
  readonly type: "entitlements.updated" | "usage.updated" | "customer.invalidated" | "package.published";
  /** ISO. */
  readonly timestamp: string;
  readonly data: object;
}

/** @param now when the change was made, epoch milliseconds */
export function encodeChangeMessage(change: Change, now: number): ChangeMessage {
  return { version: 1, id: randomUUID(), timestamp: new Date(now).toISOString(), ...contentOf(change, now) };
}

function contentOf(change: Change, now: number): Pick<ChangeMessage, "type" | "data"> {
  switch (change.type) {
    case "entitlements-updated":
      return {
        type: "entitlements.updated",
        data: {
          ...encodeSubject(change.subject),
          accessDeniedReason: change.state.accessDeniedReason ?? null,
          entitlements: encodeEntitlementsV2(change.state, now),
        },
      };
    case "usage-updated":
      return { type: "usage.updated", data: { ...encodeSubject(change.subject), ...encodeUsageV2(change) } };
    case "subject-invalidated":
      return { type: "customer.invalidated", data: encodeSubject(change.subject) };
    case "package-published":
      return { type: "package.published", data: encodePackagePublished(change) };
  }
}

function encodeSubject({ customerId, resourceId }: Subject) {
  return { customerId, resourceId: resourceId ?? null };
}
