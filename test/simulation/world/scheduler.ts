import { ARRIVALS, IMMEDIATES, type Phase, type SimProcess } from "./sim-process.js";

/** Something that happens to a process, or to the world, at its time. */
export class SimEvent {
  /** Microseconds of virtual time. */
  readonly at: number;
  readonly order: number;
  readonly process: SimProcess | undefined;
  readonly run: () => unknown;
  readonly phase: Phase;
  isCancelled = false;

  constructor(at: number, order: number, process: SimProcess | undefined, run: () => unknown, phase: Phase) {
    this.at = at;
    this.order = order;
    this.process = process;
    this.run = run;
    this.phase = phase;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

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
  readonly #heap: SimEvent[] = [];
  /** Immediates of the process that ran last, while it is not behind. */
  readonly #immediates: SimEvent[] = [];
  #nextImmediate = 0;
  #resumed: SimProcess | undefined;
  #order = 0;
  #atOneTime = 0;

  /** @param process whose processor runs it: it waits while that is busy, and never comes once it is dead */
  at(at: number, process: SimProcess | undefined, run: () => unknown, phase: Phase = ARRIVALS): SimEvent {
    const event = new SimEvent(Math.max(at, this.now), this.#order++, process, run, phase);
    this.#push(event);
    return event;
  }

  after(delay: number, process: SimProcess | undefined, run: () => unknown, phase: Phase = ARRIVALS): SimEvent {
    return this.at(this.now + delay, process, run, phase);
  }

  /** Behind the event of the running process, and before anything else where that has time. */
  immediate(run: () => unknown): SimEvent {
    if (this.current === undefined) return this.after(0, undefined, run);
    const event = new SimEvent(this.now, this.#order++, this.current, run, IMMEDIATES);
    this.#immediates.push(event);
    return event;
  }

  /** The running process's processor is busy for so long, microseconds. */
  charge(cost: number): void {
    if (this.current !== undefined) this.current.busyUntil += cost;
  }

  runUntil(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      // What a process has begun by promises is its own doing, and over before the next event: Node empties that queue before
      // it comes to the next tick. Twice, since what goes on may itself wait for the next tick.
      const settled = () => process.nextTick(goOn);
      const goOn = () => void RESOLVED.then(next);
      let turns = 0;
      const next = () => {
        try {
          if (!this.#runSome(end)) {
            this.now = Math.max(this.now, end);
            resolve();
            // Now and then the real event loop turns, for whoever has sent this program a signal.
          } else if (++turns % EVENTS_IN_A_TURN === 0) realSetImmediate(goOn);
          else process.nextTick(settled);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      goOn();
    });
  }

  get pending(): number {
    return this.#heap.length;
  }

  /** Runs events up to one of a process. @returns false where none is left */
  #runSome(end: number): boolean {
    const resumed = this.#resumed;
    this.#resumed = this.current = undefined;
    for (;;) {
      const immediate = this.#takeImmediate();
      if (immediate === undefined) break;
      if (this.#runFor(immediate.process as SimProcess, immediate)) return true;
    }
    if (resumed?.isBehind === true && resumed.isAlive) this.#resumeLater(resumed);
    for (let event = this.#heap[0]; event !== undefined && event.at <= end; event = this.#heap[0]) {
      this.#pop();
      if (event.isCancelled) continue;
      this.#advance(event.at);
      const { process: owner } = event;
      if (owner === undefined) {
        this.events++;
        event.run();
        // The world itself is synchronous, but where it lets a process go on.
        if (this.#isOfProcess()) return true;
      } else if (owner.isAlive && this.#runFor(owner, event)) return true;
    }
    return false;
  }

  #isOfProcess(): boolean {
    return this.current !== undefined;
  }

  #takeImmediate(): SimEvent | undefined {
    while (this.#nextImmediate < this.#immediates.length) {
      const event = this.#immediates[this.#nextImmediate++] as SimEvent;
      if (!event.isCancelled && event.process?.isAlive === true) return event;
    }
    this.#immediates.length = this.#nextImmediate = 0;
    return undefined;
  }

  /** @returns false where it has to wait, since the process is behind */
  #runFor(owner: SimProcess, event: SimEvent): boolean {
    if (owner.busyUntil <= this.now + SLACK && !owner.isBehind) {
      this.#charged(owner, event);
      return true;
    }
    owner.wait(event, event.phase);
    this.#resumeLater(owner);
    return false;
  }

  #resumeLater(owner: SimProcess): void {
    if (owner.isResuming) return;
    owner.isResuming = true;
    this.at(owner.busyUntil - SLACK, undefined, () => {
      owner.isResuming = false;
      if (!owner.isAlive) return;
      const next = owner.busyUntil <= this.now + SLACK ? owner.next() : undefined;
      if (next === undefined) {
        if (owner.isBehind) this.#resumeLater(owner);
        return;
      }
      this.#resumed = owner;
      this.#charged(owner, next);
    });
  }

  #charged(owner: SimProcess, { run }: Pick<SimEvent, "run">): void {
    if (owner.busyUntil < this.now) {
      owner.idle += this.now - owner.busyUntil;
      owner.busyUntil = this.now;
    }
    owner.busyUntil += COST_OF_EVENT;
    this.current = owner;
    this.events++;
    run();
  }

  #advance(at: number): void {
    if (at > this.now) this.#atOneTime = 0;
    else if (++this.#atOneTime > MAX_EVENTS_AT_ONE_TIME) throw new Error(`time stands still at ${this.now} µs`);
    this.now = Math.max(this.now, at);
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent] as SimEvent)) break;
      heap[index] = heap[parent] as SimEvent;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as SimEvent, heap[child] as SimEvent)) child++;
      if (!isBefore(heap[child] as SimEvent, last)) break;
      heap[index] = heap[child] as SimEvent;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

const RESOLVED = Promise.resolve();

const realSetImmediate = globalThis.setImmediate;

/** Of the real event loop. */
const EVENTS_IN_A_TURN = 4_096;
