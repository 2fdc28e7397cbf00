import { describe, expect, it } from "@jest/globals";
import { LatencyWatch } from "../../../../../../src/adapters/cache/redis-client/link/link-health.js";
import type { CancelTimer, Clock } from "../../../../../../src/ports/clock.js";
import { promisesSettled } from "../../../../../fakes/event-loop.js";

const LIMIT_MS = 250;

/** An event loop: each turn takes its time, and only then calls back whatever has become due. */
class LoopClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const timer = { dueAt: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  turn(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) if (timer.dueAt <= this.#now && this.#timers.delete(timer)) timer.callback();
  }

  stepBack(ms: number): void {
    this.#now -= ms;
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      this.#timers.add({ ...timer, dueAt: timer.dueAt - ms });
    }
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }
}

function watching() {
  const clock = new LoopClock();
  const pings: (() => void)[] = [];
  const changes: boolean[] = [];
  const ping = () => new Promise<void>((resolve) => pings.push(resolve));
  const watch: LatencyWatch = new LatencyWatch(clock, LIMIT_MS, ping, () => changes.push(watch.isSlow));
  return { clock, watch, changes, pings };
}

/** Time goes by while the event loop turns. */
function turn(clock: LoopClock, ms: number, turnMs = 10): void {
  for (let passed = 0; passed < ms; passed += turnMs) clock.turn(turnMs);
}

describe("Redis counts as slow", () => {
  it("once an answer is overdue, and not before", () => {
    const { clock, watch, changes } = watching();
    watch.sent();
    turn(clock, LIMIT_MS);
    expect(watch.isSlow).toBe(false);
    turn(clock, 20);
    expect(changes).toEqual([true]);
  });

  it("not for answers in time, however many are under way", () => {
    const { clock, watch, changes } = watching();
    const answers: (() => void)[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push(watch.sent());
      if (i >= 10) answers[i - 10]!();
      turn(clock, 20);
    }
    expect(changes).toEqual([]);
  });

  it("until a ping is answered in time", async () => {
    const { clock, watch, changes, pings } = watching();
    watch.sent();
    turn(clock, LIMIT_MS + 20);
    turn(clock, LIMIT_MS + 20);
    pings[0]!();
    await promisesSettled();
    expect(watch.isSlow).toBe(true);
    turn(clock, LIMIT_MS);
    expect(pings).toHaveLength(2);
    turn(clock, 20);
    pings[1]!();
    await promisesSettled();
    expect(changes).toEqual([true, false]);
  });

  it("no more once its connection has ended", async () => {
    const { clock, watch, changes, pings } = watching();
    watch.sent();
    turn(clock, LIMIT_MS + 20);
    watch.stop();
    pings[0]!();
    await promisesSettled();
    expect(changes).toEqual([true]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a process that is behind says nothing of Redis", () => {
  it.each([300, 1_000, 60_000])("held up for %i ms with answers in its socket", (heldUpMs) => {
    const { clock, watch, changes } = watching();
    const answered = watch.sent();
    turn(clock, 10);
    clock.turn(heldUpMs);
    answered();
    expect(changes).toEqual([]);
  });

  it("which needs 100 ms for each turn of its loop, and reads each answer two turns later", () => {
    const { clock, watch, changes } = watching();
    const answers: (() => void)[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push(watch.sent());
      answers[i - 2]?.();
      clock.turn(100);
    }
    expect(changes).toEqual([]);
  });

  it("though a Redis that hangs is found out by it all the same", () => {
    const { clock, watch, changes } = watching();
    watch.sent();
    turn(clock, 1_000, 100);
    expect(changes).toEqual([true]);
  });

  it("nor does a wall clock that steps back", () => {
    const { clock, watch, changes } = watching();
    const answered = watch.sent();
    turn(clock, 100);
    clock.stepBack(3_600_000);
    turn(clock, 100);
    answered();
    expect(changes).toEqual([]);
  });
});
