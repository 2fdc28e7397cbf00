import { ARRIVALS, type Phase, type SimProcess } from "./sim-process.js";

interface Event {
  /** Microseconds of virtual time. */
  readonly at: number;
  readonly order: number;
  readonly process: SimProcess | undefined;
  /** @returns what is waited for, where that is a promise */
  readonly run: () => unknown;
  readonly phase: Phase;
  isCancelled: boolean;
}

export type Cancel = () => void;

/** So many events at one time are a loop that never ends. */
const MAX_EVENTS_AT_ONE_TIME = 1_000_000;

/** A processor that is behind by no more than this is not behind, microseconds: what it would wait for is not worth an event. */
const SLACK = 500;

/** What an event costs its process at least, microseconds. */
const COST_OF_EVENT = 15;

/**
 * Virtual time and whoever it passes for. One event is run after the other, in the order of their times, and everything
 * that follows from one by promises is done before the next: so the same seed gives the same history.
 */
export class Scheduler {
  /** Microseconds since the beginning of the simulation. */
  now = 0;
  /** Whose event is being run; undefined: the world's own. */
  current: SimProcess | undefined;
  events = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  #atOneTime = 0;

  /** @param process whose processor runs it: it waits while that is busy, and never comes once it is dead */
  at(at: number, process: SimProcess | undefined, run: () => unknown, phase: Phase = ARRIVALS): Cancel {
    const event: Event = { at: Math.max(at, this.now), order: this.#order++, process, run, phase, isCancelled: false };
    this.#push(event);
    return () => (event.isCancelled = true);
  }

  after(delay: number, process: SimProcess | undefined, run: () => unknown, phase: Phase = ARRIVALS): Cancel {
    return this.at(this.now + delay, process, run, phase);
  }

  /** The running process's processor is busy for so long, microseconds. */
  charge(cost: number): void {
    if (this.current !== undefined) this.current.busyUntil += cost;
  }

  async runUntil(end: number): Promise<void> {
    for (let event = this.#heap[0]; event !== undefined && event.at <= end; event = this.#heap[0]) {
      this.#pop();
      if (event.isCancelled) continue;
      this.#advance(event.at);
      const { process } = event;
      if (process?.isAlive === false) continue;
      const rest = process === undefined ? this.#run(undefined, event.run) : this.#runFor(process, event);
      // Most events are done by now: to wait for each would take longer than they do.
      if (rest !== undefined) await rest;
      this.current = undefined;
    }
    this.now = Math.max(this.now, end);
  }

  get pending(): number {
    return this.#heap.length;
  }

  #runFor(process: SimProcess, event: Event): Promise<unknown> | undefined {
    if (process.busyUntil <= this.now + SLACK && !process.isBehind) return this.#charged(process, event.run);
    process.wait(event, event.phase);
    this.#resumeLater(process);
    return undefined;
  }

  #resumeLater(process: SimProcess): void {
    if (process.isResuming) return;
    process.isResuming = true;
    this.at(process.busyUntil - SLACK, undefined, async () => {
      process.isResuming = false;
      if (!process.isAlive) return;
      if (process.busyUntil <= this.now + SLACK) {
        for (let next = process.next(); next !== undefined; next = process.next()) {
          if (next.isCancelled) continue;
          await this.#charged(process, next.run);
          this.current = undefined;
          break;
        }
      }
      if (process.isBehind) this.#resumeLater(process);
    });
  }

  #charged(process: SimProcess, run: () => unknown): Promise<unknown> | undefined {
    if (process.busyUntil < this.now) {
      process.idle += this.now - process.busyUntil;
      process.busyUntil = this.now;
    }
    process.busyUntil += COST_OF_EVENT;
    return this.#run(process, run);
  }

  /** @returns what is left of the event; undefined: nothing */
  #run(owner: SimProcess | undefined, run: () => unknown): Promise<unknown> | undefined {
    this.current = owner;
    this.events++;
    const received = run();
    // The world itself is synchronous: what it has to say to a process is an event of that.
    if (owner === undefined) return received instanceof Promise ? received : undefined;
    // What a process has begun beside what it waits for is its own doing as well.
    return received instanceof Promise ? received.then(() => quiet(this.events)) : quiet(this.events);
  }

  #advance(at: number): void {
    if (at > this.now) this.#atOneTime = 0;
    else if (++this.#atOneTime > MAX_EVENTS_AT_ONE_TIME) throw new Error(`time stands still at ${this.now} µs`);
    this.now = Math.max(this.now, at);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

const realSetImmediate = globalThis.setImmediate;

/** Now and then the real event loop turns, for whoever has sent this program a signal. */
const EVENTS_IN_A_TURN = 4_096;

/** Resolves once all promises that can go on have gone on: Node empties that queue before it comes to the next tick. */
function quiet(events: number): Promise<void> {
  return new Promise((resolve) => {
    if (events % EVENTS_IN_A_TURN === 0) realSetImmediate(resolve);
    // Twice, since what goes on may itself wait for the next tick.
    else process.nextTick(() => process.nextTick(resolve));
  });
}
