import type { EmulatorStats } from "../emulator-stats.js";
import { apiError, apiErrorOf } from "../http-answer.js";
import type { EventFeed, EventHub, HubEvent, HubSubscriber, SubscriptionField } from "./event-feeds.js";

export type SubscriptionEvent = Readonly<Partial<Record<SubscriptionField, unknown>>>;

export interface FeedSubscriptionOptions {
  readonly field: SubscriptionField;
  readonly feed: EventFeed;
  readonly hub: EventHub;
  readonly stats: EmulatorStats;
  /** Called once when the client is too far behind to be kept. */
  readonly overrun: () => void;
  readonly ended: (subscription: FeedSubscription) => void;
}

/** One running subscription of one client: the events of a feed, one at a time, as fast as the client reads them. */
export class FeedSubscription implements AsyncIterableIterator<SubscriptionEvent>, HubSubscriber {
  readonly field: SubscriptionField;
  readonly #options: FeedSubscriptionOptions;
  readonly #queue = new EventQueue<HubEvent>();
  readonly #gone = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(options: FeedSubscriptionOptions) {
    this.field = options.field;
    this.#options = options;
    this.#unsubscribe = options.hub.subscribe(this);
    options.stats.countOf("subscriptions", this.field);
  }

  receive(event: HubEvent): void {
    if (!this.#options.feed.accepts(event.change) || this.#queue.push(event)) return;
    this.complete();
    this.#options.overrun();
  }

  async next(): Promise<IteratorResult<SubscriptionEvent, undefined>> {
    for (;;) {
      const event = await this.#queue.next();
      if (event === undefined) return { value: undefined, done: true };
      const payload = await this.#payloadOf(event);
      if (payload === undefined || this.#gone.signal.aborted) continue;
      this.#options.stats.countOf("events", this.field);
      return { value: { [this.field]: payload }, done: false };
    }
  }

  /** The client ends it. */
  return(): Promise<IteratorResult<SubscriptionEvent, undefined>> {
    this.complete();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(): Promise<IteratorResult<SubscriptionEvent, undefined>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The server ends it; what waits to be sent is forgotten. */
  complete(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#unsubscribe();
    this.#queue.end();
    this.#options.stats.countOf("subscriptions", this.field, -1);
    this.#options.ended(this);
  }

  /** A function as payload throws in the field's place, which GraphQL makes errors of. */
  async #payloadOf({ change, disguise }: HubEvent): Promise<object | null | undefined> {
    if (disguise?.kind === "null-payload") return null;
    if (disguise?.kind === "event-errors") return failing(apiError(disguise.message, "UnexpectedError"));
    try {
      const payload = await this.#options.feed.payload(change, this.#gone.signal);
      if (payload === undefined || disguise?.kind !== "null-list") return payload;
      return "entitlements" in payload ? { ...payload, entitlements: null } : null;
    } catch (error) {
      return failing(apiErrorOf(error));
    }
  }
}

function failing(error: Error): () => never {
  return () => {
    throw error;
  };
}

/** Far more than a client that reads is ever behind. */
const MAX_WAITING = 10_000;

/** Items for one reader, in order and within a bound. */
export class EventQueue<T> {
  readonly #waiting: T[] = [];
  #reader: ((result: T | undefined) => void) | undefined;
  #isEnded = false;

  /** @returns false where the reader is too far behind, and the item was not taken */
  push(item: T): boolean {
    if (this.#isEnded) return true;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader(item);
      return true;
    }
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(item);
    return true;
  }

  /** The next item, or undefined at the end. One reader at a time. */
  next(): Promise<T | undefined> {
    const item = this.#waiting.shift();
    if (item !== undefined || this.#isEnded) return Promise.resolve(item);
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** What waits is forgotten. */
  end(): void {
    this.#isEnded = true;
    this.#waiting.length = 0;
    this.#reader?.(undefined);
    this.#reader = undefined;
  }
}
