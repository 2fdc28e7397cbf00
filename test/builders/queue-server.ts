import { setTimeout as elapse } from "node:timers/promises";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type FauxqsServer, startFauxqs } from "fauxqs";

export const AWS_ENVIRONMENT = {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "any",
  AWS_SECRET_ACCESS_KEY: "any",
} as const;

export interface QueueOptions {
  /** How long a message that was received is kept from others. */
  readonly visibilitySeconds?: number;
  /** How often a message is received before it goes to the dead-letter queue. */
  readonly maxReceives?: number;
}

/** A server that speaks SQS, in this process. */
export class QueueServer {
  readonly endpoint: string;
  readonly #server: FauxqsServer;
  readonly #client: SQSClient;
  #queues = 0;

  constructor(server: FauxqsServer) {
    this.#server = server;
    this.endpoint = server.address;
    this.#client = new SQSClient({
      endpoint: this.endpoint,
      region: AWS_ENVIRONMENT.AWS_REGION,
      credentials: {
        accessKeyId: AWS_ENVIRONMENT.AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_ENVIRONMENT.AWS_SECRET_ACCESS_KEY,
      },
    });
  }

  /** What a program needs in its environment to find this server. */
  get environment(): Record<string, string> {
    return { ...AWS_ENVIRONMENT, AWS_ENDPOINT_URL_SQS: this.endpoint };
  }

  /** A queue with a dead-letter queue of its own. */
  createQueue({ visibilitySeconds = 30, maxReceives = 5 }: QueueOptions = {}): TestQueue {
    const name = `changes-${this.#queues++}`;
    const { queueArn } = this.#server.createQueue(`${name}-dead`);
    const { queueUrl } = this.#server.createQueue(name, {
      attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn, maxReceiveCount: maxReceives }),
      },
    });
    return new TestQueue(this.#server, this.#client, name, queueUrl);
  }

  /** One more queue, of this URL. */
  createAt(url: string): void {
    this.#server.createQueue(url.slice(url.lastIndexOf("/") + 1));
  }

  async stop(): Promise<void> {
    this.#client.destroy();
    await this.#server.stop();
  }
}

export class TestQueue {
  readonly url: string;
  readonly #server: FauxqsServer;
  readonly #client: SQSClient;
  readonly #name: string;

  constructor(server: FauxqsServer, client: SQSClient, name: string, url: string) {
    this.#server = server;
    this.#client = client;
    this.#name = name;
    this.url = url;
  }

  /** In order. @returns the queue's names for them */
  async send(...bodies: readonly string[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let from = 0; from < bodies.length; from += 10) {
      const entries = bodies.slice(from, from + 10).map((body, index) => ({ Id: String(index), MessageBody: body }));
      const { Successful = [] } = await this.#client.send(
        new SendMessageBatchCommand({ QueueUrl: this.url, Entries: entries }),
      );
      ids.push(...Successful.map(({ MessageId }) => MessageId!));
    }
    return ids;
  }

  /** With attributes, of text each. */
  async sendWith(attributes: Readonly<Record<string, string>>, body: string): Promise<void> {
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, text]) => [name, { DataType: "String", StringValue: text }]),
    );
    await this.#client.send(
      new SendMessageBatchCommand({
        QueueUrl: this.url,
        Entries: [{ Id: "0", MessageBody: body, MessageAttributes }],
      }),
    );
  }

  /** How many messages are in the queue, whether anybody has them in hand or not. */
  get length(): number {
    return this.waiting + this.inHand;
  }

  get waiting(): number {
    return this.#server.inspectQueue(this.#name)!.messages.ready.length;
  }

  get inHand(): number {
    return this.#server.inspectQueue(this.#name)!.messages.inflight.length;
  }

  /** Until when what is in hand is kept from others, epoch milliseconds. */
  get keptUntil(): number {
    return Math.max(
      0,
      ...this.#server.inspectQueue(this.#name)!.messages.inflight.map(({ visibilityDeadline }) => visibilityDeadline),
    );
  }

  /** What waits, in order. */
  get bodies(): readonly string[] {
    return this.#server.inspectQueue(this.#name)!.messages.ready.map(({ body }) => body);
  }

  get dead(): readonly string[] {
    return this.#server.inspectQueue(`${this.#name}-dead`)!.messages.ready.map(({ body }) => body);
  }

  /** Resolves once every message was carried out and taken off. */
  async drained(): Promise<void> {
    while (this.length > 0) await elapse(5);
  }
}

export async function startQueueServer(): Promise<QueueServer> {
  return new QueueServer(await startFauxqs({ port: 0, logger: false }));
}
