import type { Random } from "../../model/random.js";
import { World } from "../world/world.js";
import type { SqsServer } from "./sqs-server.js";
import type { Upstream, VendorChange } from "./upstream.js";

/** What a message was sent for, by its id. */
export interface Announced {
  readonly id: string;
  readonly change: VendorChange;
  /** Whether it says what the entitlements are, not only that they are others. */
  readonly isFull: boolean;
  /** Microseconds of virtual time. */
  readonly sentAt: number;
}

export interface AnnouncerFaults {
  /** Up to how much later than usual messages come, milliseconds. */
  late: number;
  /** What share of messages comes twice, or more often. */
  twice: number;
}

/** Edge has a change half a second after the API: a message that only says to ask there comes behind that. Microseconds. */
const SENT_AFTER = 700_000;
const SENT_WITHIN = 900_000;

/** Whom the vendor's changes go through to the queue: wrapped or not, in any order, now and then twice. */
export class ChangeAnnouncer {
  readonly faults: AnnouncerFaults = { late: 0, twice: 0.02 };
  readonly announced = new Map<string, Announced>();
  readonly #world: World;
  readonly #random: Random;
  readonly #queue: SqsServer;
  #ids = 0;

  constructor(world: World, random: Random, queue: SqsServer, upstream: Upstream) {
    this.#world = world;
    this.#random = random;
    this.#queue = queue;
    upstream.onVendorChange = (change) => this.#announce(change);
  }

  /** Of the body of a message. */
  announcedBy(body: string): Announced | undefined {
    const id = /message-of-change-\d+/.exec(body)?.[0];
    return id === undefined ? undefined : this.announced.get(id);
  }

  #announce(change: VendorChange): void {
    const { now } = this.#world.scheduler;
    const isFull = change.type !== "entitlements.updated" || this.#random.chance(0.8);
    const id = `message-of-change-${++this.#ids}`;
    this.announced.set(id, { id, change, isFull, sentAt: now });
    const body = this.#wrapped({
      version: 1,
      id,
      ...this.#content(change, isFull),
      timestamp: new Date(World.EPOCH + Math.floor(now / 1_000)).toISOString(),
    });
    const times = this.#random.chance(this.faults.twice) ? 2 + this.#random.below(2) : 1;
    for (let time = 0; time < times; time++) {
      const late = this.faults.late === 0 ? 0 : this.#random.below(this.faults.late) * 1_000;
      this.#world.scheduler.after(SENT_AFTER + this.#random.below(SENT_WITHIN) + late, undefined, () => {
        this.#queue.send(body);
        return true;
      });
    }
  }

  #content({ type, data }: VendorChange, isFull: boolean): { readonly type: string; readonly data: object } {
    if (isFull) return { type, data };
    const { customerId, resourceId } = data as { readonly customerId: string; readonly resourceId: string | null };
    // A type of the vendor's that is not known yet says as much.
    return {
      type: this.#random.chance(0.8) ? "customer.invalidated" : "customer.renamed",
      data: { customerId, resourceId },
    };
  }

  #wrapped(message: object): string {
    const text = JSON.stringify(message);
    if (this.#random.chance(0.7)) return text;
    return this.#random.chance(0.5)
      ? JSON.stringify({ Type: "Notification", Message: text })
      : JSON.stringify({ "detail-type": "change", detail: message });
  }
}
