import type { CancelTimer, Clock } from "../../src/ports/clock.js";

interface Timer {
  dueAt: number;
  readonly callback: () => void;
}

/** Time that moves when a test says so, and only then. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();
  /** By how much it was set, milliseconds. */
  #setBy = 0;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now - this.#setBy;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const timer = { dueAt: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on; timers call back in the order in which they are due, each at its own time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let due = this.#firstDue(until); due !== undefined; due = this.#firstDue(until)) {
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.dueAt);
      due.callback();
    }
    this.#now = until;
  }

  /** Moves time on while nothing runs: timers that became due meanwhile call back late, all at the end. */
  stall(ms: number): void {
    this.#now += ms;
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= this.#now);
    for (const timer of due) if (this.#timers.delete(timer)) timer.callback();
  }

  /** Sets the wall clock, forth or back, as an operator or a time server does: no timer comes due by it, nor later. */
  set(now: number): void {
    for (const timer of this.#timers) timer.dueAt += now - this.#now;
    this.#setBy += now - this.#now;
    this.#now = now;
  }

  /** Timers that were neither called back nor cancelled: what has ended leaves none. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  #firstDue(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.dueAt <= until && (first === undefined || timer.dueAt < first.dueAt)) first = timer;
    return first;
  }
}
