import { describe, expect, it } from "@jest/globals";
import { CircuitBreaker, withCircuitBreaker } from "../../../../../src/adapters/upstream/resilience/circuit-breaker.js";
import { isUpstreamsFailure, ThrottledError } from "../../../../../src/adapters/upstream/resilience/operation.js";
import { CodedError, type ErrorCode } from "../../../../../src/domain/errors.js";
import { Calls } from "../../../../fakes/controllable-upstream.js";
import { promisesSettled } from "../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { controllableOperation, never, outcomeOf } from "./scripted-operation.js";

const PROBE_DELAY_MS = 1_000;
/** With the jitter used here: three quarters of the longest wait. */
const WAIT_MS = 750;

function breakerOf(clock: ManualClock, probes: Calls<string, undefined>, events: string[]): CircuitBreaker {
  return new CircuitBreaker(
    {
      name: "Edge",
      failuresToOpen: 3,
      isUpstreamsFailure,
      probeDelayMs: PROBE_DELAY_MS,
      random: () => 0.5,
      probe: (signal) => probes.begin("probe", signal),
      onOpened: () => events.push("opened"),
      onClosed: () => events.push("closed"),
      onFailsAlone: () => events.push("fails alone"),
    },
    clock,
  );
}

function guarded() {
  const clock = new ManualClock();
  const probes = new Calls<string, undefined>();
  const changes: string[] = [];
  const { calls, operation } = controllableOperation();
  const breaker = breakerOf(clock, probes, changes);
  const ask = withCircuitBreaker(operation, breaker);
  /** Calls, and lets upstream answer (undefined) or fail with a code. */
  async function call(failure?: ErrorCode): Promise<string> {
    const index = calls.count;
    const outcome = outcomeOf(ask("q", never()));
    await promisesSettled();
    if (calls.count === index) return outcome;
    const begun = await calls.at(index);
    if (failure === undefined) begun.answer("answer");
    else begun.fail(new CodedError(failure, failure));
    return outcome;
  }
  async function open(): Promise<void> {
    for (let i = 0; i < 3; i++) await call("unavailable");
  }
  async function probe(index: number) {
    clock.advance(WAIT_MS);
    return probes.at(index);
  }
  return { clock, probes, changes, calls, ask, breaker, call, open, probe };
}

describe("a circuit breaker", () => {
  it("lets calls through while upstream works", async () => {
    const { call, changes } = guarded();
    expect(await call()).toBe("answer");
    expect(changes).toEqual([]);
  });

  it("opens after so many failures in a row, and then answers at once without asking", async () => {
    const { calls, call, changes, open } = guarded();
    await open();
    expect(changes).toEqual(["opened"]);
    expect(await call()).toBe("unavailable");
    expect(calls.count).toBe(3);
  });

  it("does not open for failures with an answer between them", async () => {
    const { call, changes } = guarded();
    for (const failure of ["unavailable", "unavailable", undefined, "unavailable", "unavailable"] as const)
      await call(failure);
    expect(changes).toEqual([]);
  });

  it.each<ErrorCode>(["invalid-argument", "not-found", "failed-precondition", "cancelled"])(
    "does not count %s: it says nothing of upstream",
    async (code) => {
      const { call, changes } = guarded();
      for (let i = 0; i < 10; i++) await call(code);
      expect(changes).toEqual([]);
    },
  );

  it.each<ErrorCode>(["unavailable", "deadline-exceeded", "unauthenticated", "resource-exhausted", "internal"])(
    "counts %s",
    async (code) => {
      const { call, changes } = guarded();
      for (let i = 0; i < 3; i++) await call(code);
      expect(changes).toEqual(["opened"]);
    },
  );

  it("says why it does not ask", async () => {
    const { ask, open } = guarded();
    await open();
    await expect(ask("q", never())).rejects.toMatchObject({
      message: expect.stringContaining("Edge"),
      cause: { code: "unavailable" },
    });
  });
});

