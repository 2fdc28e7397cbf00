import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { CodedError } from "../../domain/errors.js";
import { unlessAborted } from "../../ports/waits.js";

/** As many as one call to SQS takes. */
export const MAX_BATCH = 10;

const CONNECTION_TIMEOUT_MS = 5_000;
/** By how much an answer may be late, or a poll, before its connection counts as dead. */
const REQUEST_TIMEOUT_MS = 4_000;
const MAX_SOCKETS = 64;

/** Names of the failures of a credential, with statuses of their own at some services. */
const REFUSED_CREDENTIAL =
  /^(?:Expired|InvalidClientToken|InvalidAccessKey|UnrecognizedClient|Signature|InvalidSignature|CredentialsProvider)/;

/** An option of the library's credential chain, which is handed all of a client's options. */
const READ_FILES_ANEW: object = { ignoreCache: true };

export interface SqsOptions {
  readonly region: string;
  readonly queueUrl: string;
  /** How long a call waits for messages where there are none, seconds, 0 to 20. */
  readonly pollSeconds: number;
  /** Whether the environment names an endpoint of its own, such as a local server: it then counts, whatever host the queue's URL names. */
  readonly hasOwnEndpoint: boolean;
  /** The attributes that messages are received with. */
  readonly attributeNames?: readonly string[] | undefined;
}

/**
 * The calls to one queue. Credentials are found, and the endpoint is chosen, the way all of AWS's own programs do it.
 * Each rejects with a CodedError: `cancelled` once its signal aborts, `unavailable` for whatever else goes wrong.
 */
export class SqsCalls {
  #client: SQSClient;
  /** Fails at the first silent connection, and leaves it to who polls to try again: late notice is worse. */
  #receiver: SQSClient;
  readonly #queueUrl: string;
  readonly #pollSeconds: number;
  readonly #attributes: { readonly MessageAttributeNames?: string[] };
  readonly #createClient: (requestTimeout: number, maxAttempts: number) => SQSClient;
  #isClosed = false;

  constructor({ region, queueUrl, pollSeconds, hasOwnEndpoint, attributeNames }: SqsOptions) {
    this.#attributes = attributeNames === undefined ? {} : { MessageAttributeNames: [...attributeNames] };
    this.#pollSeconds = pollSeconds;
    this.#queueUrl = queueUrl;
    this.#createClient = (requestTimeout, maxAttempts) =>
      new SQSClient({
        ...READ_FILES_ANEW,
        region,
        maxAttempts,
        // Left to itself, the library says on the console with every call that the queue's host is not the region's.
        ...(hasOwnEndpoint ? {} : { endpoint: new URL(queueUrl).origin }),
        useQueueUrlAsEndpoint: false,
        // A third of what a call costs is finding out, each time anew, what all calls of its kind go through.
        cacheMiddleware: true,
        requestHandler: {
          connectionTimeout: CONNECTION_TIMEOUT_MS,
          requestTimeout,
          throwOnRequestTimeout: true,
          httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
          httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        },
      });
    this.#client = this.#generalClient();
    this.#receiver = this.#receivingClient();
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
      WaitTimeSeconds: this.#pollSeconds,
      VisibilityTimeout: visibilitySeconds,
      ...this.#attributes,
    });
    try {
      // Without options of its own, since the library keeps what it found out for such calls alone.
      // Aborted, the call itself goes on until the client is closed.
      const { Messages } = await unlessAborted(this.#receiver.send(command), signal, noLongerAsked);
      return Messages ?? [];
    } catch (error) {
      throw this.#coded(error);
    }
  }

  /** @returns why some were not removed; undefined where all were */
  async remove(receiptHandles: readonly string[]): Promise<string | undefined> {
    const entries = receiptHandles.map((handle, index) => ({ Id: String(index), ReceiptHandle: handle }));
    try {
      const { Failed } = await this.#client.send(
        new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries }),
      );
      return Failed?.[0]?.Message ?? Failed?.[0]?.Code;
    } catch (error) {
      throw this.#coded(error);
    }
  }

  /**
   * @param seconds from now on; 0: anybody may have them
   * @returns the handles of those of which that is not so, each with the reason
   */
  async keepFromOthers(receiptHandles: readonly string[], seconds: number): Promise<ReadonlyMap<string, string>> {
    const entries = receiptHandles.map((handle, index) => ({
      Id: String(index),
      ReceiptHandle: handle,
      VisibilityTimeout: seconds,
    }));
    try {
      const { Failed = [] } = await this.#client.send(
        new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries }),
      );
      return new Map(
        Failed.map(({ Id, Code, Message: why }) => [
          receiptHandles[Number(Id)] ?? "",
          why ?? Code ?? "it does not say why",
        ]),
      );
    } catch (error) {
      throw this.#coded(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#client.destroy();
    this.#receiver.destroy();
  }

  /** A client finds its credentials once: those that are refused by now may have been replaced in their file since. */
  #renewCredentials(): void {
    if (this.#isClosed) return;
    this.#client.destroy();
    this.#receiver.destroy();
    this.#client = this.#generalClient();
    this.#receiver = this.#receivingClient();
  }

  #generalClient(): SQSClient {
    return this.#createClient(REQUEST_TIMEOUT_MS, 3);
  }

  #receivingClient(): SQSClient {
    return this.#createClient(this.#pollSeconds * 1_000 + REQUEST_TIMEOUT_MS, 1);
  }

  #coded(error: unknown): CodedError {
    if (error instanceof CodedError) return error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name === "AbortError") return noLongerAsked();
    if (isRefusedCredential(error)) this.#renewCredentials();
    return new CodedError("unavailable", `the queue ${this.#queueUrl} cannot be used (${name}: ${message})`, {
      cause: error,
    });
  }
}

function noLongerAsked(): CodedError {
  return new CodedError("cancelled", "the queue is no longer asked");
}

/** Also where none were found. */
function isRefusedCredential(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  return status === 401 || status === 403 || REFUSED_CREDENTIAL.test(error.name);
}

/** Who may consume need not be allowed to read a queue's attributes. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /AccessDenied|AuthorizationError/i.test(error.name);
}

export function* inBatches<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += MAX_BATCH) yield items.slice(from, from + MAX_BATCH);
}
