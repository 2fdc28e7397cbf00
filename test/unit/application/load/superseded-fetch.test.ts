import { describe, expect, it } from "@jest/globals";
import { RecentChanges } from "../../../../src/application/load/missing-subjects.js";
import type { Change } from "../../../../src/domain/change.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { UPSTREAM_LAG_MS } from "../../../../src/domain/freshness/freshness.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { begunFetch, buildCore, know, NO_HURRY } from "../../../builders/core.js";
import { featureQuery } from "../../../builders/queries.js";
import { usageMeasurement, usageReport } from "../../../builders/reports.js";
import { emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";

const subject: Subject = { customerId: "c" };
const withLimit = (usageLimit: number, updatedAt?: number): CustomerState =>
  stateWith([metered({ usageLimit })], { updatedAt });
const limitOf = (known: { readonly state: CustomerState } | undefined) => known?.state.feature("seats")?.usageLimit;

describe("a check whose fetch is superseded", () => {
  it("has the subject fetched again in the background, so that the next check waits for nothing", async () => {
    const core = buildCore({ maxRefreshed: 0 });
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    const first = await core.upstream.fetches.at(0);
    core.updates.connected();
    first.answer(withLimit(10));
    expect(await answer).toMatchObject({ source: "upstream" });
    const again = await core.upstream.fetches.at(1);
    expect(again.question).toEqual({ subject, latest: false, preferLatest: true });
    again.answer(withLimit(20));
    await promisesSettled();
    expect(core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY)).toMatchObject({ source: "memory" });
    expect(core.upstream.fetches.count).toBe(2);
  });
});