describe("an upstream that asks for patience", () => {
  const throttle = async ({ ask, calls }: ReturnType<typeof guarded>, retryAfterMs: number | undefined) => {
    const outcome = outcomeOf(ask("q", never()));
    (await calls.at(calls.count - 1)).fail(new ThrottledError("slow down", retryAfterMs));
    expect(await outcome).toBe("resource-exhausted");
  };

  it("is left alone for as long as it says, after the first time that it does", async () => {
    const test = guarded();
    await throttle(test, 5_000);
    expect(test.changes).toEqual(["opened"]);
    test.clock.advance(4_999);
    expect(test.probes.count).toBe(0);
    test.clock.advance(1);
    expect(test.probes.count).toBe(1);
  });

  it("is left alone longer where a probe is answered so", async () => {
    const test = guarded();
    await throttle(test, 5_000);
    test.clock.advance(5_000);
    (await test.probes.at(0)).fail(new ThrottledError("still", 7_000));
    await promisesSettled();
    test.clock.advance(6_999);
    expect(test.probes.count).toBe(1);
    test.clock.advance(1);
    expect(test.probes.count).toBe(2);
  });

  it.each([0, undefined])("without saying for how long (%j) counts as any failure does", async (retryAfterMs) => {
    const test = guarded();
    await throttle(test, retryAfterMs);
    await throttle(test, retryAfterMs);
    expect(test.changes).toEqual([]);
    await throttle(test, retryAfterMs);
    expect(test.changes).toEqual(["opened"]);
  });
});

