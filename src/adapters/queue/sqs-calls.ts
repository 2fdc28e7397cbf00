import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
  type Message,
} from "@aws-sdk/client-sqs";
import { CodedError } from "../../domain/errors.js";

/** As many as one call to SQS takes. */
export const MAX_BATCH = 10;

const LONGEST_POLL_SECONDS = 20;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Above the longest poll: a connection on which nothing comes for longer is dead. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_SOCKETS = 64;

export interface SqsOptions {
  readonly region: string;
  readonly queueUrl: string;
  /** Whether the environment names an endpoint of its own, such as a local server: it then counts, whatever host the queue's URL names. */
  readonly hasOwnEndpoint: boolean;
}

/** The library tells by itself of every call, and on the console of every queue behind another host. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  return;
}

/**
 * The calls to one queue. Credentials are found, and the endpoint is chosen, the way all of AWS's own programs do it.
 * Each rejects with a CodedError: `cancelled` once its signal aborts, `unavailable` for whatever else goes wrong.
 */
export class SqsCalls {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ region, queueUrl, hasOwnEndpoint }: SqsOptions) {
    this.#queueUrl = queueUrl;
    this.#client = new SQSClient({
      region,
      useQueueUrlAsEndpoint: !hasOwnEndpoint,
      logger: SILENT,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      },
    });
  }

  /** @returns how long the queue keeps a message from others, seconds; undefined where this client may not know */
  async visibilityTimeout(signal: AbortSignal): Promise<number | undefined> {
    const command = new GetQueueAttributesCommand({ QueueUrl: this.#queueUrl, AttributeNames: ["VisibilityTimeout"] });
    try {
      const { Attributes } = await this.#client.send(command, { abortSignal: signal });
      return Number(Attributes?.VisibilityTimeout);
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw this.#coded(error);
    }
  }

  async receive(maxMessages: number, visibilitySeconds: number, signal: AbortSignal): Promise<readonly Message[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: maxMessages,
      WaitTimeSeconds: LONGEST_POLL_SECONDS,
      VisibilityTimeout: visibilitySeconds,
    });
    try {
      const { Messages } = await this.#client.send(command, { abortSignal: signal });
      return Messages ?? [];
    } catch (error) {
      throw this.#coded(error);
    }
  }

  /** @returns why some were not removed; undefined where all were */
  async remove(receiptHandles: readonly string[]): Promise<string | undefined> {
    const entries = receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    try {
      const { Failed } = await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries }));
      return Failed?.[0]?.Message ?? Failed?.[0]?.Code;
    } catch (error) {
      throw this.#coded(error);
    }
  }

  /** @param seconds from now on; 0: anybody may have them */
  async keepFromOthers(receiptHandles: readonly string[], seconds: number): Promise<void> {
    const entries = receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: seconds }));
    try {
      await this.#client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries }));
    } catch (error) {
      throw this.#coded(error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #coded(error: unknown): CodedError {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name === "AbortError") return new CodedError("cancelled", "the queue is no longer asked");
    return new CodedError("unavailable", `the queue ${this.#queueUrl} cannot be used (${name}: ${message})`, { cause: error });
  }
}

/** Who may consume need not be allowed to read a queue's attributes. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /AccessDenied|AuthorizationError/i.test(error.name);
}
