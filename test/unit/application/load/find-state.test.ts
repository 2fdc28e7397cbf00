import { describe, expect, it } from "@jest/globals";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { Subject } from "../../../../src/domain/subject.js";
import type { CachedState } from "../../../../src/ports/cache-store.js";
import {
  BUDGET_MS,
  buildCore,
  type Core,
  DEADLINE_MARGIN_MS,
  know,
  NO_HURRY,
  POLL_INTERVAL_MS,
} from "../../../builders/core.js";
import { boolean, emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject: Subject = { customerId: "c" };
const withLimit = (usageLimit: number): CustomerState => stateWith([metered({ usageLimit })]);
const limitOf = (found: { readonly state: CustomerState | undefined } | undefined) =>
  found?.state?.feature("seats")?.usageLimit;

/** Answers a check from what is cached. */
function answered({ states, clock }: Core, customerId: string): CachedState | undefined {
  const now = clock.now();
  const cached = states.findCached(customerId, undefined, now);
  if (cached !== undefined) states.answersFrom(cached, customerId, undefined, now);
  return cached;
}

describe("a cached state", () => {
  it("is there once it was fetched, and asks nobody", async () => {
    const core = buildCore();
    expect(core.states.findCached("c", undefined, core.clock.now())).toBeUndefined();
    await know(core, subject, withLimit(1));
    expect(limitOf(core.states.findCached("c", undefined, core.clock.now()))).toBe(1);
    expect(core.states.findCached("c", "r", core.clock.now())).toBeUndefined();
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("is counted as a hit from memory", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    answered(core, "c");
    answered(core, "d");
    expect(core.telemetry).toMatchObject({ cacheHits: 1, cacheMisses: 0, answers: { memory: 1 } });
  });

  it("is gone as soon as one of its entitlements ends", async () => {
    const core = buildCore();
    const end = core.clock.now() + 10;
    await know(core, subject, stateWith([boolean({ validUntil: end })]));
    expect(core.states.findCached("c", undefined, end - 1)).toBeDefined();
    expect(core.states.findCached("c", undefined, end)).toBeUndefined();
  });

  it("is gone once everything is stale", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    await core.cache.markAllUnverified();
    expect(core.states.findCached("c", undefined, core.clock.now())).toBeUndefined();
  });
});

describe("while no updates arrive", () => {
  it("a state no older than the poll interval serves, and nobody is asked", async () => {
    const core = buildCore({ isConnected: false });
    await know(core, subject, withLimit(1));
    core.clock.advance(POLL_INTERVAL_MS);
    expect(core.states.findCached("c", undefined, core.clock.now())).toBeDefined();
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("an older one serves too, and is asked for once in the background", async () => {
    const core = buildCore({ isConnected: false });
    await know(core, subject, withLimit(1));
    core.clock.advance(POLL_INTERVAL_MS + 1);
    for (let i = 0; i < 100; i++) expect(limitOf(answered(core, "c"))).toBe(1);
    (await core.upstream.fetches.at(1)).answer(withLimit(2));
    await promisesSettled();
    expect(limitOf(core.states.findCached("c", undefined, core.clock.now()))).toBe(2);
    expect(core.upstream.fetches.count).toBe(2);
  });

  it("an older one goes on serving where upstream is down as well, however old", async () => {
    const core = buildCore({ isConnected: false });
    await know(core, subject, withLimit(1));
    for (let i = 1; i <= 5; i++) {
      core.clock.advance(365 * 24 * 3_600_000);
      expect(limitOf(answered(core, "c"))).toBe(1);
      (await core.upstream.fetches.at(i)).fail();
      await promisesSettled();
    }
  });

  it("which begins when the stream goes, and ends when it is back", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    core.clock.advance(POLL_INTERVAL_MS * 10);
    answered(core, "c");
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(1);
    core.updates.disconnected();
    answered(core, "c");
    await core.upstream.fetches.at(1);
  });
});

describe("a state that is not cached", () => {
  it("is asked of upstream", async () => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    expect(await found).toMatchObject({ source: "upstream", verifiedAt: core.clock.now() });
    expect(core.telemetry).toMatchObject({ cacheHits: 0, cacheMisses: 1, answers: { upstream: 1 } });
    expect(core.clock.pendingTimers).toBe(0);
  });

  it("is the fallback's to answer where upstream fails and nothing is known", async () => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).fail();
    expect(await found).toEqual({ state: undefined, source: "fallback", verifiedAt: undefined, isLastResort: false });
    expect(core.telemetry.answers.fallback).toBe(1);
  });

  it("is the fallback's to answer where there is no upstream", async () => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(undefined);
    expect((await found).source).toBe("fallback");
  });

  it("serves as it was where upstream fails", async () => {
    const core = buildCore();
    const knownAt = core.clock.now();
    await know(core, subject, withLimit(1));
    await core.cache.markAllUnverified();
    core.clock.advance(1_000);
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).fail();
    expect(await found).toMatchObject({ source: "stale", verifiedAt: knownAt });
    expect(limitOf(await found)).toBe(1);
    expect(core.telemetry.answers.stale).toBe(1);
  });

  it("may be a denial that upstream gives: knowledge, and no failure", async () => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(emptyState("CustomerNotFound"));
    expect(await found).toMatchObject({ source: "upstream", state: { accessDeniedReason: "CustomerNotFound" } });
    expect(core.states.findCached("c", undefined, core.clock.now())).toBeDefined();
  });
});

