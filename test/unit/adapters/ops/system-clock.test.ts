import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { IdleWatch, SystemClock } from "../../../../src/adapters/ops/system-clock.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

const DAY_MS = 86_400_000;
const clock = new SystemClock();

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("the system clock", () => {
  it("tells epoch milliseconds", () => {
    jest.setSystemTime(1_700_000_000_123);
    expect(clock.now()).toBe(1_700_000_000_123);
  });

  it.each([0, 1, 1_000, 24 * DAY_MS, 25 * DAY_MS, 60 * DAY_MS, 2 ** 31 - 1, 2 ** 31, 2 ** 32])(
    "calls back once, %d ms from now",
    (delayMs) => {
      const callback = jest.fn();
      clock.after(delayMs, callback);
      if (delayMs > 0) {
        jest.advanceTimersByTime(delayMs - 1);
        expect(callback).not.toHaveBeenCalled();
      }
      jest.advanceTimersByTime(1);
      // What arrived meanwhile is read before that.
      jest.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
      jest.advanceTimersByTime(100 * DAY_MS);
      expect(callback).toHaveBeenCalledTimes(1);
    },
  );

  it("never calls back after an infinite delay, nor at once", () => {
    const callback = jest.fn();
    const cancel = clock.after(Infinity, callback);
    jest.advanceTimersByTime(100 * DAY_MS);
    cancel();
    expect(callback).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each([1_000, 60 * DAY_MS])("does not call back once cancelled, however long the delay (%d ms)", (delayMs) => {
    const callback = jest.fn();
    const cancel = clock.after(delayMs, callback);
    jest.advanceTimersByTime(delayMs - 1);
    cancel();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("does not call back once cancelled by what was read when the time was over", () => {
    const callback = jest.fn();
    const cancel = clock.after(10, callback);
    jest.advanceTimersByTime(10);
    cancel();
    jest.advanceTimersByTime(1_000);
    expect(callback).not.toHaveBeenCalled();
  });

  it("never keeps the process alive", () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const cancels = [clock.after(60_000, () => {}), clock.after(60 * DAY_MS, () => {})];
    const during = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    for (const cancel of cancels) cancel();
    expect(during).toBe(before);
  });
});

it("a process that has not been idle since has not read all that has arrived since", () => {
  const clock = new ManualClock(1_000);
  let idle = 0;
  const watch = new IdleWatch(clock, () => idle);
  watch.lastIdleAt();
  clock.advance(10);
  idle += 5;
  expect(watch.lastIdleAt()).toBe(1_000);
  clock.advance(400);
  expect(watch.lastIdleAt()).toBe(1_000);
  idle += 1;
  clock.advance(10);
  expect(watch.lastIdleAt()).toBe(1_410);
});
