import type { AcceptedEvent } from "./outbox-record.js";

/** An accepted event: where its record is, or the event itself. */
export interface QueuedEvent {
  readonly id: number;
  /** As whoever reads the records knows it. */
  readonly position: number;
  readonly event: AcceptedEvent | undefined;
}

/** Events that are sent in one request, or in several that each have a part of them. */
export interface EventBatch {
  readonly id: number;
  events: readonly QueuedEvent[];
  readonly acceptedAt: number;
  /** See EntryRecord. */
  triedAt: number | undefined;
  /** The same by a clock that nobody sets, where it was in this process, milliseconds. */
  triedSteadyAt: number | undefined;
  isInFlight: boolean;
  /** How often it was tried in vain, and until when it is left alone, epoch milliseconds. */
  failures: number;
  notBefore: number;
}

/** The id of the event that ends the first half of a batch. @param events in the order of their ids */
export function lastOfFirstHalf(events: readonly QueuedEvent[]): number {
  return events[Math.ceil(events.length / 2) - 1]?.id ?? 0;
}

/** How many places at the front may be unused. */
const MAX_UNUSED = 10_000;

/** Events that wait, in the order of their ids. Holds where they are and not what they say: there can be millions. */
export class EventQueue {
  #ids: number[] = [];
  #positions: number[] = [];
  #acceptedAt: number[] = [];
  #first = 0;
  /** Of events whose record may be gone. */
  readonly #events = new Map<number, AcceptedEvent>();

  get length(): number {
    return this.#ids.length - this.#first;
  }

  /** When the first one was accepted, epoch milliseconds. */
  get acceptedAt(): number | undefined {
    return this.#acceptedAt[this.#first];
  }

  /** Of the record that lies furthest back. */
  get firstPosition(): number | undefined {
    return this.#positions[this.#first];
  }

  push(id: number, position: number, acceptedAt: number, event?: AcceptedEvent): void {
    this.#ids.push(id);
    this.#positions.push(position);
    this.#acceptedAt.push(acceptedAt);
    if (event !== undefined) this.#events.set(id, event);
  }

  /** The ids of the first and the last of at most `count` events. */
  range(count: number): { readonly firstId: number; readonly lastId: number } | undefined {
    const firstId = this.#ids[this.#first];
    const lastId = this.#ids[Math.min(this.#first + count, this.#ids.length) - 1];
    return firstId === undefined || lastId === undefined ? undefined : { firstId, lastId };
  }

  /** All that wait, with when each was accepted. */
  *all(): Iterable<QueuedEvent & { readonly acceptedAt: number }> {
    for (let i = this.#first; i < this.#ids.length; i++) {
      const id = this.#ids[i] as number;
      const acceptedAt = this.#acceptedAt[i] as number;
      yield { id, position: this.#positions[i] as number, event: this.#events.get(id), acceptedAt };
    }
  }

  /** Their records are elsewhere by now. @param positions by id: an event without one is let go of */
  move(positions: ReadonlyMap<number, number>): void {
    const kept = [...this.all()].filter(({ id }) => positions.has(id));
    this.#ids = kept.map(({ id }) => id);
    this.#positions = this.#ids.map((id) => positions.get(id) ?? 0);
    this.#acceptedAt = kept.map(({ acceptedAt }) => acceptedAt);
    this.#first = 0;
    // They are read from their records from now on.
    this.#events.clear();
  }

  /** Takes out those at the front up to this id. */
  takeUpTo(lastId: number): QueuedEvent[] {
    const taken: QueuedEvent[] = [];
    for (let id = this.#ids[this.#first]; id !== undefined && id <= lastId; id = this.#ids[++this.#first]) {
      taken.push({ id, position: this.#positions[this.#first] ?? 0, event: this.#events.get(id) });
      this.#events.delete(id);
    }
    if (this.#first > MAX_UNUSED || this.#first === this.#ids.length) {
      this.#ids = this.#ids.slice(this.#first);
      this.#positions = this.#positions.slice(this.#first);
      this.#acceptedAt = this.#acceptedAt.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }
}