describe("while it is open", () => {
  it("upstream is probed in the background, again and again, one probe at a time", async () => {
    const { clock, probes, open, probe } = guarded();
    await open();
    clock.advance(WAIT_MS - 1);
    expect(probes.count).toBe(0);
    clock.advance(1);
    expect(probes.count).toBe(1);
    clock.advance(10 * PROBE_DELAY_MS);
    expect(probes.count).toBe(1);
    (await probes.at(0)).fail();
    await promisesSettled();
    await probe(1);
    expect(probes.count).toBe(2);
  });

  it("a probe that comes back lets calls through, and the first that succeeds closes it", async () => {
    const { call, changes, open, probe } = guarded();
    await open();
    (await probe(0)).answer(undefined);
    await promisesSettled();
    expect(await call()).toBe("answer");
    expect(changes).toEqual(["opened", "closed"]);
  });

  it("a call that fails after a probe came back opens it again, without a second word", async () => {
    const { call, calls, changes, open, probe, probes } = guarded();
    await open();
    (await probe(0)).answer(undefined);
    await promisesSettled();
    expect(await call("unavailable")).toBe("unavailable");
    const before = calls.count;
    expect(await call()).toBe("unavailable");
    expect(calls.count).toBe(before);
    expect(changes).toEqual(["opened"]);
    await probe(1);
    expect(probes.count).toBe(2);
  });

  it("an answer that was still under way closes it, and ends the probing", async () => {
    const { ask, calls, changes, clock, open } = guarded();
    const late = outcomeOf(ask("late", never()));
    await open();
    (await calls.at(0)).answer("answer");
    expect(await late).toBe("answer");
    expect(changes).toEqual(["opened", "closed"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("a failure that was still under way says nothing of what a probe has found since", async () => {
    const { ask, call, calls, changes, open, probe } = guarded();
    const late = outcomeOf(ask("late", never()));
    await open();
    (await probe(0)).answer(undefined);
    await promisesSettled();
    (await calls.at(0)).fail();
    expect(await late).toBe("unavailable");
    expect(await call()).toBe("answer");
    expect(changes).toEqual(["opened", "closed"]);
  });

  it("stopping it ends the probing", async () => {
    const { breaker, clock, open, probe, probes } = guarded();
    await open();
    const probing = await probe(0);
    breaker.stop();
    expect(probing.signal.aborted).toBe(true);
    await promisesSettled();
    expect(clock.pendingTimers).toBe(0);
    expect(probes.count).toBe(1);
  });
});

describe("a circuit breaker, of failures for some subjects alone", () => {
  const BAD = "bad";

  function ofSubjects() {
    const clock = new ManualClock();
    const probes = new Calls<string, undefined>();
    const events: string[] = [];
    const { calls, operation } = controllableOperation();
    const breaker = breakerOf(clock, probes, events);
    const ask = withCircuitBreaker(operation, breaker, (customerId) => ({ customerId }));
    async function call(customer: string, failure?: ErrorCode): Promise<string> {
      const index = calls.count;
      const outcome = outcomeOf(ask(customer, never()));
      await promisesSettled();
      if (calls.count === index) return `not asked: ${await outcome}`;
      const begun = await calls.at(index);
      if (failure === undefined) begun.answer("answer");
      else begun.fail(new CodedError(failure, failure));
      return outcome;
    }
    async function fail(...customers: readonly string[]): Promise<void> {
      for (const customer of customers) await call(customer, "unavailable");
    }
    return { clock, probes, events, breaker, call, fail };
  }

  /** Failed three times, and upstream works. */
  async function known() {
    const all = ofSubjects();
    await all.fail(BAD, BAD, BAD);
    (await all.probes.at(0)).answer(undefined);
    await promisesSettled();
    return all;
  }

  it("opens at once where as many failed as it takes", async () => {
    const { fail, events, probes } = ofSubjects();
    await fail("a", "b", "c");
    expect(events).toEqual(["opened"]);
    expect(probes.count).toBe(0);
  });

  it("gives up the probe that comes first when it is stopped, and does not open for it", async () => {
    const { breaker, events, fail, probes } = ofSubjects();
    await fail(BAD, BAD, BAD);
    const probing = await probes.at(0);
    breaker.stop();
    expect(probing.signal.aborted).toBe(true);
    probing.fail(new CodedError("cancelled", "cancelled"));
    await promisesSettled();
    expect(events).toEqual([]);
  });

  it("stays closed for all others where upstream works", async () => {
    const { call, fail, events } = await known();
    expect(events).toEqual(["fails alone"]);
    expect(await call("good")).toBe("answer");
    for (let i = 0; i < 10; i++) await fail(BAD);
    expect(await call("another")).toBe("answer");
    expect(events).toEqual(["fails alone"]);
  });

  it("asks for that one once in a while, and as for all once it is answered", async () => {
    const { clock, call } = await known();
    expect(await call(BAD)).toBe("not asked: unavailable");
    clock.advance(PROBE_DELAY_MS);
    expect(await call(BAD, "unavailable")).toBe("unavailable");
    expect(await call(BAD)).toBe("not asked: unavailable");
    clock.advance(PROBE_DELAY_MS);
    expect(await call(BAD)).toBe("answer");
    expect(await call(BAD)).toBe("answer");
  });

  it("takes no failure of that one for upstream's, and those of others as ever", async () => {
    const { clock, fail, events } = await known();
    await fail("a", "b");
    clock.advance(PROBE_DELAY_MS);
    await fail(BAD);
    expect(events).toEqual(["fails alone"]);
    await fail("c");
    expect(events).toEqual(["fails alone", "opened"]);
  });

  it("opens where the probe fails too", async () => {
    const { call, fail, events, probes } = ofSubjects();
    await fail(BAD, BAD, BAD);
    expect(events).toEqual([]);
    await fail(BAD);
    (await probes.at(0)).fail();
    await promisesSettled();
    expect(events).toEqual(["opened"]);
    expect(await call("good")).toBe("not asked: unavailable");
  });

  it.each([
    { what: "works", settle: (probe: { answer(answer: undefined): void }) => probe.answer(undefined) },
    { what: "fails", settle: (probe: { fail(): void }) => probe.fail() },
  ])("hears no probe that $what after as many others failed", async ({ settle }) => {
    const { fail, events, probes } = ofSubjects();
    await fail(BAD, BAD, BAD, "a", "b");
    expect(events).toEqual(["opened"]);
    settle(await probes.at(0));
    await promisesSettled();
    expect(events).toEqual(["opened"]);
  });

  it("does not open by a probe that fails after upstream has answered", async () => {
    const { call, fail, events, probes } = ofSubjects();
    await fail(BAD, BAD, BAD);
    expect(await call("good")).toBe("answer");
    (await probes.at(0)).fail();
    await promisesSettled();
    expect(events).toEqual([]);
  });

  it("learns after a probe in an outage for whom upstream goes on failing", async () => {
    const { clock, call, fail, events, probes } = ofSubjects();
    await fail("a", "b", "c");
    clock.advance(WAIT_MS);
    (await probes.at(0)).answer(undefined);
    await promisesSettled();
    await fail(BAD);
    clock.advance(WAIT_MS);
    (await probes.at(1)).answer(undefined);
    await promisesSettled();
    clock.advance(PROBE_DELAY_MS);
    await fail(BAD);
    expect(await call("good")).toBe("answer");
    expect(events).toEqual(["opened", "closed"]);
  });

  it("remembers only so many", async () => {
    const { clock, call, fail, probes } = ofSubjects();
    for (let i = 0; i < 501; i++) {
      await fail(`x${i}`, `y${i}`, `x${i}`);
      (await probes.at(i)).answer(undefined);
      await promisesSettled();
    }
    expect(await call("x0")).toBe("answer");
    expect(await call("x500")).toBe("not asked: unavailable");
    clock.advance(PROBE_DELAY_MS);
    expect(await call("x500")).toBe("answer");
  });

  it("probes no more once it is stopped", async () => {
    const { breaker, fail, probes } = ofSubjects();
    breaker.stop();
    await fail(BAD, BAD, BAD);
    expect(probes.count).toBe(0);
  });
});
