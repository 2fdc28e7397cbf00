import { describe, expect, it } from "@jest/globals";
import { RefreshAllStates } from "../../../../src/application/consume/refresh-all-states.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { CodedError, type ErrorCode } from "../../../../src/domain/errors.js";
import type { Subject } from "../../../../src/domain/subject.js";
import type { CancelSignal } from "../../../../src/ports/waits.js";
import { emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled as settled } from "../../../fakes/event-loop.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { CONFIRM_AFTER_MS, consumption, customersIn, FIRST_DELAY_MS } from "./consumption.js";

/** An upstream whose answers a test gives one by one. */
class Questions {
  readonly asked: {
    readonly subject: Subject;
    readonly answer: (state: CustomerState) => void;
    readonly fail: (error: Error) => void;
  }[] = [];

  fetchState(subject: Subject, { signal }: { readonly signal: CancelSignal }): Promise<CustomerState> {
    return new Promise((resolve, reject) => {
      this.asked.push({ subject, answer: resolve, fail: reject });
      signal.addEventListener("abort", () => reject(new CodedError("cancelled", "not wanted any more")));
    });
  }

  get customers(): string[] {
    return this.asked.map(({ subject }) => subject.customerId);
  }
}

const STATE = stateWith([metered()], { updatedAt: 1 });
const UNAVAILABLE = new CodedError("unavailable", "Edge is away");
const acme = { customerId: "acme" };

const setUp = (cached: readonly Subject[] = []) => {
  const upstream = new Questions();
  return { upstream, ...consumption(new InMemorySharedCache(cached), upstream) };
};