describe("a state past its end", () => {
  const ending = (end: number, limit: number) => stateWith([metered({ validUntil: end, usageLimit: limit })]);

  it("is asked for again", async () => {
    const core = buildCore();
    const end = core.clock.now() + 10;
    await know(core, subject, ending(end, 1));
    core.clock.advance(10);
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(withLimit(2));
    expect(await found).toMatchObject({ source: "upstream" });
    expect(limitOf(core.states.findCached("c", undefined, core.clock.now()))).toBe(2);
  });

  it("serves on where that fails, and is asked for at the next check again", async () => {
    const core = buildCore();
    await know(core, subject, ending(core.clock.now() + 10, 1));
    core.clock.advance(10);
    for (const attempt of [1, 2]) {
      const found = core.states.find(subject, NO_HURRY);
      (await core.upstream.fetches.at(attempt)).fail();
      expect(limitOf(await found)).toBe(1);
      expect(await found).toMatchObject({ source: "stale" });
    }
  });

  it("that upstream still gives so, is not asked for at every check", async () => {
    const core = buildCore();
    const end = core.clock.now() + 10;
    await know(core, subject, ending(end, 1));
    core.clock.advance(10);
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(ending(end, 1));
    await found;
    expect(limitOf(core.states.findCached("c", undefined, core.clock.now()))).toBe(1);
  });
});

describe("a store that is elsewhere", () => {
  function withRemoteStore() {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        stores.push(new RemoteStore(memory));
        return stores[0]!;
      },
    });
    return { core, remote: stores[0]! };
  }

  it("answers without upstream where what it has is verified", async () => {
    const { core } = withRemoteStore();
    await know(core, subject, withLimit(1));
    expect(await core.states.find(subject, NO_HURRY)).toMatchObject({ source: "redis" });
    expect(core.telemetry).toMatchObject({ cacheHits: 1, cacheMisses: 0, answers: { redis: 1 } });
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("does not answer where what it has is stale or past its end", async () => {
    const { core } = withRemoteStore();
    const end = core.clock.now() + 10;
    await know(core, subject, stateWith([metered({ validUntil: end })]));
    core.clock.advance(10);
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(withLimit(2));
    expect((await found).source).toBe("upstream");
    await core.cache.markAllUnverified();
    const again = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(2)).answer(withLimit(3));
    expect((await again).source).toBe("upstream");
  });

  it("out of reach, is passed over: upstream answers, and the fallback only where that fails too", async () => {
    const { core, remote } = withRemoteStore();
    remote.isReachable = false;
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    expect(await found).toMatchObject({ source: "upstream" });
    expect(limitOf(await found)).toBe(1);
    const lost = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).fail();
    expect((await lost).source).toBe("fallback");
  });
});

