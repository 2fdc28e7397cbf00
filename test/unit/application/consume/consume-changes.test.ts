import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { ConsumeChanges } from "../../../../src/application/consume/consume-changes.js";
import type { QueuedMessage } from "../../../../src/ports/change-sources.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const POLL_MS = 5_000;

function consumeFrom(receive: (signal: AbortSignal) => Promise<readonly QueuedMessage[]>, gate: { isOpen: boolean }) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const held: unknown[] = [];
  const carriedOut: unknown[] = [];
  const consume = new ConsumeChanges(
    {
      queue: { open: () => Promise.resolve(), receive } as never,
      gate: { whenOpen: () => Promise.resolve(), ...gate } as never,
      changes: {
        hold: (messages: unknown) => Promise.resolve(held.push(messages)),
        carryOut(messages: unknown) {
          carriedOut.push(messages);
          return { written: Promise.resolve(), removed: Promise.resolve(), settled: Promise.resolve() };
        },
      } as never,
      clock,
      logger,
    },
    { consumers: 1, lastPollMs: 0, firstDelayMs: 250, longestDelayMs: 5_000 },
  );
  async function pass(ms: number) {
    clock.advance(ms);
    for (let i = 0; i < 20; i++) await turn();
  }
  async function stop() {
    const stopped = consume.stop();
    await pass(POLL_MS);
    await stopped;
  }
  return { consume, logger, held, carriedOut, pass, stop };
}

/** Brings nothing more, until it is broken off. */
function untilAborted(signal: AbortSignal): Promise<readonly QueuedMessage[]> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve([]), { once: true }));
}

const MESSAGES = [{ id: "1" }] as unknown as readonly QueuedMessage[];

/** How often a queue is asked in a minute that answers that there is nothing, each time after so long. */
async function callsInAMinute(answerAfterMs: number): Promise<number> {
  const clock = new ManualClock();
  let calls = 0;
  const receive = async (): Promise<readonly QueuedMessage[]> => {
    calls++;
    await turn();
    if (answerAfterMs > 0) await new Promise<void>((resolve) => clock.after(answerAfterMs, resolve));
    return [];
  };
  const consume = new ConsumeChanges(
    {
      queue: { open: () => Promise.resolve(), receive } as never,
      gate: { isOpen: true, whenOpen: () => Promise.resolve() } as never,
      changes: {} as never,
      clock,
      logger: new RecordingLogger(),
    },
    { consumers: 3, lastPollMs: 0, firstDelayMs: 250, longestDelayMs: 5_000 },
  );
  consume.start();
  for (let passed = 0; passed < 60_000; passed += 50) {
    clock.advance(50);
    for (let i = 0; i < 5; i++) await turn();
  }
  const inAMinute = calls;
  const stopped = consume.stop();
  for (let i = 0; i < 20; i++) {
    clock.advance(POLL_MS);
    await turn();
  }
  await stopped;
  return inAMinute;
}

it("does not ask a queue without end that answers at once that there is nothing", async () => {
  expect(await callsInAMinute(0)).toBeLessThan(3 * 75);
});

it("asks again at once where the queue had callers wait", async () => {
  expect(await callsInAMinute(POLL_MS)).toBeGreaterThanOrEqual(60_000 / POLL_MS);
});

it("asks a queue that fails again until it answers, and says that once and that it is over once", async () => {
  let calls = 0;
  const { consume, logger, carriedOut, pass, stop } = consumeFrom(
    (signal) => {
      calls++;
      if (calls <= 3) return Promise.reject(new Error("the queue is away"));
      return calls === 4 ? Promise.resolve(MESSAGES) : untilAborted(signal);
    },
    { isOpen: true },
  );
  consume.start();
  await pass(0);
  expect([calls, consume.consumers]).toEqual([1, 0]);
  for (const wait of [250, 500, 1_000]) await pass(wait);
  expect([calls, consume.consumers, carriedOut]).toEqual([5, 1, [MESSAGES]]);
  expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
    ["error", "no messages can be received from the queue; it is asked again until they can"],
    ["error", "messages are received from the queue again"],
  ]);
  await stop();
  expect(consume.consumers).toBe(0);
});

it("holds messages that come while the shared cache takes no writes", async () => {
  let calls = 0;
  const { consume, held, carriedOut, pass, stop } = consumeFrom(
    (signal) => (++calls === 1 ? Promise.resolve(MESSAGES) : untilAborted(signal)),
    { isOpen: false },
  );
  consume.start();
  await pass(0);
  expect([held, carriedOut]).toEqual([[MESSAGES], []]);
  await stop();
});

it("ends while the queue fails", async () => {
  const { consume, pass, stop } = consumeFrom(() => Promise.reject(new Error("the queue is away")), { isOpen: true });
  consume.start();
  await pass(0);
  await stop();
  expect(consume.consumers).toBe(0);
});
