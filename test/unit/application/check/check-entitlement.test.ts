import { describe, expect, it } from "@jest/globals";
import type { MemoryCache } from "../../../../src/adapters/cache/memory/memory-cache.js";
import type { FallbackValues } from "../../../../src/domain/decision/fallback.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import { buildCore, type Core, know, NO_HURRY } from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { usageReport } from "../../../builders/reports.js";
import { boolean, metered, stateWith, wallet } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject = { customerId: "c" };
const paid = stateWith([metered()], { credits: [wallet({ used: 40 })] });

/** A store of which more is asked than it can load in time; what this process holds it has all the same. */
function overloadedStore(held: MemoryCache): RemoteStore {
  const store = new RemoteStore(held);
  store.isOverloaded = true;
  store.near = held;
  return store;
}

describe("a check while more is asked for than can be loaded in time", () => {
  const overloaded = () => buildCore({ store: overloadedStore });

  it("is answered at once by the fallback where nothing is known, and nobody is asked", async () => {
    const core = overloaded();
    const asked = featureQuery("seats", { fallback: { hasAccess: true } });
    const answer = core.check.feature("c", undefined, asked, NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toMatchObject({ source: "fallback", result: { hasAccess: true, fallback: { hasAccess: true } } });
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(0);
    expect(core.telemetry).toMatchObject({ cacheMisses: 1, answers: { fallback: 1 } });
  });

  it("is answered at once by what is held, however old", async () => {
    const core = overloaded();
    await know(core, subject, paid);
    core.clock.advance(3_600_000);
    expect(core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 3 }), NO_HURRY)).toMatchObject({
      source: "stale",
      result: { accessDeniedReason: "RequestedUsageExceedingLimit", usage: { currentUsage: 8 } },
    });
    expect(core.check.credit("c", undefined, creditQuery("credits", { requestedUsage: 60 }), NO_HURRY)).toMatchObject({
      source: "stale",
      result: { hasAccess: true, remaining: 60 },
    });
  });

  it("is not told of wallets by a state that says nothing of them", async () => {
    const core = overloaded();
    await know(core, subject, stateWith([metered()], { includesWallets: false }));
    expect(core.check.credit("c", undefined, creditQuery("credits"), NO_HURRY)).toMatchObject({ source: "fallback" });
  });

  it("is answered by a failure policy, where there is one", () => {
    const policies = { seats: { answer: "allow" } } as const;
    const core = buildCore({ policies, store: overloadedStore });
    expect(core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY)).toMatchObject({
      source: "assumed",
      result: { hasAccess: true },
    });
  });
});

