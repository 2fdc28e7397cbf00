import { once } from "node:events";
import { MessageType } from "graphql-ws";
import type { WebSocket } from "ws";
import { customerIdOf, featureIdOf, METERED_FEATURES, usageOf } from "./customers.js";
import { entitlementsJsonOf } from "./state-json.js";

/** Usage is sent in groups this often, so that sending costs little beside what is measured. */
const USAGE_EVERY_MS = 5;
/** Sent and not yet taken by the network; more would only fill this process's memory. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** Without a divisor in common with the numbers of customers that are used. */
const SCATTER = 7_919;

type Field = "usageUpdatedV2" | "entitlementsUpdatedV2";

interface Subscriber {
  readonly socket: WebSocket;
  readonly id: string;
}

export interface ChangesOptions {
  readonly customers: number;
  readonly isShared: boolean;
}

/** What upstream tells its subscribers. */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #subscribers: Readonly<Record<Field, Set<Subscriber>>> = {
    usageUpdatedV2: new Set(),
    entitlementsUpdatedV2: new Set(),
  };
  #timer: NodeJS.Timeout | undefined;
  #usages = 0;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  subscribed(socket: WebSocket, id: string, query: string): void {
    const field = (["usageUpdatedV2", "entitlementsUpdatedV2"] as const).find((name) => query.includes(name));
    if (field === undefined) return;
    const subscriber = { socket, id };
    this.#subscribers[field].add(subscriber);
    socket.once("close", () => this.#subscribers[field].delete(subscriber));
  }

  /** The whole entitlements of customers 0 to `count` - 1 to everyone, as fast as they read. */
  async sendEntitlements(count: number): Promise<void> {
    const subscribers = [...this.#subscribers.entitlementsUpdatedV2];
    if (subscribers.length === 0) throw new Error("nobody subscribed to changes of entitlements");
    const now = new Date();
    for (let customer = 0; customer < count; customer++) {
      const entitlements = entitlementsJsonOf(customer, this.#options.isShared, now);
      const change = `{"customerId":"${customerIdOf(customer)}","resourceId":null,"accessDeniedReason":null,"entitlements":${entitlements}}`;
      await Promise.all(
        subscribers.map(({ socket, id }) =>
          sent(
            socket,
            `{"id":"${id}","type":"${MessageType.Next}","payload":{"data":{"entitlementsUpdatedV2":${change}}}}`,
          ),
        ),
      );
    }
  }

  /** One usage after the other, over all customers, to everyone; a rate of 0 ends them. */
  sendUsage(perSecond: number): void {
    clearInterval(this.#timer);
    if (perSecond === 0) return;
    const begun = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (const due = ((performance.now() - begun) * perSecond) / 1_000; sent < due; sent++) this.#sendOneUsage();
    }, USAGE_EVERY_MS);
  }

  #sendOneUsage(): void {
    const number = this.#usages++;
    const customer = (number * SCATTER) % this.#options.customers;
    const feature = METERED_FEATURES[number % METERED_FEATURES.length]!;
    const usageUpdatedV2 = {
      customerId: customerIdOf(customer),
      resourceId: null,
      entitlementReference: { id: featureIdOf(feature), type: "FEATURE" },
      usage: {
        currentUsage: usageOf(customer, feature, number),
        usageUpdatedAt: new Date().toISOString(),
        usagePeriodStart: null,
        usagePeriodEnd: null,
      },
    };
    for (const { socket, id } of this.#subscribers.usageUpdatedV2)
      socket.send(JSON.stringify({ type: MessageType.Next, id, payload: { data: { usageUpdatedV2 } } }));
  }
}

/** Resolves at once unless the other side reads more slowly than this one writes. */
async function sent(socket: WebSocket, message: string): Promise<void> {
  const isTaken = new Promise<void>((resolve) => socket.send(message, () => resolve()));
  if (socket.bufferedAmount > MAX_UNSENT_BYTES) await Promise.race([isTaken, once(socket, "close")]);
}
