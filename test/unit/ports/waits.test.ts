import { describe, expect, it } from "@jest/globals";
import { elapse, unlessAborted, Waiters, within } from "../../../src/ports/waits.js";
import { promisesSettled } from "../../fakes/event-loop.js";
import { ManualClock } from "../../fakes/manual-clock.js";

/** Notes in which order things end. */
function noting() {
  const ends: string[] = [];
  return { ends, note: (what: string, ended: Promise<unknown>) => ended.then(() => void ends.push(what)) };
}

describe("a wait", () => {
  it("ends with its time", async () => {
    const clock = new ManualClock();
    const { ends, note } = noting();
    const ended = note("elapsed", elapse(10, clock));
    clock.advance(9);
    await promisesSettled();
    expect(ends).toEqual([]);
    clock.advance(1);
    await ended;
    expect(ends).toEqual(["elapsed"]);
  });

  it.each(["before", "meanwhile"])("ends at once with a signal that aborts %s, and leaves no timer", async (when) => {
    const clock = new ManualClock();
    const abort = new AbortController();
    if (when === "before") abort.abort();
    const ended = elapse(10, clock, abort.signal);
    abort.abort();
    await ended;
    expect(clock.pendingTimers).toBe(0);
  });

  it("of several ends with their release, and later ones wait for the next", async () => {
    const clock = new ManualClock();
    const waiters = new Waiters();
    const { ends, note } = noting();
    const first = [note("a", waiters.wait({ atMostMs: 10, clock })), note("b", waiters.wait({}))];
    waiters.release();
    const later = note("c", waiters.wait({}));
    await Promise.all(first);
    expect(ends).toEqual(["a", "b"]);
    expect(clock.pendingTimers).toBe(0);
    waiters.release();
    await later;
    expect(ends).toEqual(["a", "b", "c"]);
  });
});

describe("work with a bound", () => {
  const late = () => new Error("late");
  const never = new Promise<never>(() => undefined);

  it("is what it settles to in time, and leaves no timer", async () => {
    const clock = new ManualClock();
    expect(await within(Promise.resolve(1), 10, clock, late)).toBe(1);
    await expect(within(Promise.reject(new Error("failed")), 10, clock, late)).rejects.toThrow("failed");
    await promisesSettled();
    expect(clock.pendingTimers).toBe(0);
  });

  it("fails once its time is over", async () => {
    const clock = new ManualClock();
    const result = within(never, 10, clock, late);
    const failure = expect(result).rejects.toThrow("late");
    clock.advance(10);
    await failure;
  });

  it.each(["before", "meanwhile"])("fails once a signal aborts %s", async (when) => {
    const abort = new AbortController();
    if (when === "before") abort.abort();
    const result = unlessAborted(never, abort.signal, () => new Error("gone"));
    abort.abort();
    await expect(result).rejects.toThrow("gone");
  });

  it("is what it settles to before a signal aborts", async () => {
    const abort = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), abort.signal, () => new Error("gone"))).toBe(1);
    abort.abort();
  });
});
