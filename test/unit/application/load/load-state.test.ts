import { describe, expect, it } from "@jest/globals";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import type { CodedError } from "../../../../src/domain/errors.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { begunFetch, buildCore, FETCH_TIMEOUT_MS, know, RECHECK_AFTER_MS } from "../../../builders/core.js";
import { boolean, contentsOf, emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject: Subject = { customerId: "c" };
const withLimit = (usageLimit: number, updatedAt?: number): CustomerState =>
  stateWith([metered({ usageLimit })], { updatedAt });
const limitOf = (known: { readonly state: CustomerState } | undefined) => known?.state.feature("seats")?.usageLimit;

describe("single flight", () => {
  it("200 that ask at the same time ask upstream once, and all learn the same", async () => {
    const { load, upstream } = buildCore();
    const asked = Array.from({ length: 200 }, () => load.load(subject));
    (await upstream.fetches.at(0)).answer(withLimit(7));
    const known = await Promise.all(asked);
    expect(upstream.fetches.count).toBe(1);
    expect(new Set(known.map(limitOf))).toEqual(new Set([7]));
  });

  it.each<[Subject, Subject]>([
    [{ customerId: "a" }, { customerId: "b" }],
    [{ customerId: "a" }, { customerId: "a", resourceId: "r" }],
    [{ customerId: "a" }, { customerId: "a", resourceId: "" }],
    [
      { customerId: "a", resourceId: "b:c" },
      { customerId: "a:b", resourceId: "c" },
    ],
  ])("%j and %j are asked for apart", async (one, other) => {
    const { load, upstream } = buildCore();
    const asked = [load.load(one), load.load(other)];
    (await upstream.fetches.at(0)).answer(withLimit(1));
    (await upstream.fetches.at(1)).answer(withLimit(2));
    expect((await Promise.all(asked)).map(limitOf)).toEqual([1, 2]);
    expect(upstream.fetches.all.map(({ question }) => question.subject)).toEqual([one, other]);
  });

  it("is over once upstream has answered: who asks then asks anew", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    await know(core, subject, withLimit(2));
    expect(core.upstream.fetches.count).toBe(2);
  });

  it("that fails, fails for all who wait, stores nothing, and leaves the next to ask anew", async () => {
    const core = buildCore();
    const asked = [core.load.load(subject), core.load.load(subject)];
    (await core.upstream.fetches.at(0)).fail();
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && (outcome.reason as CodedError).code)).toEqual([
      "unavailable",
      "unavailable",
    ]);
    expect(await core.cache.load(subject)).toBeUndefined();
    await know(core, subject, withLimit(2));
    expect(limitOf(await core.cache.load(subject))).toBe(2);
  });

  it("that brings nothing, where there is no upstream, stores nothing", async () => {
    const { load, upstream, cache } = buildCore();
    const asked = load.load(subject);
    (await upstream.fetches.at(0)).answer(undefined);
    expect(await asked).toBeUndefined();
    expect(await cache.load(subject)).toBeUndefined();
  });

  it("gives up after the fetch timeout, and tells upstream so", async () => {
    const { load, upstream, clock } = buildCore();
    const asked = load.load(subject);
    const fetch = await upstream.fetches.at(0);
    clock.advance(FETCH_TIMEOUT_MS - 1);
    expect(fetch.signal.aborted).toBe(false);
    clock.advance(1);
    expect(fetch.signal.aborted).toBe(true);
    await expect(asked).rejects.toMatchObject({ code: "deadline-exceeded" });
  });

  it("leaves no timer behind", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    expect(core.clock.pendingTimers).toBe(0);
  });
});

describe("what is stored of an answer", () => {
  it("was true when it was asked for, not when it came", async () => {
    const { load, upstream, clock } = buildCore();
    const askedAt = clock.now();
    const asked = load.load(subject);
    const fetch = await upstream.fetches.at(0);
    clock.advance(100);
    fetch.answer(withLimit(1));
    expect(await asked).toMatchObject({ verifiedAt: askedAt, isVerified: true });
  });

  it("is asked for again once its first entitlement ends", async () => {
    const core = buildCore();
    const end = core.clock.now() + 5_000;
    await know(core, subject, stateWith([boolean({ validUntil: end }), metered({ validUntil: end + 1 })]));
    expect((await core.cache.load(subject))?.recheckAt).toBe(end);
  });

  it("is never asked for again where nothing ends", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    expect((await core.cache.load(subject))?.recheckAt).toBe(Infinity);
  });

  it.each([
    { what: "no such customer", stateAt: () => emptyState("CustomerNotFound") },
    { what: "what has ended already", stateAt: (now: number) => stateWith([boolean({ validUntil: now })]) },
  ])("$what is believed for a short while, each time another", async ({ stateAt }) => {
    const core = buildCore();
    const now = core.clock.now();
    const rechecks = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const each = { customerId: `c${i}` };
      await know(core, each, stateAt(now));
      rechecks.add((await core.cache.load(each))!.recheckAt - now);
    }
    expect(Math.min(...rechecks)).toBeGreaterThanOrEqual(RECHECK_AFTER_MS * 0.75);
    expect(Math.max(...rechecks)).toBeLessThanOrEqual(RECHECK_AFTER_MS * 1.25);
    expect(rechecks.size).toBeGreaterThan(1);
  });
});

describe("a store that fails in a way that was not foreseen", () => {
  const defect = new TypeError("defect");

  it("fails who asked: that is no outage, and must not be taken for one", async () => {
    const core = buildCore({
      store: (memory) => Object.create(memory, { put: { value: () => Promise.reject(defect) } }),
    });
    const { result, fetch } = await begunFetch(core, subject);
    fetch.answer(withLimit(10));
    await expect(result).rejects.toBe(defect);
  });

  it("fails who asked where other processes share it, before upstream is asked", async () => {
    const core = buildCore({
      store: (memory) => Object.create(memory, { load: { value: () => Promise.reject(defect) } }),
      singleFlight: { acquireLease: async (_, isThere) => ((await isThere()) ? undefined : { end: () => undefined }) },
    });
    await expect(core.load.load(subject, { isStale: false, wallets: false })).rejects.toBe(defect);
    expect(core.upstream.fetches.count).toBe(0);
  });
});

describe("a store out of reach", () => {
  function outOfReach() {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        const remote = new RemoteStore(memory);
        stores.push(remote);
        return remote;
      },
    });
    for (const store of stores) store.isReachable = false;
    return core;
  }

  it("does not keep upstream's answer from who asked", async () => {
    const core = outOfReach();
    const { result, fetch } = await begunFetch(core, subject);
    fetch.answer(withLimit(10));
    expect(contentsOf((await result)!.state)).toEqual(contentsOf(withLimit(10)));
  });

  it("fails a reload: what others read from there is still what was", async () => {
    const core = outOfReach();
    const reloaded = core.load.reload(subject);
    (await core.upstream.fetches.at(0)).answer(withLimit(10));
    await expect(reloaded).rejects.toMatchObject({ code: "unavailable" });
    await promisesSettled();
    expect(core.clock.pendingTimers).toBe(0);
  });
});
