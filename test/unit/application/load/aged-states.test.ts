import { describe, expect, it } from "@jest/globals";
import { buildCore, type Core, know, MAX_STATE_AGE_MS, NO_HURRY, POLL_INTERVAL_MS } from "../../../builders/core.js";
import { featureQuery } from "../../../builders/queries.js";
import { metered, stateWith } from "../../../builders/states.js";
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
