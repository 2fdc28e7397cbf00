import type { Change } from "../../../domain/change.js";
import type { RuleList } from "../faults/fault-board.js";
import type { EventFault, EventRule } from "../faults/fault-rules.js";

/** A change on its way to subscribers, and what becomes of it there. */
export interface HubEvent {
  readonly change: Change;
  readonly disguise: EventFault | undefined;
}

export interface HubSubscriber {
  receive(event: HubEvent): void;
}

/** Hands every change to all subscribers, in order, unless a fault strikes it. */
export class EventHub {
  readonly #rules: RuleList<EventRule>;
  readonly #subscribers = new Set<HubSubscriber>();
  /** Events that a fault keeps back, the first of them because it was struck. */
  #held: Change[] | undefined;
  /** An event that the next one supersedes. */
  #superseded: Change | undefined;

  constructor(rules: RuleList<EventRule>) {
    this.#rules = rules;
  }

  /** @returns ends it */
  subscribe(subscriber: HubSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  publish(change: Change): void {
    if (this.#held !== undefined) {
      this.#held.push(change);
      return;
    }
    const struck = this.#rules.strike((rule) => rule.change === undefined || rule.change === change.type);
    if (struck?.rule.kind === "drop") return;
    if (struck?.rule.kind === "hold") {
      this.#held = [change];
      void struck.off.then(() => this.#release());
      return;
    }
    const superseded = this.#superseded;
    this.#superseded = undefined;
    if (struck?.rule.kind === "reorder") {
      this.#superseded = change;
      void struck.off.then(() => this.#deliverSuperseded());
    } else {
      this.#deliver({ change, disguise: struck?.rule });
    }
    if (superseded !== undefined) this.#deliver({ change: superseded, disguise: undefined });
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const change of held) this.#deliver({ change, disguise: undefined });
  }

  #deliverSuperseded(): void {
    const change = this.#superseded;
    this.#superseded = undefined;
    if (change !== undefined) this.#deliver({ change, disguise: undefined });
  }

  #deliver(event: HubEvent): void {
    for (const subscriber of this.#subscribers) subscriber.receive(event);
  }
}
