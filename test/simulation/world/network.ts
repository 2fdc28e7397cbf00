import type { Random } from "../../model/random.js";
import type { Scheduler } from "./scheduler.js";
import type { SimProcess } from "./sim-process.js";

/** Microseconds that a message is under way: from, and on top of it at most. */
const LATENCY = 300;
const JITTER = 700;

interface Held {
  readonly deliver: () => void;
}

/**
 * Links between hosts. A link that is cut holds what is sent on it back, as a network does that drops packets of
 * connections which send them again; once it is mended everything arrives, in order.
 */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #cut = new Map<string, number>();
  readonly #held = new Map<string, Held[]>();
  readonly #slow = new Map<string, number>();
  readonly #refusing = new Set<string>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** One direction of a link. "*" is every host. */
  cut(from: string, to: string): void {
    const link = linkOf(from, to);
    this.#cut.set(link, (this.#cut.get(link) ?? 0) + 1);
  }

  mend(from: string, to: string): void {
    const link = linkOf(from, to);
    const cuts = (this.#cut.get(link) ?? 0) - 1;
    if (cuts > 0) this.#cut.set(link, cuts);
    else this.#cut.delete(link);
    for (const [heldOn, messages] of this.#held) {
      if (this.#isCutLink(heldOn)) continue;
      this.#held.delete(heldOn);
      for (const { deliver } of messages) deliver();
    }
  }

  /** Messages take so much longer, microseconds; 0: no longer. */
  delay(from: string, to: string, by: number): void {
    if (by === 0) this.#slow.delete(linkOf(from, to));
    else this.#slow.set(linkOf(from, to), by);
  }

  /** Nobody listens at a host: connections are refused at once. */
  refuse(host: string, isRefusing: boolean): void {
    if (isRefusing) this.#refusing.add(host);
    else this.#refusing.delete(host);
  }

  isRefusing(host: string): boolean {
    return this.#refusing.has(host);
  }

  isCut(from: string, to: string): boolean {
    return this.#isCutLink(linkOf(from, to));
  }

  /** A stream of messages from one host to another: in order, and each at its time. */
  pipe(from: string, to: string, process: SimProcess | undefined): Pipe {
    return new Pipe(this, from, to, process);
  }

  /** @internal */
  send({ from, to, link, process }: Pipe, notBefore: number, run: () => unknown): number {
    if (this.#cut.size > 0 && this.#isCutLink(link)) {
      const messages = this.#held.get(link) ?? [];
      messages.push({ deliver: () => this.#scheduler.after(LATENCY, process, run) });
      this.#held.set(link, messages);
      return notBefore;
    }
    const slow = this.#slow.size === 0 ? 0 : this.#slowness(link, from, to);
    const at = Math.max(notBefore, this.#scheduler.now + LATENCY + this.#random.below(JITTER) + slow);
    this.#scheduler.at(at, process, run);
    return at;
  }

  /** How long a message and its answer are under way, microseconds; undefined: something is wrong on the way. */
  roundTrip(there: Pipe, back: Pipe): number | undefined {
    if (this.#refusing.has(there.to) || this.#isCutLink(there.link) || this.#isCutLink(back.link)) return undefined;
    if (this.#slow.size === 0) return 2 * LATENCY + this.#random.below(2 * JITTER);
    const slow = this.#slowness(there.link, there.from, there.to) + this.#slowness(back.link, back.from, back.to);
    return slow > 0 ? undefined : 2 * LATENCY + this.#random.below(2 * JITTER);
  }

  #slowness(link: string, from: string, to: string): number {
    return this.#slow.get(link) ?? this.#slow.get(linkOf("*", to)) ?? this.#slow.get(linkOf(from, "*")) ?? 0;
  }

  #isCutLink(link: string): boolean {
    if (this.#cut.size === 0) return false;
    if (this.#cut.has(link)) return true;
    const [from = "", to = ""] = link.split(">");
    return this.#cut.has(linkOf("*", to)) || this.#cut.has(linkOf(from, "*"));
  }
}

export class Pipe {
  readonly from: string;
  readonly to: string;
  readonly link: string;
  readonly process: SimProcess | undefined;
  readonly #network: Network;
  #lastAt = 0;

  constructor(network: Network, from: string, to: string, process: SimProcess | undefined) {
    this.#network = network;
    this.from = from;
    this.to = to;
    this.link = linkOf(from, to);
    this.process = process;
  }

  send(run: () => unknown): void {
    this.#lastAt = this.#network.send(this, this.#lastAt, run);
  }
}

function linkOf(from: string, to: string): string {
  return `${from}>${to}`;
}
