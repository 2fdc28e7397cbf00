import { createHash } from "node:crypto";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { ChangeMessage } from "./encode-change-message.js";

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
