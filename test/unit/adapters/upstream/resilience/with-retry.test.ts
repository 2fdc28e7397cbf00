import { describe, expect, it } from "@jest/globals";
import { isWorthRetrying } from "../../../../../src/adapters/upstream/resilience/operation.js";
import { withRetry } from "../../../../../src/adapters/upstream/resilience/resilience.js";
import { ERROR_CODES, type ErrorCode } from "../../../../../src/domain/errors.js";
import { promisesSettled } from "../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { never, outcomeOf, scriptedOperation } from "./scripted-operation.js";

const MAX_DELAY_MS = 100;

function retrying(random: number, ...script: Parameters<typeof scriptedOperation>) {
  const clock = new ManualClock();
  const { inputs, operation } = scriptedOperation(...script);
  const retried = withRetry(
    operation,
    { maxDelayMs: MAX_DELAY_MS, isRetriable: isWorthRetrying, random: () => random },
    clock,
  );
  return { clock, inputs, retried };
}

describe("a second try", () => {
  it("is not made where the first one succeeds", async () => {
    const { inputs, retried } = retrying(0.5, "answer");
    expect(await retried("q", never())).toBe("answer");
    expect(inputs).toEqual(["q"]);
  });

  it("is made with the same input, after a jittered wait", async () => {
    const { clock, inputs, retried } = retrying(0.5, "unavailable", "answer");
    const call = outcomeOf(retried("q", never()));
    await promisesSettled();
    clock.advance(MAX_DELAY_MS / 2 - 1);
    await promisesSettled();
    expect(inputs).toEqual(["q"]);
    clock.advance(1);
    expect(await call).toBe("answer");
    expect(inputs).toEqual(["q", "q"]);
  });

  it("is the last one", async () => {
    const { clock, inputs, retried } = retrying(0, "unavailable", "unavailable");
    const call = outcomeOf(retried("q", never()));
    await promisesSettled();
    clock.advance(0);
    expect(await call).toBe("unavailable");
    expect(inputs).toHaveLength(2);
  });

  it.each(ERROR_CODES.filter((code): code is ErrorCode => code !== "unavailable"))(
    "is not made after %s",
    async (code) => {
      const { inputs, retried } = retrying(0, code);
      expect(await outcomeOf(retried("q", never()))).toBe(code);
      expect(inputs).toHaveLength(1);
    },
  );

  it("is not made once the signal aborts, and leaves no timer", async () => {
    const { clock, inputs, retried } = retrying(0.5, "unavailable");
    const abort = new AbortController();
    const call = outcomeOf(retried("q", abort.signal));
    await promisesSettled();
    abort.abort();
    expect(await call).toBe("cancelled");
    expect(inputs).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is not made for a signal that had aborted before the first one failed", async () => {
    const { inputs, retried } = retrying(0, "unavailable");
    expect(await outcomeOf(retried("q", AbortSignal.abort()))).toBe("unavailable");
    expect(inputs).toHaveLength(1);
  });
});