describe("a fetch that a change supersedes", () => {
  it("does not overwrite newer changes", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({ type: "entitlements-updated", subject, state: withLimit(20, 2) });
    fetch.answer(withLimit(10, 1));
    expect(limitOf(await result)).toBe(20);
    expect(limitOf(core.cache.peek("c", undefined))).toBe(20);
  });

  it("does not overwrite changes even where neither says when it was", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({ type: "entitlements-updated", subject, state: withLimit(20) });
    fetch.answer(withLimit(10));
    expect(limitOf(await result)).toBe(20);
  });

  it("does not overwrite the reason that a change gave", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({ type: "entitlements-updated", subject, state: emptyState("CustomerIsArchived") });
    fetch.answer(withLimit(10, 5));
    expect((await result)?.state.accessDeniedReason).toBe("CustomerIsArchived");
  });

  it("does not take back a usage that was reported meanwhile", async () => {
    const core = buildCore();
    await know(core, subject, stateWith([metered({ usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt: 1 }));
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 9, updatedAt: 9 },
    });
    fetch.answer(stateWith([metered({ usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt: 2 }));
    await result;
    expect((await core.cache.load(subject))?.state.featureUsage("seats").currentUsage).toBe(9);
  });

  it("knows a usage that was reported meanwhile, also where nothing was known before", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 9, updatedAt: 9 },
    });
    fetch.answer(stateWith([metered({ usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt: 2 }));
    expect((await result)?.state.featureUsage("seats").currentUsage).toBe(9);
    expect(core.cache.peek("c", undefined)?.state.featureUsage("seats").currentUsage).toBe(9);
  });

  it("knows a usage that was reported meanwhile", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    const reported = core.reportUsage.report(usageReport(), NO_HURRY);
    (await core.upstream.reports.at(0)).answer(usageMeasurement({ currentUsage: 9, updatedAt: 9 }));
    await reported;
    fetch.answer(stateWith([metered({ usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt: 2 }));
    await result;
    expect(core.cache.peek("c", undefined)?.state.featureUsage("seats").currentUsage).toBe(9);
  });

  it("by usage alone is vouched for: a customer whose usage moves all the time is fetched once, not for ever", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(10, 1));
    await core.cache.markAllUnverified();
    const { result, fetch } = await begunFetch(core, subject);
    for (const timestamp of [7, 9, 8]) {
      const usage = { currentUsage: timestamp, updatedAt: timestamp };
      core.updates.changed({ type: "usage-updated", subject, entitlement: { type: "feature", id: "seats" }, usage });
    }
    fetch.answer(withLimit(10, 1));
    expect(await result).toMatchObject({ isVerified: true });
    expect(core.cache.peek("c", undefined)?.state.featureUsage("seats").currentUsage).toBe(9);
  });

  it("still is stored where it is provably newer", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({ type: "entitlements-updated", subject, state: withLimit(20, 2) });
    fetch.answer(withLimit(30, 3));
    expect(limitOf(await result)).toBe(30);
  });

  it("is not vouched for where the change was to forget: the next check asks anew", async () => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, subject);
    core.updates.changed({ type: "entitlements-updated", subject, state: emptyState() });
    fetch.answer(withLimit(10, 1));
    expect(await result).toMatchObject({ isVerified: false });
    expect(core.cache.peek("c", undefined)).toBeUndefined();
    await know(core, subject, emptyState("NoActiveSubscription"));
    expect(core.cache.peek("c", undefined)?.state.accessDeniedReason).toBe("NoActiveSubscription");
  });

  it("is not joined by who asks after the change, nor does it undo what those learn", async () => {
    const core = buildCore();
    const early = await begunFetch(core, subject);
    core.load.supersede(subject);
    const late = await begunFetch(core, subject);
    expect(core.upstream.fetches.count).toBe(2);
    late.fetch.answer(withLimit(20));
    await late.result;
    early.fetch.answer(withLimit(10));
    await early.result;
    expect(limitOf(core.cache.peek("c", undefined))).toBe(20);
  });

  it("is followed by one past upstream's caches, which may be behind the change, that knows what was reported meanwhile", async () => {
    const core = buildCore();
    const early = await begunFetch(core, subject);
    core.updates.changed({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 9, updatedAt: 9 },
    });
    core.load.supersede(subject);
    const late = await begunFetch(core, subject);
    expect(late.fetch.question).toMatchObject({ preferLatest: true });
    late.fetch.answer(stateWith([metered({ usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt: 2 }));
    expect((await late.result)?.state.featureUsage("seats").currentUsage).toBe(9);
    early.fetch.answer(withLimit(10));
  });

  it.each<{ changes: string; inFlight: Subject; changed: Subject; isSuperseded: boolean }>([
    { changes: "of the customer", inFlight: subject, changed: subject, isSuperseded: true },
    {
      changes: "of the customer, for its resource",
      inFlight: { ...subject, resourceId: "r" },
      changed: subject,
      isSuperseded: true,
    },
    {
      changes: "of the resource",
      inFlight: { ...subject, resourceId: "r" },
      changed: { ...subject, resourceId: "r" },
      isSuperseded: true,
    },
    {
      changes: "of the resource, for its customer",
      inFlight: subject,
      changed: { ...subject, resourceId: "r" },
      isSuperseded: false,
    },
    {
      changes: "of another resource",
      inFlight: { ...subject, resourceId: "r" },
      changed: { ...subject, resourceId: "s" },
      isSuperseded: false,
    },
    { changes: "of another customer", inFlight: subject, changed: { customerId: "d" }, isSuperseded: false },
  ])("by change $changes: $isSuperseded", async ({ inFlight, changed, isSuperseded }) => {
    const core = buildCore();
    const { result, fetch } = await begunFetch(core, inFlight);
    core.load.supersede(changed);
    fetch.answer(withLimit(1));
    expect(await result).toMatchObject({ isVerified: !isSuperseded });
  });

  it("by a change of everything, is not vouched for", async () => {
    const core = buildCore();
    const flights = [await begunFetch(core, subject), await begunFetch(core, { customerId: "d", resourceId: "r" })];
    core.load.supersedeAll();
    for (const { fetch } of flights) fetch.answer(withLimit(1));
    for (const { result } of flights) expect(await result).toMatchObject({ isVerified: false });
  });
});

