import { describe, expect, it } from "@jest/globals";
import type { Subject } from "../../../../src/domain/subject.js";
import type { CrossProcessSingleFlight, Lease } from "../../../../src/ports/shared-cache.js";
import { buildCore, type Core, NO_HURRY } from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { metered, stateWith, wallet } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";

/** What a process that knows no wallets tells others of a customer who has one. */

const subject: Subject = { customerId: "c" };
const FEATURES_ALONE = stateWith([metered()], { includesWallets: false, updatedAt: 1 });
const FULL = stateWith([metered()], { credits: [wallet({ used: 40 })], updatedAt: 1 });
const NO_WALLET = stateWith([metered()], { updatedAt: 1 });

/** As another process stores it. */
const store = ({ cache, clock }: Core, state = FEATURES_ALONE) =>
  cache.put(subject, { state, verifiedAt: clock.now(), recheckAt: Infinity, isVerified: true });

async function knowing(): Promise<Core> {
  const core = buildCore();
  await store(core);
  return core;
}

const seats = (core: Core) => core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
const credits = (core: Core, fallback?: { hasAccess: boolean }) =>
  core.check.credit("c", undefined, creditQuery("credits", { fallback }), NO_HURRY);
const list = (core: Core) => core.list.list(subject, NO_HURRY);

