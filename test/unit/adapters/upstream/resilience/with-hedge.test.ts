import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { withHedge } from "../../../../../src/adapters/upstream/resilience/with-hedge.js";
import { CodedError, ERROR_CODES, type ErrorCode } from "../../../../../src/domain/errors.js";
import { promisesSettled } from "../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { controllableOperation, never, outcomeOf } from "./scripted-operation.js";

const AFTER_MS = 250;

function hedged(options: { readonly preferFirstForMs?: number; readonly maxLosers?: number } = {}) {
  const clock = new ManualClock();
  const first = controllableOperation();
  const second = controllableOperation();
  const operation = withHedge(
    first.operation,
    second.operation,
    { afterMs: AFTER_MS, preferFirstForMs: 0, maxLosers: 64, ...options },
    clock,
  );
  return {
    clock,
    first: first.calls,
    second: second.calls,
    operation,
    ask: (signal = never()) => outcomeOf(operation("q", signal)),
  };
}

const failure = (code: ErrorCode) => new CodedError(code, code);

describe("a hedged call", () => {
  it("asks the first alone as long as it is not slow", async () => {
    const { clock, first, second, ask } = hedged();
    const outcome = ask();
    clock.advance(AFTER_MS - 1);
    (await first.at(0)).answer("of the first");
    expect(await outcome).toBe("of the first");
    expect(second.count).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(ERROR_CODES.filter((code) => code !== "cancelled"))(
    "asks the second the same at once where the first fails by %s",
    async (code) => {
      const { first, second, ask } = hedged();
      const outcome = ask();
      (await first.at(0)).fail(failure(code));
      const call = await second.at(0);
      expect(call.question).toBe("q");
      call.answer("of the second");
      expect(await outcome).toBe("of the second");
    },
  );

  it.each(["first", "second"] as const)(
    "asks both where the first is slow, and takes what the %s answers first",
    async (winner) => {
      const test = hedged();
      const outcome = test.ask();
      test.clock.advance(AFTER_MS);
      await test.second.at(0);
      (await test[winner].at(0)).answer(`of the ${winner}`);
      expect(await outcome).toBe(`of the ${winner}`);
    },
  );

  it.each<ErrorCode>(["unavailable", "deadline-exceeded", "invalid-argument"])(
    "waits for a slow first although the second fails by %s",
    async (code) => {
      const { clock, first, second, ask } = hedged();
      const outcome = ask();
      clock.advance(AFTER_MS);
      (await second.at(0)).fail(failure(code));
      await promisesSettled();
      clock.advance(10 * AFTER_MS);
      (await first.at(0)).answer("of the first");
      expect(await outcome).toBe("of the first");
    },
  );

  it("lets the one that lost go on, so that it is judged by its own time", async () => {
    const { clock, first, second, ask } = hedged();
    const outcome = ask();
    clock.advance(AFTER_MS);
    (await second.at(0)).answer("of the second");
    expect(await outcome).toBe("of the second");
    expect((await first.at(0)).signal.aborted).toBe(false);
  });

  it("bounds how many go on, and has room again once they end", async () => {
    const { clock, first, second, ask } = hedged({ maxLosers: 1 });
    for (let i = 0; i < 2; i++) {
      const outcome = ask();
      clock.advance(AFTER_MS);
      (await second.at(i)).answer("of the second");
      await outcome;
    }
    expect(first.all.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    (await first.at(0)).fail();
    await promisesSettled();
    const outcome = ask();
    clock.advance(AFTER_MS);
    (await second.at(2)).answer("of the second");
    await outcome;
    expect((await first.at(2)).signal.aborted).toBe(false);
  });

  it("ends both for a caller who goes away", async () => {
    const { clock, first, second, operation } = hedged();
    const caller = new AbortController();
    const outcome = outcomeOf(operation("q", caller.signal));
    clock.advance(AFTER_MS);
    await second.at(0);
    caller.abort();
    expect(await outcome).toBe("cancelled");
    expect([...first.all, ...second.all].map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("asks nothing for a caller who is gone", async () => {
    const { first, ask } = hedged();
    expect(await ask(AbortSignal.abort())).toBe("cancelled");
    expect(first.count).toBe(0);
  });
});

describe("a hedged call that prefers the first", () => {
  const preferring = () => hedged({ preferFirstForMs: 600 });

  it("holds the second's answer until the first's comes", async () => {
    const { clock, first, second, ask } = preferring();
    const outcome = ask();
    clock.advance(AFTER_MS);
    (await second.at(0)).answer("of the second");
    await promisesSettled();
    clock.advance(599 - AFTER_MS);
    (await first.at(0)).answer("of the first");
    expect(await outcome).toBe("of the first");
  });

  it.each(["fails", "takes too long"])("takes the second's answer once the first %s", async (how) => {
    const { clock, first, second, ask } = preferring();
    const outcome = ask();
    clock.advance(AFTER_MS);
    (await second.at(0)).answer("of the second");
    await promisesSettled();
    if (how === "fails") (await first.at(0)).fail();
    else clock.advance(600 - AFTER_MS);
    expect(await outcome).toBe("of the second");
  });
});

describe("whatever the two do, and whenever", () => {
  const ends = fc.record({
    atMs: fc.integer({ min: 0, max: 1_000 }),
    code: fc.option(fc.constantFrom<ErrorCode>("unavailable", "invalid-argument", "deadline-exceeded")),
  });

  it("the answer is a good one if there is one, in the order of their times, and else the second's failure", async () => {
    await fc.assert(
      fc.asyncProperty(ends, ends, async (one, other) => {
        const clock = new ManualClock();
        const endsAfter =
          (name: string, { atMs, code }: typeof one) =>
          () =>
            new Promise<string>((resolve, reject) => {
              clock.after(atMs, () => (code === null ? resolve(name) : reject(failure(code))));
            });
        const operation = withHedge(
          endsAfter("first", one),
          endsAfter("second", other),
          { afterMs: AFTER_MS, preferFirstForMs: 0, maxLosers: 8 },
          clock,
        );
        const outcome = outcomeOf(operation("q", never()));
        for (let ms = 0; ms <= 2_100; ms += 1) {
          clock.advance(1);
          if (ms % 50 === 0 || ms === one.atMs || ms === one.atMs - 1) await promisesSettled();
        }
        const firstAt = one.code === null ? one.atMs : Infinity;
        const secondBegan = one.code === null ? AFTER_MS : Math.min(AFTER_MS, one.atMs);
        const secondAt = other.code === null ? secondBegan + other.atMs : Infinity;
        // Within the grain of this test either may be the first.
        if (Math.abs(firstAt - secondAt) <= 60) expect(["first", "second"]).toContain(await outcome);
        else if (firstAt === Infinity && secondAt === Infinity) expect(await outcome).toBe(other.code);
        else expect(await outcome).toBe(firstAt < secondAt ? "first" : "second");
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
