import { describe, expect, it } from "vitest";
import { withinBudget } from "../../../src/application/within-budget.js";
import { promisesSettled } from "../../fakes/event-loop.js";
import { ManualClock } from "../../fakes/manual-clock.js";

const NEVER = new Promise<never>(() => {});

describe("work within a budget", () => {
  it("gives what the work gives, and leaves neither a timer nor a listener", async () => {
    const clock = new ManualClock();
    const caller = new AbortController();
    expect(await withinBudget(Promise.resolve(1), 10, caller.signal, clock)).toBe(1);
    expect(clock.pendingTimers).toBe(0);
    caller.abort();
    clock.advance(10);
  });

  it("fails as the work fails", async () => {
    const failure = new Error("broken");
    await expect(withinBudget(Promise.reject(failure), 10, undefined, new ManualClock())).rejects.toBe(failure);
  });

  it("fails with an error even where the work fails with none", async () => {
    // What a library rejects with need not be an Error.
    const work = new Promise<never>((_, reject) => (reject as (why: unknown) => void)("no error object"));
    await expect(withinBudget(work, 10, undefined, new ManualClock())).rejects.toMatchObject({ code: "internal", message: "no error object" });
  });

  it("fails once the budget has ended, and not before", async () => {
    const clock = new ManualClock();
    let isOver = false;
    const result = withinBudget(NEVER, 10, undefined, clock);
    result.catch(() => (isOver = true));
    clock.advance(9);
    await promisesSettled();
    expect(isOver).toBe(false);
    clock.advance(1);
    await expect(result).rejects.toMatchObject({ code: "deadline-exceeded" });
  });

  it.each([0, -5])("of %d ms ends at once, but not before work that is done", async (budgetMs) => {
    const clock = new ManualClock();
    const never = withinBudget(NEVER, budgetMs, undefined, clock);
    const done = withinBudget(Promise.resolve(1), budgetMs, undefined, clock);
    expect(await done).toBe(1);
    clock.advance(0);
    await expect(never).rejects.toMatchObject({ code: "deadline-exceeded" });
  });

  it("fails once the caller goes away, and takes its timer with it", async () => {
    const clock = new ManualClock();
    const caller = new AbortController();
    const result = withinBudget(NEVER, 10, caller.signal, clock);
    caller.abort();
    await expect(result).rejects.toMatchObject({ code: "cancelled" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("fails where the caller has gone away already", async () => {
    await expect(withinBudget(NEVER, 10, AbortSignal.abort(), new ManualClock())).rejects.toMatchObject({ code: "cancelled" });
  });

  it("that fails after it was given up disturbs nobody", async () => {
    const clock = new ManualClock();
    let fail: (error: Error) => void = () => {};
    const work = new Promise<never>((_, reject) => (fail = reject));
    const result = withinBudget(work, 10, undefined, clock);
    clock.advance(10);
    await expect(result).rejects.toMatchObject({ code: "deadline-exceeded" });
    fail(new Error("late"));
    await promisesSettled();
  });
});
