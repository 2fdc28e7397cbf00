/** One message as whoever receives it is given it. */
export interface ReceivedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
}

interface Message {
  readonly id: string;
  readonly body: string;
  receives: number;
}

interface InFlight {
  readonly message: Message;
  /** When it is given to others, milliseconds. */
  visibleAt: number;
}

interface Poll {
  readonly maxMessages: number;
  readonly visibilitySeconds: number;
  readonly reply: (messages: readonly ReceivedMessage[]) => void;
}

export interface SqsOptions {
  /** Milliseconds. */
  readonly now: () => number;
  readonly after: (delayMs: number, run: () => void) => void;
  readonly visibilitySeconds: number;
  /** How often a message is received before it goes to the dead-letter queue. */
  readonly maxReceives: number;
}

interface Entry {
  readonly Id: string;
  readonly ReceiptHandle: string;
}

export interface BatchResult {
  readonly Successful: readonly { readonly Id: string }[];
  readonly Failed: readonly { readonly Id: string; readonly Code: string }[];
}

/**
 * A standard queue of SQS with its dead-letter queue, as the product uses it: receipts, visibility, long polls. The
 * tests send the same commands to a server that speaks SQS and compare.
 */
export class SqsServer {
  readonly #options: SqsOptions;
  #ready: Message[] = [];
  readonly #inFlight = new Map<string, InFlight>();
  readonly #dead: Message[] = [];
  readonly #polls = new Set<Poll>();
  #ids = 0;
  /** Notified of the body of each message that somebody takes off the queue. */
  onRemoved: (body: string) => void = () => undefined;
  /** And of each that has been received too often. */
  onDead: (body: string) => void = () => undefined;

  constructor(options: SqsOptions) {
    this.#options = options;
  }

  /** @returns its id */
  send(body: string): string {
    const message = { id: `message-${++this.#ids}`, body, receives: 0 };
    this.#ready.push(message);
    this.#servePolls();
    return message.id;
  }

  /** How many are in it, whether anybody has them in hand or not. */
  get length(): number {
    return this.#ready.length + this.#inFlight.size;
  }

  get waiting(): readonly string[] {
    this.#returnDue();
    return this.#ready.map(({ body }) => body);
  }

  get dead(): readonly string[] {
    return this.#dead.map(({ body }) => body);
  }

  attributes(): Readonly<Record<string, string>> {
    return { VisibilityTimeout: String(this.#options.visibilitySeconds) };
  }

  /** Replies at once where there are messages or the poll may not wait, else once there are or its time is over. */
  receive(
    maxMessages: number,
    visibilitySeconds: number,
    waitSeconds: number,
    reply: (messages: readonly ReceivedMessage[]) => void,
  ): void {
    const messages = this.#take(maxMessages, visibilitySeconds);
    if (messages.length > 0 || waitSeconds === 0) {
      reply(messages);
      return;
    }
    const poll: Poll = { maxMessages, visibilitySeconds, reply };
    this.#polls.add(poll);
    this.#options.after(waitSeconds * 1_000, () => {
      if (this.#polls.delete(poll)) reply(this.#take(maxMessages, visibilitySeconds));
    });
  }

  /** A receipt that is not valid any more removes nothing, and is no failure. */
  removeBatch(entries: readonly Entry[]): BatchResult {
    mustBeBatch(entries);
    for (const { ReceiptHandle } of entries) {
      const inFlight = this.#inFlight.get(ReceiptHandle);
      if (inFlight === undefined) continue;
      this.#inFlight.delete(ReceiptHandle);
      this.onRemoved(inFlight.message.body);
    }
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
  }

  changeVisibilityBatch(entries: readonly (Entry & { readonly VisibilityTimeout: number })[]): BatchResult {
    mustBeBatch(entries);
    const Successful: { Id: string }[] = [];
    const Failed: { Id: string; Code: string }[] = [];
    for (const { Id, ReceiptHandle, VisibilityTimeout } of entries) {
      const inFlight = this.#inFlight.get(ReceiptHandle);
      if (inFlight === undefined) {
        Failed.push({ Id, Code: "ReceiptHandleIsInvalid" });
        continue;
      }
      Successful.push({ Id });
      this.#keep(ReceiptHandle, inFlight, VisibilityTimeout);
    }
    this.#servePolls();
    return { Successful, Failed };
  }

  #take(maxMessages: number, visibilitySeconds: number): readonly ReceivedMessage[] {
    this.#returnDue();
    const received: ReceivedMessage[] = [];
    let left = Math.min(maxMessages, this.#ready.length);
    while (left > 0 && this.#ready.length > 0) {
      const message = this.#ready.shift() as Message;
      if (++message.receives > this.#options.maxReceives) {
        this.#dead.push(message);
        this.onDead(message.body);
        continue;
      }
      left--;
      const handle = `receipt-${++this.#ids}`;
      this.#keep(handle, { message, visibleAt: 0 }, visibilitySeconds);
      received.push({ MessageId: message.id, ReceiptHandle: handle, Body: message.body });
    }
    return received;
  }

  #keep(handle: string, inFlight: InFlight, seconds: number): void {
    if (seconds === 0) {
      this.#inFlight.delete(handle);
      this.#ready.push(inFlight.message);
      return;
    }
    inFlight.visibleAt = this.#options.now() + seconds * 1_000;
    this.#inFlight.set(handle, inFlight);
    this.#options.after(seconds * 1_000 + 1, () => this.#servePolls());
  }

  #returnDue(): void {
    const now = this.#options.now();
    for (const [handle, { message, visibleAt }] of this.#inFlight) {
      if (visibleAt > now) continue;
      this.#inFlight.delete(handle);
      this.#ready.push(message);
    }
  }

  #servePolls(): void {
    this.#returnDue();
    for (const poll of this.#polls) {
      if (this.#ready.length === 0) return;
      const messages = this.#take(poll.maxMessages, poll.visibilitySeconds);
      if (messages.length === 0) continue;
      this.#polls.delete(poll);
      poll.reply(messages);
    }
  }
}

const MAX_BATCH = 10;

function mustBeBatch({ length }: readonly Entry[]): void {
  if (length === 0) throw new Error("EmptyBatchRequest");
  if (length > MAX_BATCH) throw new Error("TooManyEntriesInBatchRequest");
}