describe("a store that is elsewhere and never answers", () => {
  function withHungStore() {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        stores.push(new RemoteStore(memory));
        return stores[0]!;
      },
    });
    stores[0]!.hangsBy = core.clock;
    return core;
  }

  it("takes a third of the budget, and upstream has the rest", async () => {
    const core = withHungStore();
    const found = core.states.find(subject, NO_HURRY);
    core.clock.advance(BUDGET_MS / 3 - 1);
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(0);
    core.clock.advance(1);
    const fetch = await core.upstream.fetches.at(0);
    core.clock.advance(BUDGET_MS / 2);
    fetch.answer(withLimit(1));
    expect(await found).toMatchObject({ source: "upstream" });
  });

  it("does not keep a check beyond its budget, nor beyond its caller's deadline", async () => {
    for (const [deadlineIn, endsIn] of [
      [undefined, BUDGET_MS],
      [200, 200 - DEADLINE_MARGIN_MS],
    ] as const) {
      const core = withHungStore();
      const deadlineAt = deadlineIn === undefined ? undefined : core.clock.now() + deadlineIn;
      const found = core.states.find(subject, { deadlineAt, signal: undefined });
      core.clock.advance(endsIn / 3);
      await core.upstream.fetches.at(0);
      core.clock.advance(endsIn - endsIn / 3);
      expect((await found).source).toBe("fallback");
    }
  });

  it("does not keep a caller who goes away", async () => {
    const core = withHungStore();
    const caller = new AbortController();
    const found = core.states.find(subject, { deadlineAt: undefined, signal: caller.signal });
    caller.abort();
    await expect(found).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("a store that is elsewhere and answers late", () => {
  function withLateStore() {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        stores.push(new RemoteStore(memory));
        return stores[0]!;
      },
    });
    return { core, remote: stores[0]! };
  }

  async function searchOf(when: "known" | "unknown") {
    const { core, remote } = withLateStore();
    if (when === "known") await know(core, subject, withLimit(1));
    remote.isLate = true;
    const before = core.upstream.fetches.count;
    const found = core.states.find(subject, NO_HURRY);
    core.clock.advance(BUDGET_MS / 3);
    const fetch = await core.upstream.fetches.at(before);
    return { core, remote, found, fetch };
  }

  it("is waited for beside upstream: its answer counts where it comes first", async () => {
    const { core, remote, found } = await searchOf("known");
    core.clock.advance(BUDGET_MS / 3);
    remote.late[0]!();
    expect(await found).toMatchObject({ source: "redis" });
    expect(core.telemetry).toMatchObject({ cacheHits: 1, answers: { redis: 1, upstream: 0 } });
  });

  it("and upstream's counts where that comes first", async () => {
    const { remote, found, fetch } = await searchOf("known");
    fetch.answer(withLimit(2));
    expect(await found).toMatchObject({ source: "upstream" });
    expect(limitOf(await found)).toBe(2);
    remote.late[0]!();
  });

  it("is waited for after upstream has failed, until the budget ends", async () => {
    const { core, remote, found, fetch } = await searchOf("known");
    fetch.fail();
    await promisesSettled();
    core.clock.advance(BUDGET_MS / 2);
    remote.late[0]!();
    expect(await found).toMatchObject({ source: "redis" });
  });

  it.each(["known", "unknown"] as const)("after the budget is too late for this check (%s)", async (when) => {
    const { core, remote, found, fetch } = await searchOf(when);
    core.clock.advance(BUDGET_MS);
    expect((await found).source).toBe(when === "known" ? "stale" : "fallback");
    remote.late[0]!();
    fetch.fail();
    await promisesSettled();
    expect(core.clock.pendingTimers).toBe(0);
  });

  it("with nothing, leaves it to upstream", async () => {
    const { remote, found, fetch } = await searchOf("unknown");
    remote.late[0]!();
    await promisesSettled();
    fetch.answer(withLimit(3));
    expect(await found).toMatchObject({ source: "upstream" });
  });

  it("has upstream asked beside it from the start where it is known to be slow", async () => {
    const { core, remote } = withLateStore();
    remote.isLate = true;
    remote.isSlow = true;
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    expect(await found).toMatchObject({ source: "upstream" });
    expect(remote.late).toHaveLength(1);
  });
});

describe("a resource whose state others read only beside its customer's", () => {
  const resource = { customerId: "c", resourceId: "r" };
  const fetched = ({ upstream }: ReturnType<typeof buildCore>) =>
    upstream.fetches.all.map(({ question }) => question.subject);

  it("is answered as soon as it is there itself, and its customer is fetched besides", async () => {
    const core = buildCore({ alsoCacheCustomer: true });
    const found = core.states.find(resource, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    expect(await found).toMatchObject({ source: "upstream" });
    (await core.upstream.fetches.at(1)).answer(withLimit(2));
    expect(fetched(core)).toEqual([resource, { customerId: "c" }]);
  });

  it("has its customer fetched in vain without anybody's harm", async () => {
    const core = buildCore({ alsoCacheCustomer: true });
    const found = core.states.find(resource, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    await found;
    (await core.upstream.fetches.at(1)).fail();
    await promisesSettled();
    expect(core.logger.lines.map(({ level }) => level)).toEqual(["debug"]);
  });

  it.each([
    { who: "whose customer is cached", alsoCacheCustomer: true, isCustomerKnown: true },
    { who: "in a store of this process's own", alsoCacheCustomer: false, isCustomerKnown: false },
  ])("$who is fetched alone", async ({ alsoCacheCustomer, isCustomerKnown }) => {
    const core = buildCore({ alsoCacheCustomer });
    if (isCustomerKnown) await know(core, subject, withLimit(2));
    const before = core.upstream.fetches.count;
    const found = core.states.find(resource, NO_HURRY);
    (await core.upstream.fetches.at(before)).answer(withLimit(1));
    await found;
    await promisesSettled();
    expect(fetched(core).slice(before)).toEqual([resource]);
  });
});

describe("a fetch that fails", () => {
  it.each([
    { how: "as upstream may", error: new CodedError("unavailable", "down"), received: [] },
    { how: "as was never foreseen", error: new TypeError("defect"), received: ["error"] },
  ])("$how is answered from the fallback, and logged as: $received", async ({ error, received }) => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).fail(error);
    expect((await found).source).toBe("fallback");
    expect(core.logger.lines.map(({ level }) => level)).toEqual(received);
  });
});
