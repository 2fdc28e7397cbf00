import { describe, expect, it } from "@jest/globals";
import { isOutage, WriteAvailability } from "../../../../src/application/consume/write-availability.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const DELAY_MS = 10;
const READ_ONLY = new CodedError("failed-precondition", "a replica takes no writes");

async function started({ outage }: { outage?: CodedError } = {}) {
  const cache = new InMemorySharedCache();
  cache.outage = outage;
  const clock = new ManualClock();
  const failures: true[] = [];
  const timing = { firstDelayMs: DELAY_MS, longestDelayMs: DELAY_MS };
  const gate = new WriteAvailability(
    cache,
    clock,
    new RecordingLogger(),
    { writeFailed: () => failures.push(true) },
    timing,
  );
  gate.start();
  await promisesSettled();
  const tryAgain = async () => {
    clock.advance(DELAY_MS);
    await promisesSettled();
  };
  return { cache, clock, gate, failures, tryAgain };
}

describe("whether the shared cache takes writes", () => {
  it("is found out at the start, and again until it does", async () => {
    const { cache, gate, tryAgain } = await started({ outage: READ_ONLY });
    expect(gate.isOpen).toBe(false);
    let hasOpened = false;
    void gate.whenOpen(new AbortController().signal).then(() => (hasOpened = true));
    cache.outage = undefined;
    await tryAgain();
    expect([gate.isOpen, hasOpened]).toEqual([true, true]);
  });

  it("is counted once tries have failed for longer than a start takes", async () => {
    const { failures, tryAgain } = await started({ outage: READ_ONLY });
    for (let tries = 0; tries < 4; tries++) await tryAgain();
    expect(failures.length).toBeGreaterThan(0);
  });

  it("ends with its connection, and not where that is there", async () => {
    const { cache, gate } = await started();
    cache.isConnected = true;
    expect(gate.isOpen).toBe(true);
    cache.isConnected = false;
    expect(gate.isOpen).toBe(false);
  });

  it("comes with the loss of what it had confirmed", async () => {
    const { cache, gate, tryAgain } = await started();
    let losses = 0;
    gate.onOlderData(() => losses++);
    gate.close(READ_ONLY);
    cache.isRolledBack = true;
    await tryAgain();
    expect(losses).toBe(1);
  });

  it("is tried no more once it is stopped", async () => {
    const { cache, clock, gate } = await started({ outage: READ_ONLY });
    gate.stop();
    cache.outage = undefined;
    clock.advance(10 * DELAY_MS);
    await promisesSettled();
    expect(gate.isOpen).toBe(false);
    gate.close(READ_ONLY);
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not open for a try that was under way when it was stopped", async () => {
    const { clock, gate } = await started({ outage: READ_ONLY });
    clock.advance(DELAY_MS);
    gate.stop();
    await promisesSettled();
    expect(gate.isOpen).toBe(false);
  });
});

describe("a failure", () => {
  it("is its own where the cache takes other writes", async () => {
    const { gate } = await started();
    expect(await gate.examine(new Error("one key"))).toBeUndefined();
    expect(gate.isOpen).toBe(true);
  });

  it("is the cache's where it takes none, and keeps its words where they say so", async () => {
    const { cache, gate } = await started();
    cache.outage = READ_ONLY;
    const own = new CodedError("unavailable", "the connection is lost");
    expect(await gate.examine(own)).toBe(own);
    expect(gate.isOpen).toBe(false);
    const foreign = new CodedError("internal", "something else");
    expect(await gate.examine(foreign)).toMatchObject({ code: "unavailable", cause: foreign });
  });

  it.each([
    [READ_ONLY, true],
    [new CodedError("unavailable", "away"), true],
    [new CodedError("internal", "a bug"), false],
    [new Error("no code"), false],
  ])("%s may be an outage: %p", (error, is) => {
    expect(isOutage(error)).toBe(is);
  });
});
