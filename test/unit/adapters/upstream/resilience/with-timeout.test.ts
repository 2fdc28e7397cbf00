import { describe, expect, it } from "@jest/globals";
import { abortErrorOf } from "../../../../../src/adapters/upstream/resilience/operation.js";
import { withTimeout } from "../../../../../src/adapters/upstream/resilience/resilience.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { controllableOperation, never } from "./scripted-operation.js";

function timed() {
  const clock = new ManualClock();
  const { calls, operation } = controllableOperation();
  return { clock, calls, operation: withTimeout(operation, { name: "Edge", timeoutMs: 500 }, clock) };
}

describe("a time limit", () => {
  it("aborts what takes longer, and says why", async () => {
    const { clock, calls, operation } = timed();
    const call = operation("q", never());
    const { signal } = await calls.at(0);
    clock.advance(499);
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    expect(abortErrorOf(signal)).toMatchObject({
      code: "deadline-exceeded",
      message: "Edge did not answer within 500 ms",
    });
    await expect(call).rejects.toThrow("given up");
  });

  it("does not count against upstream the time in which this process did not run", async () => {
    const { clock, calls, operation } = timed();
    const call = operation("q", never());
    const { signal } = await calls.at(0);
    clock.stall(800);
    expect(signal.aborted).toBe(false);
    clock.advance(300);
    expect(signal.aborted).toBe(true);
    await expect(call).rejects.toThrow("given up");
  });

  it("ends also in a process that never gets to run in time", async () => {
    const { clock, calls, operation } = timed();
    const call = operation("q", never());
    const { signal } = await calls.at(0);
    for (let i = 0; i < 3 && !signal.aborted; i++) clock.stall(5_000);
    expect(signal.aborted).toBe(true);
    await expect(call).rejects.toThrow("given up");
  });

  it("lets through what its caller aborts, with the caller's reason", async () => {
    const { calls, operation } = timed();
    const caller = new AbortController();
    const call = operation("q", caller.signal);
    const { signal } = await calls.at(0);
    caller.abort("because");
    expect(signal.reason).toBe("because");
    await expect(call).rejects.toThrow("given up");
  });

  it("starts nothing new for a caller who is gone", async () => {
    const { calls, operation } = timed();
    const call = operation("q", AbortSignal.abort("gone"));
    expect((await calls.at(0)).signal.reason).toBe("gone");
    await expect(call).rejects.toThrow("given up");
  });

  it("leaves nothing behind once there is an answer", async () => {
    const { clock, calls, operation } = timed();
    const call = operation("q", never());
    (await calls.at(0)).answer("a");
    expect(await call).toBe("a");
    expect(clock.pendingTimers).toBe(0);
  });
});
