import { describe, expect, it } from "@jest/globals";
import { CodedError, type ErrorCode } from "../../../../src/domain/errors.js";
import {
  BUDGET_MS,
  buildCore,
  type Core,
  FETCH_TIMEOUT_MS,
  know,
  MAX_STATE_AGE_MS,
  NO_HURRY,
  POLL_INTERVAL_MS,
} from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { boolean, metered, stateWith, wallet } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject = { customerId: "c" };
const withLimit = (usageLimit: number, updatedAt = 1) => stateWith([metered({ usageLimit })], { updatedAt });
const check = ({ check: checks }: Core, customerId = "c") =>
  checks.feature(customerId, undefined, featureQuery("seats"), NO_HURRY);

describe("a state that is old, while changes arrive", () => {
  it("serves while it is verified again in the background, and then is what upstream says", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    expect(check(core)).toMatchObject({ source: "stale", result: { entitlement: { usageLimit: 10 } } });
    const fetch = await core.upstream.fetches.at(1);
    expect(fetch.question).toEqual({ subject: { customerId: "c", resourceId: undefined }, latest: false });
    fetch.answer(withLimit(20, 2));
    await promisesSettled();
    expect(check(core)).toMatchObject({ source: "memory", result: { entitlement: { usageLimit: 20 } } });
    expect(core.upstream.fetches.count).toBe(2);
  });

  it("is not asked for before its time, nor again after it", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS * 0.74);
    void check(core);
    expect(core.upstream.fetches.count).toBe(1);
    core.clock.advance(MAX_STATE_AGE_MS * 0.27);
    void check(core);
    (await core.upstream.fetches.at(1)).answer(withLimit(10));
    await promisesSettled();
    for (let i = 0; i < 5; i++) void check(core);
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(2);
  });

  it("is verified again where the clock has been set back since: nobody knows how old it is", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.set(core.clock.now() - 3_600_000);
    expect(check(core)).toMatchObject({ source: "stale", result: { entitlement: { usageLimit: 10 } } });
    (await core.upstream.fetches.at(1)).answer(withLimit(20, 2));
    await promisesSettled();
    expect(check(core)).toMatchObject({ source: "memory", result: { entitlement: { usageLimit: 20 } } });
  });

  it("is old also where its usage is updated all the time", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    for (let i = 0; i < 10; i++) {
      core.clock.advance(MAX_STATE_AGE_MS / 9);
      core.updates.changed({
        type: "usage-updated",
        subject,
        entitlement: { type: "feature", id: "seats" },
        usage: { currentUsage: i, updatedAt: core.clock.now() },
      });
      await promisesSettled();
    }
    void check(core);
    await core.upstream.fetches.at(1);
  });

  it("is asked for at a bounded rate, however many are old and however often upstream fails", async () => {
    const core = buildCore();
    for (let i = 0; i < 300; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 300; i++) expect(check(core, `c${i}`)).toMatchObject({ source: "stale" });
      for (let answered = -1; answered !== core.upstream.fetches.count;) {
        answered = core.upstream.fetches.count;
        for (const fetch of core.upstream.fetches.all) fetch.fail();
        await promisesSettled();
      }
    }
    expect(core.upstream.fetches.count - 300).toBe(100);
    core.clock.advance(1_000);
    for (let i = 0; i < 300; i++) void check(core, `c${i}`);
    await promisesSettled();
    expect(core.upstream.fetches.count).toBeGreaterThan(400);
  });
});