describe("refetching", () => {
  it("writes what upstream says", async () => {
    const { upstream, refetch, cache } = setUp();
    const done = refetch.refetch(acme, false);
    upstream.asked[0]?.answer(STATE);
    await done;
    expect(cache.trips).toMatchObject([[{ change: { subject: acme, state: STATE }, onlyIfCached: false }]]);
  });

  it("gives up a subject that the cache goes on failing for while it takes writes, and closes nothing for it", async () => {
    const { refetch, cache, gate, clock, logger } = setUp([acme]);
    gate.start();
    cache.spoilt.add("acme");
    const done = refetch.refetch(acme, true);
    const outcome = expect(done).rejects.toMatchObject({ code: "internal" });
    for (let attempt = 0; attempt < 3; attempt++) {
      await settled();
      clock.advance(10_000);
    }
    await outcome;
    expect([gate.isOpen, refetch.pending, logger.count("the shared cache fails for it")]).toEqual([true, 0, 1]);
  });

  it("asks for nobody who is not cached, where only those count", async () => {
    const { upstream, refetch, cache } = setUp([acme]);
    await refetch.refetch({ customerId: "stranger" }, true);
    const done = refetch.refetch(acme, true);
    await settled();
    upstream.asked[0]?.answer(STATE);
    await done;
    expect(upstream.customers).toEqual(["acme"]);
    expect(cache.trips).toMatchObject([[{ onlyIfCached: true }]]);
  });

  it("asks for few at a time, and once for all who wait for the same", async () => {
    const { upstream, refetch } = setUp();
    const all = ["a", "b", "c", "c", "c"].map((customerId) => refetch.refetch({ customerId }, false));
    expect({ asked: upstream.customers, pending: refetch.pending }).toEqual({ asked: ["a", "b"], pending: 3 });
    upstream.asked[0]?.answer(STATE);
    upstream.asked[1]?.answer(STATE);
    await settled();
    expect(upstream.customers).toEqual(["a", "b", "c"]);
    upstream.asked[2]?.answer(STATE);
    await Promise.all(all);
  });

  it("asks again for a subject that changes while upstream is being asked: the answer may be from before", async () => {
    const { upstream, refetch } = setUp();
    const first = refetch.refetch(acme, false);
    const second = refetch.refetch(acme, false);
    expect(upstream.customers).toEqual(["acme", "acme"]);
    for (const { answer } of upstream.asked) answer(STATE);
    await Promise.all([first, second]);
  });

  it("asks again, ever later, for as long as upstream is away", async () => {
    const { upstream, refetch, clock, cache } = setUp();
    const done = refetch.refetch(acme, false);
    for (const [tries, delayMs] of [
      FIRST_DELAY_MS,
      2 * FIRST_DELAY_MS,
      4 * FIRST_DELAY_MS,
      4 * FIRST_DELAY_MS,
    ].entries()) {
      upstream.asked[tries]?.fail(UNAVAILABLE);
      await settled();
      clock.advance(delayMs - 1);
      await settled();
      expect(upstream.asked).toHaveLength(tries + 1);
      clock.advance(1);
      await settled();
      expect(upstream.asked).toHaveLength(tries + 2);
    }
    upstream.asked.at(-1)?.answer(STATE);
    await done;
    expect(cache.trips).toHaveLength(1);
  });

  it("does not let an empty answer overwrite what was reported meanwhile, and asks again", async () => {
    const { upstream, refetch, cache } = setUp();
    const done = refetch.refetch(acme, false);
    refetch.supersede({ customerId: "another" });
    refetch.supersede(acme);
    upstream.asked[0]?.answer(emptyState("CustomerNotFound"));
    await settled();
    expect(cache.trips).toEqual([]);
    upstream.asked[1]?.answer(STATE);
    await done;
    expect(cache.trips).toMatchObject([[{ change: { state: STATE } }]]);
  });

  it.each<ErrorCode>(["invalid-argument", "not-found", "failed-precondition"])(
    "purges what upstream refuses by %s, and says so",
    async (code) => {
      const { upstream, refetch, cache, telemetry, logger } = setUp();
      const done = refetch.refetch(acme, false);
      const outcome = expect(done).rejects.toMatchObject({ code: "internal", cause: { code } });
      upstream.asked[0]?.fail(new CodedError(code, "refused"));
      await outcome;
      expect({ purged: cache.purged, trips: cache.trips }).toEqual({ purged: [acme], trips: [] });
      expect([telemetry.refetchFailures, logger.lines.map(({ level }) => level)]).toEqual([1, ["warn"]]);
    },
  );

  it("removes what is cached where there is no upstream that could tell", async () => {
    const cache = new InMemorySharedCache([acme]);
    const { refetch } = consumption(cache, { fetchState: () => Promise.resolve(undefined) });
    await refetch.refetch(acme, true);
    expect({ purged: cache.purged, trips: cache.trips }).toEqual({ purged: [acme], trips: [] });
  });

  it("holds nobody's place while it waits to ask again", async () => {
    const { upstream, refetch } = setUp();
    const failing = ["a", "b", "c", "d", "e"].map((customerId) => refetch.begin({ customerId }, false));
    for (let asked = 0; asked < failing.length; asked++) {
      upstream.asked[asked]?.fail(UNAVAILABLE);
      await settled();
    }
    await Promise.all(failing.map(({ attempted }) => attempted));
    const done = refetch.refetch(acme, false);
    expect(upstream.customers.at(-1)).toBe("acme");
    upstream.asked.at(-1)?.answer(STATE);
    await done;
    expect(refetch.pending).toBe(5);
    for (const { done: never } of failing) never.catch(() => undefined);
    refetch.stop();
  });

  it("leaves half of the places to who was not asked for yet, where those asked for again hang", async () => {
    const { upstream, refetch, clock } = setUp();
    const failing = ["a", "b"].map((customerId) => refetch.refetch({ customerId }, false).catch(() => undefined));
    for (const { fail } of upstream.asked) fail(UNAVAILABLE);
    await settled();
    clock.advance(FIRST_DELAY_MS);
    await settled();
    expect(upstream.asked).toHaveLength(3);
    const done = refetch.refetch(acme, false);
    upstream.asked[3]?.answer(STATE);
    await done;
    refetch.stop();
    await Promise.all(failing);
  });

  it("gives up a subject that upstream goes on failing for while it answers for others, and keeps what is cached of it", async () => {
    const { upstream, refetch, clock, cache, telemetry, logger } = setUp();
    const done = refetch.refetch(acme, false);
    const outcome = expect(done).rejects.toMatchObject({ code: "internal" });
    for (let attempt = 0; attempt < 3; attempt++) {
      const other = refetch.refetch({ customerId: `other ${attempt}` }, false);
      upstream.asked.at(-1)?.answer(STATE);
      await other;
      upstream.asked
        .find(({ subject }, index) => subject.customerId === "acme" && index >= 2 * attempt)
        ?.fail(UNAVAILABLE);
      await settled();
      clock.advance(4 * FIRST_DELAY_MS);
      await settled();
    }
    await outcome;
    expect([telemetry.refetchFailures, cache.purged, refetch.pending]).toEqual([1, [], 0]);
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("is broken off at the end, whether it waits, asks or is about to ask again", async () => {
    const { upstream, refetch, clock } = setUp();
    const all = ["a", "b", "c"].map((customerId) => refetch.refetch({ customerId }, false));
    upstream.asked[0]?.fail(UNAVAILABLE);
    await settled();
    refetch.stop();
    expect(await Promise.allSettled(all)).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: "rejected", reason: { code: "cancelled" } })),
    );
    expect({ timers: clock.pendingTimers, pending: refetch.pending }).toEqual({ timers: 0, pending: 0 });
  });
});

