export type Phase = 0 | 1 | 2;
export const TIMERS = 0;
export const ARRIVALS = 1;
export const IMMEDIATES = 2;

interface Waiting {
  readonly run: () => unknown;
  readonly isCancelled: boolean;
}

/** One process of the simulation: a processor, a clock, and what ends with it. */
export class SimProcess {
  readonly name: string;
  /** Where it runs: what is partitioned and what shares a disk. */
  readonly host: string;
  isAlive = true;
  /** Checks that were not answered at once. */
  misses = 0;
  /** Until when its processor is busy, or it is stopped, microseconds. */
  busyUntil = 0;
  /** How long it has waited in all for something to do, microseconds. */
  idle = 0;
  /** Events that came meanwhile, by the phase of an event loop in which they are run. */
  readonly #waiting: readonly [Waiting[], Waiting[], Waiting[]] = [[], [], []];
  /** What is left of the phase that is run. */
  #batch: Waiting[] = [];
  #phase: Phase = TIMERS;
  isResuming = false;
  #waitingCount = 0;
  readonly #onEnd = new Set<() => void>();

  constructor(name: string, host = name) {
    this.name = name;
    this.host = host;
  }

  /** As by SIGKILL: nothing of it runs any more, and its peers see its connections end. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#batch = [];
    this.#waitingCount = 0;
    for (const waiting of this.#waiting) waiting.length = 0;
    for (const end of [...this.#onEnd]) end();
  }

  get isBehind(): boolean {
    return this.#waitingCount > 0;
  }

  wait(event: Waiting, phase: Phase): void {
    this.#waitingCount++;
    this.#waiting[phase].push(event);
  }

  /** As an event loop takes them: timers that are due, then all that has arrived, then what is to be done behind that. */
  next(): Waiting | undefined {
    for (let phases = 0; this.#batch.length === 0 && phases < 3; phases++) {
      this.#phase = ((this.#phase + 1) % 3) as Phase;
      this.#batch = this.#waiting[this.#phase].splice(0).reverse();
    }
    const next = this.#batch.pop();
    if (next === undefined) return undefined;
    this.#waitingCount--;
    return next.isCancelled ? this.next() : next;
  }

  /** Stops it as by SIGSTOP. */
  pause(until: number): void {
    this.busyUntil = Math.max(this.busyUntil, until);
  }

  onEnd(end: () => void): () => void {
    this.#onEnd.add(end);
    return () => this.#onEnd.delete(end);
  }
}