describe("a denial by a state that is too old", () => {
  const asked = (requestedUsage: number) => featureQuery("seats", { requestedUsage });
  const checks = {
    feature: {
      state: withLimit,
      check: ({ check: by }: Core) => by.feature("c", undefined, asked(3), NO_HURRY),
    },
    wallet: {
      state: (usageLimit: number, updatedAt = 1) =>
        stateWith([], { credits: [wallet({ usageLimit, used: 8 })], updatedAt }),
      check: ({ check: by }: Core) =>
        by.credit("c", undefined, creditQuery("credits", { requestedUsage: 3 }), NO_HURRY),
    },
  };
  const stores = {
    memory: () => buildCore(),
    "a shared store": () => buildCore({ store: (memory) => new RemoteStore(memory) }),
  };
  const both = Object.entries(checks).flatMap(([of, rest]) =>
    Object.entries(stores).map(([where, core]) => ({ of, where, core, ...rest })),
  );

  it.each(both)(
    "of a $of in $where is given only once upstream was asked",
    async ({ core: build, state, check: by }) => {
      const core = build();
      await know(core, subject, state(10));
      core.clock.advance(MAX_STATE_AGE_MS + 1);
      const answer = by(core);
      (await core.upstream.fetches.at(1)).answer(state(20, 2));
      expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true } });
      expect(core.upstream.fetches.count).toBe(2);
      expect(core.telemetry).toMatchObject({ cacheHits: 0, cacheMisses: 1, staleAnswers: 0, answers: { upstream: 1 } });
    },
  );

  it.each(both)(
    "of a $of in $where stands where upstream cannot be asked",
    async ({ core: build, state, check: by }) => {
      const core = build();
      await know(core, subject, state(10));
      core.clock.advance(MAX_STATE_AGE_MS + 1);
      const answer = by(core);
      (await core.upstream.fetches.at(1)).fail();
      expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: false, fallback: undefined } });
    },
  );

  it.each([
    { what: "all", list: ({ list }: Core) => list.list(subject, NO_HURRY) },
    { what: "features", list: ({ list }: Core) => list.listFeatures(subject, NO_HURRY) },
  ])("is also what a list of $what leaves out", async ({ list }) => {
    for (const build of Object.values(stores)) {
      const core = build();
      await know(core, subject, withLimit(10));
      core.clock.advance(MAX_STATE_AGE_MS + 1);
      const listed = list(core);
      (await core.upstream.fetches.at(1)).answer(stateWith([metered(), boolean()], { updatedAt: 2 }));
      expect(await listed).toMatchObject({ source: "upstream", result: { features: [{}, {}] } });
      expect(await list(core)).toMatchObject({ result: { features: [{}, {}] } });
      expect(core.upstream.fetches.count).toBe(2);
    }
  });

  it("is explained as a check answers", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    const explained = core.explain.explain({ subject, type: "feature", id: "seats", requestedUsage: 3 });
    (await core.upstream.fetches.at(1)).answer(withLimit(20, 2));
    expect(await explained).toMatchObject({ answer: { hasAccess: true, source: "upstream" } });
  });

  it("waits no longer than a miss, and is then no reason for a failure policy to grant", async () => {
    const core = buildCore({ policies: { seats: { answer: "allow" } } });
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    const answer = core.check.feature("c", undefined, asked(3), NO_HURRY);
    await core.upstream.fetches.at(1);
    core.clock.advance(BUDGET_MS);
    expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: false } });
  });

  it.each([
    { what: "a grant", requested: 1, ageMs: MAX_STATE_AGE_MS + 1, source: "stale" },
    { what: "a denial of that age", requested: 3, ageMs: MAX_STATE_AGE_MS, source: "memory" },
  ])("alone waits: $what is answered at once", async ({ requested, ageMs, source }) => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.advance(ageMs);
    const answer = core.check.feature("c", undefined, asked(requested), NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toMatchObject({ source, result: { hasAccess: requested === 1 } });
  });

  it("asks first also where the clock has been set back since", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    core.clock.set(core.clock.now() - 3_600_000);
    const answer = core.check.feature("c", undefined, asked(3), NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(withLimit(20, 2));
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true } });
  });

  it("asks few times in a second while upstream does not answer, and always once it does", async () => {
    const core = buildCore();
    for (let i = 0; i < 100; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    const denied = async (i: number) => {
      const answer = core.check.feature(`c${i}`, undefined, asked(3), NO_HURRY);
      const waits = "then" in answer;
      await promisesSettled();
      for (const fetch of core.upstream.fetches.all) fetch.fail();
      expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: false } });
      return waits;
    };
    let waited = 0;
    for (let i = 0; i < 100; i++) if (await denied(i)) waited++;
    // The first finds out that it is in vain.
    expect(waited).toBe(1 + 20);
    core.clock.advance(1_000);
    const first = core.upstream.fetches.count;
    const answer = core.check.feature("c0", undefined, asked(3), NO_HURRY);
    (await core.upstream.fetches.at(first)).answer(withLimit(20, 2));
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true } });
    for (let i = 1; i < 60; i++)
      expect(core.check.feature(`c${i}`, undefined, asked(3), NO_HURRY)).toHaveProperty("then");
  });
});