describe("an answer that may be from before the change", () => {
  const [FIRST_MS = 0, LAST_MS = 0] = CONFIRM_AFTER_MS;
  const before = stateWith([metered()], { updatedAt: 1 });
  const after = stateWith([metered({ usageLimit: 20 })], { updatedAt: 100 });
  const invalidated = () => {
    const parts = setUp([acme]);
    const done = parts.refetch.refetch(acme, true, { changedAt: 100 });
    return {
      ...parts,
      done,
      answer: async (state: CustomerState) => {
        await settled();
        parts.upstream.asked.at(-1)?.answer(state);
        await settled();
      },
      pass: async (ms: number) => {
        parts.clock.advance(ms);
        await settled();
      },
      written: () =>
        parts.cache.trips.flat().map(({ change, believedUntil, unlessStoredAfter }) => ({
          updatedAt: change.type === "entitlements-updated" ? change.state.updatedAt : undefined,
          isBelievedForGood: believedUntil === undefined,
          unlessStoredAfter,
        })),
    };
  };

  it("is believed for a while, and asked for again until it shows the change", async () => {
    const { upstream, done, answer, pass, written, refetch } = invalidated();
    await answer(before);
    await done;
    await pass(FIRST_MS - 1);
    expect(upstream.asked).toHaveLength(1);
    await pass(1);
    await answer(after);
    expect(written()).toMatchObject([
      { updatedAt: 1, isBelievedForGood: false },
      { updatedAt: 100, isBelievedForGood: true },
    ]);
    await pass(10 * LAST_MS);
    expect([upstream.asked.length, refetch.pending]).toEqual([2, 0]);
  });

  it("is the last word once upstream has had the time to catch up", async () => {
    const { upstream, answer, pass, written } = invalidated();
    await answer(before);
    await pass(FIRST_MS);
    await answer(before);
    await pass(LAST_MS - FIRST_MS);
    await answer(before);
    expect(written()).toMatchObject([
      { updatedAt: 1, isBelievedForGood: false },
      { updatedAt: 1, isBelievedForGood: true },
    ]);
    await pass(10 * LAST_MS);
    expect(upstream.asked).toHaveLength(3);
  });

  it("is not asked for again where it shows the change at once, or nothing is known to have changed", async () => {
    const { upstream, refetch, answer, pass, written } = invalidated();
    await answer(after);
    const done = refetch.refetch(acme, true);
    await answer(before);
    await done;
    await pass(10 * LAST_MS);
    expect(upstream.asked).toHaveLength(2);
    expect(written()).toMatchObject([{ isBelievedForGood: true }, { isBelievedForGood: true }]);
  });

  it("takes nothing from a state that is newer than the change, where it is empty", async () => {
    const { answer, written } = invalidated();
    await answer(emptyState("CustomerNotFound"));
    expect(written()).toEqual([{ updatedAt: undefined, isBelievedForGood: false, unlessStoredAfter: 100 }]);
  });

  it("is asked for anew by a later change", async () => {
    const { upstream, refetch, answer, pass, written } = invalidated();
    await answer(before);
    const later = refetch.refetch(acme, true, { changedAt: 200 });
    await answer(after);
    await later;
    await pass(FIRST_MS);
    await answer(stateWith([metered()], { updatedAt: 200 }));
    expect(written().map(({ updatedAt }) => updatedAt)).toEqual([1, 100, 200]);
    await pass(10 * LAST_MS);
    expect(upstream.asked).toHaveLength(3);
  });

  it("is asked for again although the cache took no writes meanwhile", async () => {
    const { cache, answer, pass, written } = invalidated();
    await answer(before);
    cache.outage = UNAVAILABLE;
    await pass(FIRST_MS);
    await answer(after);
    cache.outage = undefined;
    await pass(FIRST_MS);
    await answer(after);
    expect(written().map(({ updatedAt }) => updatedAt)).toEqual([1, 100]);
  });

  it("is confirmed for a bounded number of subjects, and for none at the end", async () => {
    const { upstream, refetch, clock } = setUp();
    for (const customerId of ["a", "b", "c", "d"]) {
      const done = refetch.refetch({ customerId }, false, { changedAt: 100 });
      upstream.asked.at(-1)?.answer(before);
      await done;
    }
    expect(clock.pendingTimers).toBe(3);
    refetch.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a sweep", () => {
  const EVERYBODY = ["a", "b", "c", "d"].map((customerId) => ({ customerId }));
  const sweeping = () => {
    const parts = setUp(EVERYBODY);
    return {
      ...parts,
      sweep: new RefreshAllStates(parts.cache, parts.refetch, parts.clock, parts.logger, {
        perSecond: 10,
        maxConcurrent: 2,
      }),
    };
  };

  /** Lets time pass and upstream answer, until nothing more is asked. */
  const answerAll = async ({ clock, upstream }: Pick<ReturnType<typeof sweeping>, "clock" | "upstream">) => {
    for (let step = 0; step < 40; step++) {
      for (const { answer } of upstream.asked) answer(STATE);
      clock.advance(50);
      await settled();
    }
  };

  it("asks for everybody, at its rate", async () => {
    const parts = sweeping();
    const done = parts.sweep.sweep();
    await settled();
    expect(parts.upstream.customers).toEqual(["a"]);
    parts.clock.advance(99);
    await settled();
    expect(parts.upstream.customers).toEqual(["a"]);
    parts.clock.advance(1);
    await settled();
    expect(parts.upstream.customers).toEqual(["a", "b"]);
    parts.clock.advance(10_000);
    await settled();
    expect(parts.upstream.customers).toEqual(["a", "b"]);
    await answerAll(parts);
    await done;
    expect(customersIn(parts.cache).flat().sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("that is asked for while one runs begins after it, once for all who ask", async () => {
    const parts = sweeping();
    const all = [parts.sweep.sweep(), parts.sweep.sweep(), parts.sweep.sweep()];
    await answerAll(parts);
    await answerAll(parts);
    await Promise.all(all);
    expect(parts.upstream.customers).toEqual(["a", "b", "c", "d", "a", "b", "c", "d"]);
  });

  it("confirms each answer once that may be from before a publication, of as many as are remembered", async () => {
    const parts = sweeping();
    const done = parts.sweep.sweep(100);
    await answerAll(parts);
    await done;
    parts.clock.advance(CONFIRM_AFTER_MS.at(-1) ?? 0);
    await settled();
    await answerAll(parts);
    expect(parts.upstream.customers.toSorted()).toEqual(["a", "a", "b", "b", "c", "c", "d"]);
    expect(parts.clock.pendingTimers).toBe(0);
  });

  it("goes on at its rate although the wall clock is set back", async () => {
    const parts = sweeping();
    const done = parts.sweep.sweep();
    await settled();
    parts.clock.set(parts.clock.now() - 3_600_000);
    await answerAll(parts);
    await done;
    expect(parts.upstream.customers).toEqual(["a", "b", "c", "d"]);
  });

  it("does not fail for one that upstream refuses", async () => {
    const parts = sweeping();
    const done = parts.sweep.sweep();
    await settled();
    parts.upstream.asked[0]?.fail(new CodedError("invalid-argument", "refused"));
    await settled();
    await answerAll(parts);
    await done;
    expect(customersIn(parts.cache).flat().sort()).toEqual(["b", "c", "d"]);
  });

  it("lets the next one begin although some are still to be asked for again", async () => {
    const parts = sweeping();
    const first = parts.sweep.sweep();
    let isFirstDone = false;
    void first.then(() => (isFirstDone = true));
    for (let step = 0; step < 40; step++) {
      for (const { subject, answer, fail } of parts.upstream.asked)
        if (subject.customerId === "a") fail(UNAVAILABLE);
        else answer(STATE);
      parts.clock.advance(50);
      await settled();
      if (customersIn(parts.cache).flat().length === 3) break;
    }
    const second = parts.sweep.sweep();
    await answerAll(parts);
    await Promise.all([first, second]);
    expect(isFirstDone).toBe(true);
    expect(parts.upstream.customers.filter((customerId) => customerId === "d")).toHaveLength(2);
  });

  it("fails where one state cannot be written, and can be asked for again", async () => {
    const parts = sweeping();
    parts.cache.outage = UNAVAILABLE;
    const failed = parts.sweep.sweep();
    const outcome = expect(failed).rejects.toBe(UNAVAILABLE);
    await answerAll(parts);
    await outcome;
    parts.cache.outage = undefined;
    const done = parts.sweep.sweep();
    await answerAll(parts);
    await done;
  });

  it("fails where it is the last state that cannot be written", async () => {
    const parts = sweeping();
    const outcome = expect(parts.sweep.sweep()).rejects.toBe(UNAVAILABLE);
    for (let step = 0; step < 40; step++) {
      if (parts.upstream.customers.includes("d")) parts.cache.outage = UNAVAILABLE;
      for (const { answer } of parts.upstream.asked) answer(STATE);
      parts.clock.advance(50);
      await settled();
    }
    await outcome;
    expect(customersIn(parts.cache).flat().sort()).toEqual(["a", "b", "c"]);
  });

  it("ends at the end", async () => {
    const parts = sweeping();
    const done = parts.sweep.sweep();
    const outcome = expect(done).rejects.toMatchObject({ code: "cancelled" });
    await settled();
    parts.sweep.stop();
    parts.refetch.stop();
    parts.clock.advance(1_000);
    await outcome;
  });
});
