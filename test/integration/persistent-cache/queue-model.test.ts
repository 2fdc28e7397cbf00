import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { AWS_ENVIRONMENT, type QueueServer, startQueueServer, type TestQueue } from "../../builders/queue-server.js";
import { Random } from "../../model/random.js";
import { type ReceivedMessage, SqsServer } from "../../simulation/servers/sqs-server.js";
import { because } from "../../support/expectations.js";

const VISIBILITY_SECONDS = 30;
const MAX_RECEIVES = 1;

let server: QueueServer;
let client: SQSClient;

beforeAll(async () => {
  server = await startQueueServer();
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
  } = AWS_ENVIRONMENT;
  client = new SQSClient({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey } });
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

/** A receipt of the real server, and the model's of the same message. */
interface Receipt {
  readonly real: string;
  readonly model: string;
}

/** One queue, in a real server and in the model of it. */
class BothQueues {
  readonly real: TestQueue = server.createQueue({ visibilitySeconds: VISIBILITY_SECONDS, maxReceives: MAX_RECEIVES });
  readonly model: SqsServer;
  readonly receipts: Receipt[] = [];
  #bodies = 0;

  constructor() {
    this.model = new SqsServer({
      now: () => Date.now(),
      after: () => undefined,
      visibilitySeconds: VISIBILITY_SECONDS,
      maxReceives: MAX_RECEIVES,
    });
  }

  async send(): Promise<void> {
    const body = `body ${++this.#bodies}`;
    await this.real.send(body);
    this.model.send(body);
  }

  async receive(maxMessages: number): Promise<readonly [real: readonly unknown[], model: readonly unknown[]]> {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.real.url,
        MaxNumberOfMessages: maxMessages,
        VisibilityTimeout: VISIBILITY_SECONDS,
        WaitTimeSeconds: 0,
      }),
    );
    let modelled: readonly ReceivedMessage[] = [];
    this.model.receive(maxMessages, VISIBILITY_SECONDS, 0, (messages) => (modelled = messages));
    for (const [index, { ReceiptHandle = "" }] of Messages.entries())
      this.receipts.push({ real: ReceiptHandle, model: modelled[index]?.ReceiptHandle ?? "none" });
    return [Messages.map(bodyOf), modelled.map(bodyOf)];
  }

  async remove(receipts: readonly Receipt[]): Promise<readonly [real: unknown, model: unknown]> {
    const { Successful, Failed } = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.real.url,
        Entries: receipts.map(({ real }, index) => entry(real, index)),
      }),
    );
    const modelled = this.model.removeBatch(receipts.map(({ model }, index) => entry(model, index)));
    return [plain({ Successful, Failed }), plain(modelled)];
  }

  async keep(receipts: readonly Receipt[], seconds: number): Promise<readonly [real: unknown, model: unknown]> {
    const entries = (which: keyof Receipt) =>
      receipts.map((receipt, index) => ({ ...entry(receipt[which], index), VisibilityTimeout: seconds }));
    const { Successful, Failed } = await client.send(
      new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.real.url, Entries: entries("real") }),
    );
    return [plain({ Successful, Failed }), plain(this.model.changeVisibilityBatch(entries("model")))];
  }

  get contents(): readonly [real: unknown, model: unknown] {
    return [
      { waiting: this.real.bodies, length: this.real.length, dead: this.real.dead },
      { waiting: this.model.waiting, length: this.model.length, dead: this.model.dead },
    ];
  }
}

const bodyOf = ({ Body }: Message | ReceivedMessage) => Body;

function entry(receipt: string, index: number) {
  return { Id: String(index), ReceiptHandle: receipt };
}

/** What the product judges by. */
function plain({
  Successful = [],
  Failed = [],
}: {
  Successful?: readonly Named[] | undefined;
  Failed?: readonly Named[] | undefined;
}) {
  return { succeeded: Successful.map(({ Id }) => Id), failed: Failed.map(({ Id, Code }) => [Id, Code]) };
}

interface Named {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
}

async function someCommand(random: Random, queues: BothQueues): Promise<readonly [real: unknown, model: unknown]> {
  const some = random.some(queues.receipts, 0.4).slice(0, 10);
  switch (random.below(6)) {
    case 0:
    case 1:
      await queues.send();
      return queues.contents;
    case 2:
    case 3:
      return queues.receive(1 + random.below(10));
    case 4:
      return some.length === 0 ? queues.contents : queues.remove(some);
    default:
      // Given back at once, or kept.
      return some.length === 0 ? queues.contents : queues.keep(some, random.pick([0, 0, VISIBILITY_SECONDS]));
  }
}

describe("the model of the queue answers as a server does that speaks SQS", () => {
  it.each([1, 2, 3, 4, 5])("to the calls of the product, by seed %i", async (seed) => {
    const random = new Random(seed);
    const queues = new BothQueues();
    for (let index = 0; index < 150; index++) {
      const [real, model] = await someCommand(random, queues);
      because(`command ${index}`, () => expect(model).toEqual(real));
      const [realContents, modelContents] = queues.contents;
      because(`the contents after command ${index}`, () => expect(modelContents).toEqual(realContents));
    }
    expect(queues.real.dead.length).toBeGreaterThan(0);
  });

  it("of how long a message is kept from others", async () => {
    const { real, model } = new BothQueues();
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: real.url, AttributeNames: ["VisibilityTimeout"] }),
    );
    expect(model.attributes()).toEqual(Attributes);
  });

  it("to a poll that waits: with the first message that comes", async () => {
    const queues = new BothQueues();
    const received = client.send(
      new ReceiveMessageCommand({ QueueUrl: queues.real.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 }),
    );
    let modelled: readonly ReceivedMessage[] | undefined;
    queues.model.receive(10, VISIBILITY_SECONDS, 20, (messages) => (modelled = messages));
    expect(modelled).toBeUndefined();
    await queues.send();
    expect(modelled?.map(bodyOf)).toEqual((await received).Messages?.map(bodyOf));
  });

  it("with what is not taken off in its time, once more", async () => {
    let now = 0;
    const timers: { readonly at: number; readonly run: () => void }[] = [];
    const model = new SqsServer({
      now: () => now,
      after: (delayMs, run) => timers.push({ at: now + delayMs, run }),
      visibilitySeconds: 1,
      maxReceives: 5,
    });
    const real = server.createQueue({ visibilitySeconds: 1, maxReceives: 5 });
    await real.send("body");
    model.send("body");
    const receive = async () =>
      client.send(new ReceiveMessageCommand({ QueueUrl: real.url, MaxNumberOfMessages: 1, WaitTimeSeconds: 10 }));
    const bodies: (readonly (string | undefined)[])[] = [];
    const modelled = (messages: readonly ReceivedMessage[]) => bodies.push(messages.map(bodyOf));
    for (let time = 0; time < 2; time++) {
      const { Messages = [] } = await receive();
      model.receive(1, 1, 10, modelled);
      for (const timer of timers.splice(0)) {
        now = Math.max(now, timer.at);
        timer.run();
      }
      expect(bodies.pop()).toEqual(Messages.map(bodyOf));
    }
  });
});