describe("a change of a subject that is not cached", () => {
  const resource = { ...subject, resourceId: "r" };
  const another = { customerId: "d" };
  const invalidated = (changed: Subject): Change => ({ type: "subject-invalidated", subject: changed });
  const published = (migration: "ALL_CUSTOMERS" | "NEW_CUSTOMERS"): Change => ({
    type: "package-published",
    migration,
  });

  it.each<{ what: string; change: Change; asked: Subject; isPastCaches: boolean }>([
    { what: "says to ask again", change: invalidated(subject), asked: subject, isPastCaches: true },
    {
      what: "is empty, without a reason",
      change: { type: "entitlements-updated", subject, state: emptyState() },
      asked: subject,
      isPastCaches: true,
    },
    { what: "is of the customer, for a resource", change: invalidated(subject), asked: resource, isPastCaches: true },
    { what: "is of the resource", change: invalidated(resource), asked: resource, isPastCaches: true },
    { what: "is of a resource, for its customer", change: invalidated(resource), asked: subject, isPastCaches: false },
    { what: "is of another", change: invalidated(another), asked: resource, isPastCaches: false },
    { what: "is one of all", change: published("ALL_CUSTOMERS"), asked: subject, isPastCaches: true },
    { what: "is of customers to come", change: published("NEW_CUSTOMERS"), asked: subject, isPastCaches: false },
  ])(
    "that $what: upstream is asked past its caches, which may be behind it: $isPastCaches",
    async ({ change, asked, isPastCaches }) => {
      const core = buildCore();
      core.updates.changed(change);
      const soon = await begunFetch(core, asked);
      expect(soon.fetch.question.preferLatest ?? false).toBe(isPastCaches);
      soon.fetch.fail();
      await expect(soon.result).rejects.toMatchObject({ code: "unavailable" });
      core.clock.advance(UPSTREAM_LAG_MS);
      const later = await begunFetch(core, asked);
      expect(later.fetch.question.preferLatest).toBeUndefined();
      later.fetch.answer(withLimit(1));
      await later.result;
    },
  );

  it("is forgotten where too many others came after it", () => {
    const changes = new RecentChanges(2);
    for (const customerId of ["a", "b", "c"]) changes.add({ customerId }, 0);
    expect(["a", "b", "c"].map((customerId) => changes.has({ customerId }, 1))).toEqual([false, true, true]);
  });
});

it("a fetch that brings timestamps that cannot be is replaced by the next", async () => {
  const core = buildCore();
  const far = Date.UTC(9000, 0, 1);
  const withUsage = (usageLimit: number, at: number) =>
    stateWith([metered({ usageLimit, usage: { currentUsage: usageLimit, updatedAt: at } })], { updatedAt: at });
  await know(core, subject, withUsage(9, far));
  const { result, fetch } = await begunFetch(core, subject);
  fetch.answer(withUsage(5, 2));
  const known = (await result)?.state;
  expect([known?.feature("seats")?.usageLimit, known?.featureUsage("seats").currentUsage]).toEqual([5, 5]);
});

describe("a reload", () => {
  it("always asks anew, past upstream's caches, and who asks then joins it", async () => {
    const core = buildCore();
    const early = await begunFetch(core, subject);
    const reloaded = core.load.reload(subject);
    const joined = core.load.load(subject);
    const fetch = await core.upstream.fetches.at(1);
    expect([early.fetch.question.latest, fetch.question.latest]).toEqual([false, true]);
    fetch.answer(withLimit(20));
    expect([limitOf(await reloaded), limitOf(await joined)]).toEqual([20, 20]);
    expect(core.upstream.fetches.count).toBe(2);
    early.fetch.answer(withLimit(10));
    await early.result;
  });

  it("is not undone by a fetch that began before it", async () => {
    const core = buildCore();
    const early = await begunFetch(core, subject);
    const reloaded = core.load.reload(subject);
    (await core.upstream.fetches.at(1)).answer(withLimit(20));
    await reloaded;
    early.fetch.answer(withLimit(10));
    await early.result;
    expect(limitOf(core.cache.peek("c", undefined))).toBe(20);
  });

  it("hides no flight from changes: what began before both is not vouched for", async () => {
    const core = buildCore();
    const early = await begunFetch(core, subject);
    const reloaded = core.load.reload(subject);
    (await core.upstream.fetches.at(1)).fail();
    await expect(reloaded).rejects.toMatchObject({ code: "unavailable" });
    core.load.supersede(subject);
    early.fetch.answer(withLimit(10));
    expect(await early.result).toMatchObject({ isVerified: false });
  });
});