describe("a check of what is cached", () => {
  it("is answered at once, not as a promise", async () => {
    const core = buildCore();
    const knownAt = core.clock.now();
    await know(core, subject, paid);
    core.clock.advance(5);
    const answer = core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 3 }), NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toMatchObject({
      source: "memory",
      verifiedAt: knownAt,
      result: { hasAccess: false, accessDeniedReason: "RequestedUsageExceedingLimit", usage: { currentUsage: 8 } },
    });
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("of a wallet is answered at once as well", async () => {
    const core = buildCore();
    await know(core, subject, paid);
    const answer = core.check.credit("c", undefined, creditQuery("credits", { requestedUsage: 60 }), NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toMatchObject({ source: "memory", result: { hasAccess: true, remaining: 60 } });
  });

  it("takes a resource apart from its customer", async () => {
    const core = buildCore();
    await know(core, subject, stateWith([]));
    await know(core, { customerId: "c", resourceId: "r" }, paid);
    expect(core.check.feature("c", "r", featureQuery("seats"), NO_HURRY)).toMatchObject({
      result: { hasAccess: true },
    });
    expect(core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY)).toMatchObject({
      result: { hasAccess: false },
    });
  });

  it("reads the usage period at the time of the check", async () => {
    const core = buildCore();
    const start = core.clock.now();
    const usage = { currentUsage: 10, periodAnchor: start, periodStart: start, periodEnd: start + 3_600_000 };
    const asked = featureQuery("seats", { requestedUsage: 1 });
    core.clock.advance(3_600_000);
    await know(core, subject, stateWith([metered({ usage, resetPeriod: "HOUR" })]));
    expect(core.check.feature("c", undefined, asked, NO_HURRY)).toMatchObject({ result: { hasAccess: false } });
    core.clock.advance(1);
    expect(core.check.feature("c", undefined, asked, NO_HURRY)).toMatchObject({
      source: "memory",
      result: { hasAccess: true, usage: { currentUsage: 0, periodStart: start + 3_600_000 } },
    });
  });

  it("takes a configured fallback for another kind, and never in place of what is known", async () => {
    const core = buildCore({ fallbacks: { seats: { hasAccess: true }, sso: { hasAccess: true } } });
    await know(core, subject, paid);
    expect(core.check.feature("c", undefined, featureQuery("seats", { kind: "enum" }), NO_HURRY)).toMatchObject({
      result: { hasAccess: true, accessDeniedReason: "FeatureTypeMismatch" },
    });
    expect(core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 3 }), NO_HURRY)).toMatchObject({
      result: { hasAccess: false },
    });
    expect(core.check.feature("c", undefined, featureQuery("sso", { kind: "boolean" }), NO_HURRY)).toMatchObject({
      result: { hasAccess: false },
    });
  });
});

describe("a check of what is cached, under a failure policy", () => {
  const unreadable = stateWith([metered()], {
    unknown: [
      { type: "feature", id: "sso" },
      { type: "credit", id: "credits" },
    ],
  });
  const policies = { sso: { answer: "allow" }, credits: { answer: "allow" }, seats: { answer: "allow" } } as const;

  it.each([
    { question: "a feature", ask: (core: Core) => core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY) },
    { question: "a wallet", ask: (core: Core) => core.check.credit("c", undefined, creditQuery("credits"), NO_HURRY) },
  ])("has the policy answer for $question that cannot be read, at once", async ({ ask }) => {
    const core = buildCore({ policies });
    await know(core, subject, unreadable);
    const answer = ask(core);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toMatchObject({
      source: "assumed",
      assumed: { policy: "allow" },
      result: { hasAccess: true, accessDeniedReason: "Unknown" },
    });
    const without = buildCore();
    await know(without, subject, unreadable);
    expect(ask(without)).toMatchObject({ source: "memory", result: { hasAccess: false, fallback: {} } });
  });

  it("has no policy answer for what is known", async () => {
    const core = buildCore({ policies });
    await know(core, subject, paid);
    expect(core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 3 }), NO_HURRY)).toMatchObject({
      source: "memory",
      result: { hasAccess: false },
    });
  });
});

describe("a check counts what was accepted and is not delivered", () => {
  const costly = stateWith([metered({ creditRate: { amount: 2, currencyId: "credits" } })], {
    credits: [wallet({ used: 40 })],
  });

  it.each([{ isCached: true }, { isCached: false }])(
    "of the feature and of the wallet that pays for it (cached: $isCached)",
    async ({ isCached }) => {
      const accepted = new OutboxState();
      const core = buildCore({ accepted });
      if (isCached) await know(core, subject, costly);
      else core.upstream.fetchState = () => Promise.resolve(costly);
      const at = core.clock.now();
      const item = accepted.reserve({ ...usageReport({ subject }), timestamp: at }, Infinity, at);
      accepted.apply({ type: "usage-accepted", at, items: [item] });
      expect(await core.check.credit("c", undefined, creditQuery("credits"), NO_HURRY)).toMatchObject({
        source: isCached ? "memory" : "upstream",
        result: { remaining: 58 },
      });
      const feature = buildCore({ accepted });
      if (isCached) await know(feature, subject, costly);
      else feature.upstream.fetchState = () => Promise.resolve(costly);
      expect(await feature.check.feature("c", undefined, featureQuery("seats"), NO_HURRY)).toMatchObject({
        source: isCached ? "memory" : "upstream",
        result: { usage: { currentUsage: 9 } },
      });
    },
  );
});

