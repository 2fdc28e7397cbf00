import { describe, expect, it } from "@jest/globals";
import { CaughtUp } from "../../../../src/application/load/caught-up.js";
import type { LoadState } from "../../../../src/application/load/load-state.js";
import { StateSearch } from "../../../../src/application/load/search-state.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { CacheStore, LoadedState, StoredState } from "../../../../src/ports/cache-store.js";
import { Deadlines } from "../../../../src/ports/clock.js";
import { metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const BUDGET_MS = 1_000;
const STEP_MS = 300;
const STATE = stateWith([metered()]);

interface Pending<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A search whose store and upstream answer when the test says so. */
function searching({
  held,
  stepMs = STEP_MS,
  signal,
}: { held?: () => Promise<LoadedState | undefined>; stepMs?: number; signal?: AbortSignal } = {}) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const stored: Pending<LoadedState | undefined>[] = [];
  const asked: Pending<StoredState | undefined>[] = [];
  let idleAt = Infinity;
  const pendingIn = <T>(list: Pending<T>[]) => new Promise<T>((resolve, reject) => void list.push({ resolve, reject }));
  const cache = {
    load: (_: unknown, waitMs = Infinity) =>
      waitMs === 0 ? (held?.() ?? Promise.resolve(undefined)) : pendingIn(stored),
  } as unknown as CacheStore;
  const load = { load: () => pendingIn(asked), isLagging: () => false } as unknown as LoadState;
  const parts = {
    cache,
    load,
    clock,
    deadlines: new Deadlines(clock),
    caughtUp: new CaughtUp(clock, () => idleAt),
    logger,
    onUpstream: () => undefined,
  };
  const result = new StateSearch(parts, { customerId: "c" }, "features").run(BUDGET_MS, stepMs, signal);
  // It is looked at in the end.
  result.catch(() => undefined);
  const known = (state: CustomerState = STATE): LoadedState => ({
    state,
    verifiedAt: clock.now(),
    recheckAt: Infinity,
    isVerified: false,
    origin: "redis",
  });
  const isBehind = () => (idleAt = clock.now());
  const pass = async (ms: number) => {
    clock.advance(ms);
    await promisesSettled();
  };
  return {
    clock,
    logger,
    store: stored,
    upstream: asked,
    result,
    known,
    isBehind,
    pass,
    isIdle: () => (idleAt = Infinity),
  };
}

describe("a search", () => {
  it("asks upstream for nothing where more is asked for than can be read, and takes what this process has", async () => {
    const held = { state: STATE, verifiedAt: 1, recheckAt: Infinity, isVerified: false, origin: "memory" as const };
    const { store, upstream, result, pass } = searching({ held: () => Promise.resolve(held) });
    store[0]?.reject(new CodedError("resource-exhausted", "too many reads"));
    expect(await result).toEqual({ known: held, source: "stale", isFromStore: false, hasWaited: false });
    await pass(BUDGET_MS);
    expect(upstream).toHaveLength(0);
  });

  it("is the fallback's to answer where more is asked for than can be read and this process has nothing", async () => {
    const { store, upstream, result } = searching();
    store[0]?.reject(new CodedError("resource-exhausted", "too many reads"));
    expect(await result).toEqual({ known: undefined, source: "fallback", isFromStore: false, hasWaited: false });
    expect(upstream).toHaveLength(0);
  });

  it.each([
    { thrown: new TypeError("defect"), failure: TypeError },
    { thrown: "defect", failure: CodedError },
  ])("fails with a defect of the store, which is no outage: $thrown", async ({ thrown, failure }) => {
    const { store, result, clock } = searching();
    store[0]?.reject(thrown);
    await expect(result).rejects.toBeInstanceOf(failure);
    expect(clock.pendingTimers).toBe(0);
  });

  it("fails with a defect of what this process has as well", async () => {
    const { result } = searching({ held: () => Promise.reject(new TypeError("defect")), stepMs: 0 });
    await expect(result).rejects.toBeInstanceOf(TypeError);
  });

  it("takes what this process has for nothing where it cannot be read, and asks upstream", async () => {
    const { result, upstream, known } = searching({
      held: () => Promise.reject(new CodedError("unavailable", "gone")),
      stepMs: 0,
    });
    await promisesSettled();
    const answer = known();
    upstream[0]?.resolve(answer);
    expect(await result).toEqual({ known: answer, source: "upstream", isFromStore: false, hasWaited: false });
  });

  it("waits for the store while this process is behind: its answer may have arrived already", async () => {
    const { upstream, isBehind, isIdle, pass } = searching();
    isBehind();
    await pass(STEP_MS);
    await pass(100);
    expect(upstream).toHaveLength(0);
    isIdle();
    await pass(10);
    expect(upstream).toHaveLength(1);
  });

  it("takes what the store has, good or not, where upstream had failed before", async () => {
    const { store, upstream, result, known, pass } = searching();
    await pass(STEP_MS);
    upstream[0]?.reject(new CodedError("unavailable", "down"));
    await promisesSettled();
    const stale = known();
    store[0]?.resolve(stale);
    expect(await result).toEqual({ known: stale, source: "stale", isFromStore: false, hasWaited: false });
    expect(upstream).toHaveLength(1);
  });
});

describe("a search for a caller who goes away", () => {
  const cancelled = (signal: AbortSignal) => searching({ signal }).result;

  it("does not begin for one who is gone already", async () => {
    const { result, store } = searching({ signal: AbortSignal.abort() });
    await expect(result).rejects.toMatchObject({ code: "cancelled" });
    expect(store).toEqual([]);
  });

  it("ends", async () => {
    const caller = new AbortController();
    const result = cancelled(caller.signal);
    caller.abort();
    await expect(result).rejects.toMatchObject({ code: "cancelled" });
  });
});