describe("a state that does not tell of wallets", () => {
  it("answers for features at once, and nobody is asked", async () => {
    const core = await knowing();
    expect(seats(core)).toMatchObject({ source: "memory", result: { hasAccess: true } });
    expect(core.list.listFeatures(subject, NO_HURRY)).toMatchObject({
      source: "memory",
      result: { features: [{ hasAccess: true }] },
    });
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(0);
    expect(core.telemetry).toMatchObject({ cacheHits: 2, cacheMisses: 0, answers: { memory: 2 } });
  });

  it("is as good as none where a wallet is asked for: upstream tells, once for all who ask", async () => {
    const core = await knowing();
    const answers = Promise.all(Array.from({ length: 20 }, () => Promise.resolve(credits(core))));
    (await core.upstream.fetches.at(0)).answer(FULL);
    for (const answer of await answers)
      expect(answer).toMatchObject({ source: "upstream", result: { hasAccess: true, remaining: 60 } });
    expect(core.telemetry).toMatchObject({ cacheHits: 0, cacheMisses: 20, answers: { memory: 0, upstream: 20 } });
    expect(credits(core)).toMatchObject({ source: "memory", result: { hasAccess: true, remaining: 60 } });
    expect(seats(core)).toMatchObject({ source: "memory" });
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("is as good as none where everything is to be listed", async () => {
    const core = await knowing();
    const answer = list(core);
    (await core.upstream.fetches.at(0)).answer(FULL);
    expect(await answer).toMatchObject({
      source: "upstream",
      result: { features: [{ hasAccess: true }], credits: [{ hasAccess: true, remaining: 60 }] },
    });
    expect(list(core)).toMatchObject({ source: "memory", result: { credits: [{ remaining: 60 }] } });
  });

  it("gives way to knowledge that there is no wallet: a denial then, at once from the second time", async () => {
    const core = await knowing();
    const answer = credits(core, { hasAccess: true });
    (await core.upstream.fetches.at(0)).answer(NO_WALLET);
    const denied = { hasAccess: false, accessDeniedReason: "EntitlementNotFound" };
    expect(await answer).toMatchObject({ source: "upstream", result: denied });
    expect(credits(core, { hasAccess: true })).toMatchObject({ source: "memory", result: denied });
  });

  it.each([{ hasAccess: true }, { hasAccess: false }])(
    "leaves a wallet to the fallback where upstream fails, and denies nothing by itself: %j",
    async (fallback) => {
      const core = await knowing();
      const answer = credits(core, fallback);
      (await core.upstream.fetches.at(0)).fail();
      expect(await answer).toMatchObject({
        source: "fallback",
        verifiedAt: undefined,
        result: { ...fallback, accessDeniedReason: "Unknown", fallback },
      });
      expect(core.telemetry.answers).toMatchObject({ fallback: 1, stale: 0 });
    },
  );

  it("is still the best that can be listed where upstream fails", async () => {
    const core = await knowing();
    const answer = list(core);
    (await core.upstream.fetches.at(0)).fail();
    expect(await answer).toMatchObject({
      source: "stale",
      result: { features: [{ hasAccess: true }], credits: [], fallbacks: undefined },
    });
  });

  it("that upstream's answer turns out to be older than leaves a wallet to the fallback", async () => {
    const core = buildCore();
    await store(core, stateWith([metered()], { includesWallets: false, updatedAt: 2 }));
    const answer = credits(core, { hasAccess: true });
    (await core.upstream.fetches.at(0)).answer(FULL);
    expect(await answer).toMatchObject({
      source: "fallback",
      result: { hasAccess: true, accessDeniedReason: "Unknown" },
    });
  });
});

describe("where processes share the store", () => {
  /** Another process that asks for all: it brings a state without wallets, or this one gets its turn. */
  class Other implements CrossProcessSingleFlight {
    readonly waiting: {
      readonly isThere: () => Promise<boolean>;
      readonly resolve: (lease: Lease | undefined) => void;
    }[] = [];

    acquireLease(_: Subject, isThere: () => Promise<boolean>): Promise<Lease | undefined> {
      return new Promise((resolve) => {
        this.waiting.push({ isThere, resolve });
      });
    }

    /** As it is once the other process has ended its turn. */
    async endTurn(index: number): Promise<void> {
      const { isThere, resolve } = this.waiting[index]!;
      resolve((await isThere()) ? undefined : { end: () => undefined });
    }
  }

  it("one that another process brought without wallets is not what a check of a wallet waits for", async () => {
    const other = new Other();
    const core = buildCore({ singleFlight: other });
    const answer = credits(core);
    await promisesSettled();
    await store(core);
    await other.endTurn(0);
    (await core.upstream.fetches.at(0)).answer(FULL);
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true, remaining: 60 } });
  });

  it("and suffices for a check of a feature, after which the check of a wallet that came with it asks once more", async () => {
    const other = new Other();
    const core = buildCore({ singleFlight: other });
    const feature = seats(core);
    await promisesSettled();
    const credit = credits(core);
    await promisesSettled();
    expect(other.waiting).toHaveLength(1);
    await store(core);
    await other.endTurn(0);
    expect(await feature).toMatchObject({ result: { hasAccess: true } });
    expect(core.upstream.fetches.count).toBe(0);
    await promisesSettled();
    await other.endTurn(1);
    (await core.upstream.fetches.at(0)).answer(FULL);
    expect(await credit).toMatchObject({ result: { hasAccess: true, remaining: 60 } });
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("and with the wallet suffices for both", async () => {
    const other = new Other();
    const core = buildCore({ singleFlight: other });
    const feature = seats(core);
    await promisesSettled();
    const credit = credits(core);
    await promisesSettled();
    await store(core, FULL);
    await other.endTurn(0);
    expect([await feature, await credit]).toMatchObject([
      { result: { hasAccess: true } },
      { result: { remaining: 60 } },
    ]);
    expect([other.waiting.length, core.upstream.fetches.count]).toEqual([1, 0]);
  });

  it.each([
    { brought: "with the wallet", state: FULL, result: { hasAccess: true, remaining: 60 } },
    {
      brought: "by who knows that there is no wallet",
      state: NO_WALLET,
      result: { hasAccess: false, accessDeniedReason: "EntitlementNotFound" },
    },
  ])("one that another process brought $brought is what a check of a wallet waits for", async ({ state, result }) => {
    const other = new Other();
    const core = buildCore({ singleFlight: other });
    const answer = credits(core);
    await promisesSettled();
    await store(core, state);
    await other.endTurn(0);
    expect(await answer).toMatchObject({ result });
    expect(core.upstream.fetches.count).toBe(0);
  });
});