describe("a check of what is not cached", () => {
  it("is answered from what upstream says, as of the time when it does", async () => {
    const core = buildCore();
    const start = core.clock.now();
    const usage = { currentUsage: 10, periodAnchor: start, periodStart: start, periodEnd: start + 100 };
    const answer = core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 1 }), NO_HURRY);
    expect(answer).toBeInstanceOf(Promise);
    const fetch = await core.upstream.fetches.at(0);
    core.clock.advance(101);
    fetch.answer(stateWith([metered({ usage, resetPeriod: "HOUR" })]));
    expect(await answer).toMatchObject({
      source: "upstream",
      verifiedAt: start,
      result: { hasAccess: true, usage: { currentUsage: 0 } },
    });
  });

  it("of a wallet is answered from what upstream says", async () => {
    const core = buildCore();
    const answer = core.check.credit("c", "r", creditQuery("credits"), NO_HURRY);
    const fetch = await core.upstream.fetches.at(0);
    expect(fetch.question.subject).toEqual({ customerId: "c", resourceId: "r" });
    fetch.answer(paid);
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true, remaining: 60 } });
  });

  it.each<{
    who: string;
    own: FallbackValues | undefined;
    fallbacks: Record<string, FallbackValues>;
    hasAccess: boolean;
  }>([
    {
      who: "the request",
      own: { hasAccess: true, usageLimit: 1 },
      fallbacks: { seats: { hasAccess: false } },
      hasAccess: true,
    },
    { who: "the configuration", own: undefined, fallbacks: { seats: { hasAccess: true } }, hasAccess: true },
    { who: "nobody", own: undefined, fallbacks: {}, hasAccess: false },
  ])("is never an error: where upstream fails, the fallback of $who answers", async ({ own, fallbacks, hasAccess }) => {
    const core = buildCore({ fallbacks });
    const answer = core.check.feature("c", undefined, featureQuery("seats", { fallback: own }), NO_HURRY);
    (await core.upstream.fetches.at(0)).fail();
    expect(await answer).toMatchObject({
      source: "fallback",
      verifiedAt: undefined,
      result: { hasAccess, accessDeniedReason: "Unknown", fallback: { hasAccess } },
    });
  });

  it("of a wallet is never an error either", async () => {
    const core = buildCore();
    const answer = core.check.credit(
      "c",
      undefined,
      creditQuery("credits", { fallback: { hasAccess: true } }),
      NO_HURRY,
    );
    (await core.upstream.fetches.at(0)).fail();
    expect(await answer).toMatchObject({
      source: "fallback",
      result: { hasAccess: true, accessDeniedReason: "Unknown" },
    });
  });

  it("is answered from what was known, where upstream fails, and no fallback is served", async () => {
    const core = buildCore();
    await know(core, subject, stateWith([boolean()]));
    await core.cache.markAllUnverified();
    const answer = core.check.feature(
      "c",
      undefined,
      featureQuery("sso", { fallback: { hasAccess: false } }),
      NO_HURRY,
    );
    (await core.upstream.fetches.at(1)).fail();
    expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: true, fallback: undefined } });
  });

  it("ends with its caller", async () => {
    const core = buildCore();
    const caller = new AbortController();
    const call = { deadlineAt: undefined, signal: caller.signal };
    const feature = core.check.feature("c", undefined, featureQuery("seats"), call);
    const credit = core.check.credit("c", undefined, creditQuery("credits"), call);
    caller.abort();
    await expect(feature).rejects.toMatchObject({ code: "cancelled" });
    await expect(credit).rejects.toMatchObject({ code: "cancelled" });
  });
});
