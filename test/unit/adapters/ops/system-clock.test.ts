import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SystemClock } from "../../../../src/adapters/ops/system-clock.js";

const DAY_MS = 86_400_000;
const clock = new SystemClock();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the system clock", () => {
  it("tells epoch milliseconds", () => {
    vi.setSystemTime(1_700_000_000_123);
    expect(clock.now()).toBe(1_700_000_000_123);
  });

  it.each([0, 1, 1_000, 24 * DAY_MS, 25 * DAY_MS, 60 * DAY_MS, 2 ** 31 - 1, 2 ** 31, 2 ** 32])("calls back once, %d ms from now", (delayMs) => {
    const callback = vi.fn();
    clock.after(delayMs, callback);
    if (delayMs > 0) {
      vi.advanceTimersByTime(delayMs - 1);
      expect(callback).not.toHaveBeenCalled();
    }
    vi.advanceTimersByTime(1);
    // What arrived meanwhile is read before that.
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it("never calls back after an infinite delay, nor at once", () => {
    const callback = vi.fn();
    const cancel = clock.after(Infinity, callback);
    vi.advanceTimersByTime(100 * DAY_MS);
    cancel();
    expect(callback).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([1_000, 60 * DAY_MS])("does not call back once cancelled, however long the delay (%d ms)", (delayMs) => {
    const callback = vi.fn();
    const cancel = clock.after(delayMs, callback);
    vi.advanceTimersByTime(delayMs - 1);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not call back once cancelled by what was read when the time was over", () => {
    const callback = vi.fn();
    const cancel = clock.after(10, callback);
    vi.advanceTimersByTime(10);
    cancel();
    vi.advanceTimersByTime(1_000);
    expect(callback).not.toHaveBeenCalled();
  });

  it("never keeps the process alive", () => {
    vi.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const cancels = [clock.after(60_000, () => {}), clock.after(60 * DAY_MS, () => {})];
    const during = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    for (const cancel of cancels) cancel();
    expect(during).toBe(before);
  });
});