describe("how many denials by old states ask upstream first", () => {
  const ALL = 60;
  const FEW = 20;
  const denial = featureQuery("seats", { requestedUsage: 3 });
  const missOf = (core: Core, deadlineIn?: number) =>
    core.check.feature("new", undefined, denial, {
      deadlineAt: deadlineIn === undefined ? undefined : core.clock.now() + deadlineIn,
      signal: undefined,
    });
  const failsWith = (code: ErrorCode) => async (core: Core) => {
    const miss = missOf(core);
    (await core.upstream.fetches.at(ALL)).fail(new CodedError(code, "of the test"));
    await miss;
  };
  const hangs = (deadlineIn: number | undefined, forMs: number) => async (core: Core) => {
    const miss = missOf(core, deadlineIn);
    await core.upstream.fetches.at(ALL);
    core.clock.advance(forMs);
    await miss;
    await promisesSettled();
  };

  it.each<{ after: string; asked: number; miss: (core: Core) => Promise<void> }>([
    { after: "failed", asked: FEW, miss: failsWith("unavailable") },
    { after: "was throttled", asked: FEW, miss: failsWith("resource-exhausted") },
    { after: "had the key refused", asked: FEW, miss: failsWith("unauthenticated") },
    { after: "was refused for its own sake", asked: ALL, miss: failsWith("invalid-argument") },
    { after: "was answered what cannot be read", asked: ALL, miss: failsWith("internal") },
    { after: "waited for as long as a check can", asked: FEW, miss: hangs(undefined, BUDGET_MS) },
    { after: "had less time than that", asked: ALL, miss: hangs(100, 100) },
    { after: "had less time, and the fetch failed in the end", asked: FEW, miss: hangs(100, FETCH_TIMEOUT_MS) },
  ])("after a miss that $after: $asked of 60", async ({ asked, miss }) => {
    const core = buildCore();
    for (let i = 0; i < ALL; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    await miss(core);
    const answers = Array.from({ length: ALL }, (_, i) => core.check.feature(`c${i}`, undefined, denial, NO_HURRY));
    expect(answers.filter((answer) => "then" in answer)).toHaveLength(asked);
  });

  it("after a miss that upstream answers too late: few, until it answers in time", async () => {
    const core = buildCore();
    for (let i = 0; i < ALL; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    await hangs(undefined, BUDGET_MS)(core);
    (await core.upstream.fetches.at(ALL)).answer(withLimit(10));
    await promisesSettled();
    const answers = Array.from({ length: ALL }, (_, i) => core.check.feature(`c${i}`, undefined, denial, NO_HURRY));
    expect(answers.filter((answer) => "then" in answer)).toHaveLength(FEW);
    await promisesSettled();
    core.upstream.fetches.all
      .findLast(({ question }) => question.subject.customerId === "c0")
      ?.answer(withLimit(20, 2));
    await answers[0];
    expect(core.check.feature(`c${ALL - 1}`, undefined, denial, NO_HURRY)).toHaveProperty("then");
  });

  it("in a shared store: none less for what it grants meanwhile", async () => {
    const core = buildCore({ store: (memory) => new RemoteStore(memory) });
    for (let i = 0; i < ALL; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    await failsWith("unavailable")(core);
    for (let i = 0; i < ALL; i++) await check(core, `c${i}`);
    let answered = 0;
    const count = () => (answered += 1);
    for (let i = 0; i < ALL; i++)
      void Promise.resolve(core.check.feature(`c${i}`, undefined, denial, NO_HURRY)).then(count);
    await promisesSettled();
    expect(ALL - answered).toBe(FEW);
  });
});

describe("an old state that a shared store has", () => {
  const remotely = (parts: Parameters<typeof buildCore>[0] = {}) =>
    buildCore({ ...parts, store: (memory) => new RemoteStore(memory) });

  it("serves, says that nothing vouches for it, and is verified behind the answer as a cached one is", async () => {
    const core = remotely();
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    expect(await check(core)).toMatchObject({ source: "stale", result: { entitlement: { usageLimit: 10 } } });
    expect(core.telemetry).toMatchObject({ staleAnswers: 1, cacheHits: 1, answers: { stale: 1, redis: 0 } });
    (await core.upstream.fetches.at(1)).answer(withLimit(20, 2));
    await promisesSettled();
    expect(await check(core)).toMatchObject({ source: "redis", result: { entitlement: { usageLimit: 20 } } });
    expect(core.upstream.fetches.count).toBe(2);
  });

  it("is left alone until its age", async () => {
    const core = remotely();
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS * 0.74);
    expect(await check(core)).toMatchObject({ source: "redis" });
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("is no reason for a failure policy to speak: upstream has not been asked in vain", async () => {
    const core = remotely({ policies: { seats: { answer: "deny" } } });
    await know(core, subject, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    expect(await check(core)).toMatchObject({ source: "stale", result: { hasAccess: true } });
  });

  it("is verified at a bounded rate", async () => {
    const core = remotely();
    for (let i = 0; i < 300; i++) await know(core, { customerId: `c${i}` }, withLimit(10));
    core.clock.advance(MAX_STATE_AGE_MS + 1);
    for (let i = 0; i < 300; i++) expect(await check(core, `c${i}`)).toMatchObject({ source: "stale" });
    for (let answered = -1; answered !== core.upstream.fetches.count;) {
      answered = core.upstream.fetches.count;
      for (const fetch of core.upstream.fetches.all) fetch.fail();
      await promisesSettled();
    }
    expect(core.upstream.fetches.count - 300).toBe(100);
  });
});

describe("a cached state since which the stream was lost", () => {
  it("still answers at once, and says that nothing vouches for it, until something does again", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10));
    expect(check(core)).toMatchObject({ source: "memory" });
    core.clock.advance(1);
    core.updates.disconnected();
    expect(check(core)).toMatchObject({ source: "stale", result: { entitlement: { usageLimit: 10 } } });
    expect(core.list.list(subject, NO_HURRY)).toMatchObject({ source: "stale" });
    expect(core.list.listFeatures(subject, NO_HURRY)).toMatchObject({ source: "stale" });
    expect(core.telemetry).toMatchObject({ staleAnswers: 3, answers: { memory: 1, stale: 3 } });
    core.clock.advance(POLL_INTERVAL_MS);
    void check(core);
    (await core.upstream.fetches.at(1)).answer(withLimit(10));
    await promisesSettled();
    expect(check(core)).toMatchObject({ source: "memory" });
  });
});
