import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { ConsumeChanges } from "../../../../src/application/consume/consume-changes.js";
import type { QueuedMessage } from "../../../../src/ports/change-queue.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const POLL_MS = 5_000;

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
