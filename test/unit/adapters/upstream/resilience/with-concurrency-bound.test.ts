import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type NewestFirst,
  withConcurrencyBound,
} from "../../../../../src/adapters/upstream/resilience/with-concurrency-bound.js";
import type { PendingCall } from "../../../../fakes/controllable-upstream.js";
import { promisesSettled } from "../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { controllableOperation, never, outcomeOf } from "./scripted-operation.js";

function bounded(maxConcurrent: number, maxWaiting = 100, newestFirst?: NewestFirst) {
  const { calls, operation } = controllableOperation();
  return { calls, operation: withConcurrencyBound(operation, { maxConcurrent, maxWaiting, newestFirst }) };
}

const asked = ({ calls }: ReturnType<typeof bounded>) => calls.all.map(({ question }) => question);

describe("a bound on concurrency", () => {
  it("lets as many through as there is room for, and the others in their order", async () => {
    const gate = bounded(2);
    const outcomes = ["a", "b", "c", "d"].map((input) => outcomeOf(gate.operation(input, never())));
    await promisesSettled();
    expect(asked(gate)).toEqual(["a", "b"]);
    gate.calls.all[1]!.answer("answer b");
    await promisesSettled();
    expect(asked(gate)).toEqual(["a", "b", "c"]);
    gate.calls.all[0]!.fail();
    await promisesSettled();
    expect(asked(gate)).toEqual(["a", "b", "c", "d"]);
    gate.calls.all[2]!.answer("answer c");
    gate.calls.all[3]!.answer("answer d");
    expect(await Promise.all(outcomes)).toEqual(["unavailable", "answer b", "answer c", "answer d"]);
  });

  it("refuses at once what would have to wait behind too many", async () => {
    const gate = bounded(1, 1);
    const first = outcomeOf(gate.operation("a", never()));
    const second = outcomeOf(gate.operation("b", never()));
    expect(await outcomeOf(gate.operation("c", never()))).toBe("resource-exhausted");
    (await gate.calls.at(0)).answer("answer a");
    (await gate.calls.at(1)).answer("answer b");
    expect(await Promise.all([first, second])).toEqual(["answer a", "answer b"]);
  });

  it("forgets who stops waiting, and keeps the others' order", async () => {
    const gate = bounded(1);
    const abort = new AbortController();
    const first = outcomeOf(gate.operation("a", never()));
    const gone = outcomeOf(gate.operation("b", abort.signal));
    const last = outcomeOf(gate.operation("c", never()));
    abort.abort();
    expect(await gone).toBe("cancelled");
    (await gate.calls.at(0)).answer("answer a");
    (await gate.calls.at(1)).answer("answer c");
    expect(await Promise.all([first, last])).toEqual(["answer a", "answer c"]);
    expect(asked(gate)).toEqual(["a", "c"]);
  });

  it("lets the newest through first once the first in line has waited for long, and then the others in order again", async () => {
    const clock = new ManualClock();
    const gate = bounded(1, 100, { afterMs: 500, clock });
    const outcomes = [outcomeOf(gate.operation("a", never())), outcomeOf(gate.operation("late", never()))];
    clock.advance(400);
    for (const input of ["b", "c", "d"]) outcomes.push(outcomeOf(gate.operation(input, never())));
    clock.advance(101);
    for (const index of [0, 1, 2]) (await gate.calls.at(index)).answer("answer");
    await promisesSettled();
    expect(asked(gate)).toEqual(["a", "d", "c", "b"]);
    (await gate.calls.at(3)).answer("answer");
    await promisesSettled();
    for (const input of ["e", "f"]) outcomes.push(outcomeOf(gate.operation(input, never())));
    for (const index of [4, 5, 6]) (await gate.calls.at(index)).answer("answer");
    await Promise.all(outcomes);
    expect(asked(gate)).toEqual(["a", "d", "c", "b", "late", "e", "f"]);
  });

  it("does not take a clock that is set for one that has passed", async () => {
    const clock = new ManualClock();
    const gate = bounded(1, 100, { afterMs: 500, clock });
    const outcomes = ["a", "b", "c"].map((input) => outcomeOf(gate.operation(input, never())));
    clock.set(clock.now() + 3_600_000);
    for (const index of [0, 1, 2]) (await gate.calls.at(index)).answer("answer");
    await Promise.all(outcomes);
    expect(asked(gate)).toEqual(["a", "b", "c"]);
  });

  it("lets all have their turn who ask again as soon as they are answered, as long as that is in time", async () => {
    const clock = new ManualClock();
    const gate = bounded(2, 100, { afterMs: 500, clock });
    const rounds = new Map<string, number>();
    const ask = (caller: string): void => {
      void outcomeOf(gate.operation(caller, never())).then(() => {
        rounds.set(caller, (rounds.get(caller) ?? 0) + 1);
        ask(caller);
      });
    };
    for (const caller of ["a", "b", "c", "d", "e"]) ask(caller);
    for (let index = 0; index < 50; index++) {
      (await gate.calls.at(index)).answer("answer");
      await promisesSettled();
      clock.advance(100);
    }
    expect([...rounds.values()]).toEqual([10, 10, 10, 10, 10]);
  });

  it("lets the newest through first after that alone, and of too many refuses the oldest", async () => {
    const clock = new ManualClock();
    const gate = bounded(1, 2, { afterMs: -1, clock });
    const abort = new AbortController();
    const first = outcomeOf(gate.operation("a", never()));
    const oldest = outcomeOf(gate.operation("b", never()));
    const gone = outcomeOf(gate.operation("c", abort.signal));
    const newest = outcomeOf(gate.operation("d", never()));
    expect(await oldest).toBe("resource-exhausted");
    abort.abort();
    expect(await gone).toBe("cancelled");
    const last = outcomeOf(gate.operation("e", never()));
    for (const [index, answer] of ["a", "e", "d"].entries()) (await gate.calls.at(index)).answer(answer);
    expect(await Promise.all([first, last, newest])).toEqual(["a", "e", "d"]);
    expect(asked(gate)).toEqual(["a", "e", "d"]);
  });

  it("asks nothing for who is gone before", async () => {
    const gate = bounded(1);
    expect(await outcomeOf(gate.operation("a", AbortSignal.abort()))).toBe("cancelled");
    expect(asked(gate)).toEqual([]);
  });

  it("is never exceeded, never idle while someone waits, and loses nobody, whatever happens in whatever order", async () => {
    const step = fc.oneof(
      fc.constant("call" as const),
      fc.record({ end: fc.nat(), how: fc.constantFrom("answer", "fail") }),
      fc.record({ abort: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(undefined, -1, 1_000),
        async (maxConcurrent, steps, afterMs) => {
          const gate = bounded(
            maxConcurrent,
            100,
            afterMs === undefined ? undefined : { afterMs, clock: new ManualClock() },
          );
          const end = (call: PendingCall<string, string> | undefined, how: string) => {
            ended.add(call);
            if (how === "answer") call?.answer("answer");
            else call?.fail();
          };
          const callers: { readonly abort: AbortController; outcome: string | undefined }[] = [];
          const ended = new Set<unknown>();
          const running = () => gate.calls.all.filter((call) => !ended.has(call) && !call.signal.aborted);
          for (const what of steps) {
            if (what === "call") {
              const caller = { abort: new AbortController(), outcome: undefined as string | undefined };
              callers.push(caller);
              void outcomeOf(gate.operation("q", caller.abort.signal)).then((outcome) => (caller.outcome = outcome));
            } else if ("abort" in what) callers[what.abort % Math.max(1, callers.length)]?.abort.abort();
            else end(running()[what.end % Math.max(1, running().length)], what.how);
            await promisesSettled();
            const unsettled = callers.filter(({ outcome }) => outcome === undefined).length;
            expect(running().length).toBe(Math.min(maxConcurrent, unsettled));
          }
          while (running().length > 0) {
            end(running()[0], "answer");
            await promisesSettled();
          }
          expect(callers.filter(({ outcome }) => outcome === undefined)).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
