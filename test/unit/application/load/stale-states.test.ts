import { describe, expect, it } from "@jest/globals";
import { LaggingSubjects } from "../../../../src/application/load/missing-subjects.js";
import type { Change } from "../../../../src/domain/change.js";
import { buildCore, know, NO_HURRY, POLL_INTERVAL_MS } from "../../../builders/core.js";
import { featureQuery } from "../../../builders/queries.js";
import { boolean, emptyState, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";

const subject = { customerId: "c" };
const entitled = stateWith([boolean()]);
const check = (core: ReturnType<typeof buildCore>) => core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY);
const questions = ({ upstream }: ReturnType<typeof buildCore>) => upstream.fetches.all.map(({ question }) => question);

describe("upstream's caches may be behind, too", () => {
  it("a customer who is not known may be named by them", async () => {
    const core = buildCore();
    void check(core);
    await core.upstream.fetches.at(0);
    expect(questions(core)).toEqual([{ subject, latest: false }]);
  });

  it("what was known before a gap is rather not: neither in the background nor for a check", async () => {
    const core = buildCore({ maxRefreshed: 1 });
    await know(core, { customerId: "recent" }, entitled);
    await know(core, subject, entitled);
    core.updates.disconnected();
    core.updates.connected();
    await promisesSettled();
    void core.check.feature("recent", undefined, featureQuery("sso"), NO_HURRY);
    void check(core);
    await promisesSettled();
    expect(questions(core).slice(2)).toEqual([
      { subject: expect.objectContaining({}), latest: false, preferLatest: true },
      { subject: expect.objectContaining({}), latest: false, preferLatest: true },
    ]);
  });

  it("what they alone could tell serves for a second, and is asked for again until it is known for certain", async () => {
    const core = buildCore({ maxRefreshed: 0 });
    await know(core, subject, entitled);
    core.updates.connected();
    for (const fetch of [1, 2]) {
      const answer = check(core);
      const asked = await core.upstream.fetches.at(fetch);
      // Known already from a cache that may be behind: nobody waits for upstream.
      if (fetch === 2) expect(await answer).toMatchObject({ source: "memory", result: { hasAccess: true } });
      core.upstream.tellMaybeStale[fetch]?.();
      asked.answer(entitled);
      await promisesSettled();
      expect(check(core)).toMatchObject({ source: "memory" });
      core.clock.advance(1_250);
    }
    expect(await check(core)).toMatchObject({ source: "memory" });
    (await core.upstream.fetches.at(3)).answer(entitled);
    await promisesSettled();
    core.clock.advance(1_250);
    expect(check(core)).toMatchObject({ source: "memory" });
    expect(questions(core).map(({ preferLatest }) => preferLatest)).toEqual([undefined, true, true, true]);
  });

  it.each([
    ["a minute ago", 60_000, true],
    ["three minutes ago", 180_000, false],
  ])(
    "that they know nothing of a customer takes nothing from what was known to be true %s",
    async (_, agoMs, isKept) => {
      const core = buildCore({ maxRefreshed: 0 });
      await know(core, subject, entitled);
      core.clock.advance(agoMs);
      core.updates.connected();
      const answer = check(core);
      const asked = await core.upstream.fetches.at(1);
      core.upstream.tellMaybeStale[1]?.();
      asked.answer(emptyState("CustomerNotFound"));
      expect(await answer).toMatchObject({ result: { hasAccess: isKept } });
    },
  );

  it("what they alone could tell is waited for once an entitlement of it ends", async () => {
    const core = buildCore({ maxRefreshed: 0 });
    const ending = stateWith([boolean({ validUntil: core.clock.now() + 1_300 })]);
    await know(core, subject, ending);
    core.updates.connected();
    void check(core);
    const asked = await core.upstream.fetches.at(1);
    core.upstream.tellMaybeStale[1]?.();
    asked.answer(ending);
    await promisesSettled();
    core.clock.advance(1_300);
    const answer = check(core);
    (await core.upstream.fetches.at(2)).answer(emptyState("NoActiveSubscription"));
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: false } });
  });

  it("of no more subjects than a bound is it remembered that they alone could tell", () => {
    const lagging = new LaggingSubjects(1);
    expect([lagging.add(subject), lagging.add(subject), lagging.add({ customerId: "d" })]).toEqual([true, true, false]);
    lagging.delete(subject);
    lagging.delete(subject);
    expect([lagging.has(subject), lagging.add({ customerId: "d" }), lagging.add(subject)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("what is only polled may be: the next poll brings what they missed", async () => {
    const core = buildCore();
    await know(core, subject, entitled);
    core.updates.disconnected();
    core.clock.advance(POLL_INTERVAL_MS + 1);
    await check(core);
    await core.upstream.fetches.at(1);
    expect(questions(core)[1]).toEqual({ subject, latest: false });
  });

  it.each<[string, Change]>([
    ["asks to ask again", { type: "subject-invalidated", subject }],
    [
      "says that there are no entitlements, but not why",
      { type: "entitlements-updated", subject, state: emptyState() },
    ],
  ])("an event that %s is followed at once by a fetch of what is true now", async (_, change) => {
    const core = buildCore();
    await know(core, subject, entitled);
    core.updates.changed(change);
    await core.upstream.fetches.at(1);
    expect(questions(core)[1]).toEqual({ subject, latest: false, preferLatest: true });
  });

  it("an event of a customer whom nobody has asked for is followed by nothing", async () => {
    const core = buildCore();
    core.updates.changed({ type: "subject-invalidated", subject });
    core.updates.changed({ type: "entitlements-updated", subject, state: emptyState() });
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(0);
  });
});
