import { describe, expect, it } from "@jest/globals";
import type { Change } from "../../../../src/domain/change.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { buildCore, type Core, know, MAX_CONCURRENT_REFRESHES, NO_HURRY } from "../../../builders/core.js";
import { featureQuery } from "../../../builders/queries.js";
import { boolean, emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject: Subject = { customerId: "c" };
const known = stateWith([metered({ usage: { currentUsage: 8, updatedAt: 100 } })], { updatedAt: 100 });
const isCached = (core: Core, { customerId, resourceId }: Subject = subject) =>
  core.cache.peek(customerId, resourceId) !== undefined;

/** Answers every fetch, those that come of it included, until no more come. */
async function answerAll(core: Core, from: number): Promise<readonly Subject[]> {
  for (let i = from; i < core.upstream.fetches.count; i++) {
    core.upstream.fetches.all[i]?.answer(known);
    await promisesSettled();
  }
  return core.upstream.fetches.all.slice(from).map(({ question }) => question.subject);
}

async function knowing(
  parts?: Parameters<typeof buildCore>[0],
  subjects: readonly Subject[] = [subject],
): Promise<Core> {
  const core = buildCore(parts);
  for (const each of subjects) await know(core, each, known);
  return core;
}

describe("an update", () => {
  it("of entitlements is known to the next check, which asks nobody", async () => {
    const core = await knowing();
    core.updates.changed({ type: "entitlements-updated", subject, state: stateWith([boolean()], { updatedAt: 101 }) });
    expect(core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY)).toMatchObject({
      source: "memory",
      result: { hasAccess: true },
    });
  });

  it("with a timestamp that cannot be does not outlive what comes after it", async () => {
    const core = await knowing();
    const far = Date.UTC(9000, 0, 1);
    const usage = (currentUsage: number, updatedAt: number): Change => ({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage, updatedAt },
    });
    const state = (usageLimit: number, updatedAt: number): Change => ({
      type: "entitlements-updated",
      subject,
      state: stateWith([metered({ usageLimit, usage: { currentUsage: 1, updatedAt: 1 } })], { updatedAt }),
    });
    for (const change of [usage(9, far), state(5, far), usage(7, 103), state(3, 104)]) core.updates.changed(change);
    const seen = core.cache.peek("c", undefined)?.state;
    expect([seen?.featureUsage("seats").currentUsage, seen?.feature("seats")?.usageLimit]).toEqual([7, 3]);
  });

  it("of entitlements is kept for a customer that was not known", () => {
    const core = buildCore();
    core.updates.changed({ type: "entitlements-updated", subject, state: known });
    expect(isCached(core)).toBe(true);
  });

  it("of entitlements, empty with a reason, is that reason", async () => {
    const core = await knowing();
    core.updates.changed({ type: "entitlements-updated", subject, state: emptyState("CustomerIsArchived") });
    expect(core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY)).toMatchObject({
      result: { accessDeniedReason: "CustomerIsArchived" },
    });
  });

  it("of entitlements, empty without a reason, has the next check fetch the reason", async () => {
    const core = await knowing();
    core.updates.changed({ type: "entitlements-updated", subject, state: emptyState() });
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(emptyState("NoActiveSubscription"));
    expect(await answer).toMatchObject({ source: "upstream", result: { accessDeniedReason: "NoActiveSubscription" } });
  });

  it("of usage is known to the next check", async () => {
    const core = await knowing();
    core.updates.changed({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 10, updatedAt: 101 },
    });
    expect(core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 1 }), NO_HURRY)).toMatchObject({
      result: { hasAccess: false },
    });
  });

  it("of usage for a customer that is not known is dropped", async () => {
    const core = buildCore();
    core.updates.changed({
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 10, updatedAt: 101 },
    });
    expect(await core.cache.load(subject)).toBeUndefined();
  });

  it("that says only that something changed leaves the old state for when upstream cannot be asked", async () => {
    const core = await knowing();
    core.updates.changed({ type: "subject-invalidated", subject });
    expect(isCached(core)).toBe(false);
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    (await core.upstream.fetches.at(1)).fail();
    expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: true } });
  });

  const resource: Subject = { customerId: "c", resourceId: "r" };
  const stranger: Subject = { customerId: "d", resourceId: "r" };
  it.each<{ change: Change; resourceStays: boolean }>([
    {
      change: { type: "entitlements-updated", subject, state: stateWith([boolean()], { updatedAt: 101 }) },
      resourceStays: false,
    },
    { change: { type: "entitlements-updated", subject, state: emptyState() }, resourceStays: false },
    { change: { type: "subject-invalidated", subject }, resourceStays: false },
    {
      change: { type: "entitlements-updated", subject: { customerId: "c", resourceId: "s" }, state: known },
      resourceStays: true,
    },
    {
      change: {
        type: "usage-updated",
        subject,
        entitlement: { type: "feature", id: "seats" },
        usage: { currentUsage: 10, updatedAt: 101 },
      },
      resourceStays: true,
    },
  ])(
    "$change.type of $change.subject: a resource's state stays cached: $resourceStays",
    async ({ change, resourceStays }) => {
      const core = await knowing({}, [subject, resource, stranger]);
      core.updates.changed(change);
      expect({ resource: isCached(core, resource), stranger: isCached(core, stranger) }).toEqual({
        resource: resourceStays,
        stranger: true,
      });
    },
  );

  it("that the store does not take is logged, and nothing else suffers", async () => {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        stores.push(new RemoteStore(memory));
        return stores[0]!;
      },
    });
    stores[0]!.isReachable = false;
    core.updates.changed({ type: "entitlements-updated", subject, state: known });
    core.updates.connected();
    await promisesSettled();
    expect(core.logger.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
    stores[0]!.isReachable = true;
    for (let i = 0; i < 2; i++) {
      core.updates.changed({ type: "entitlements-updated", subject, state: known });
      core.updates.connected();
      await promisesSettled();
    }
    // That it is over is said once.
    expect(core.logger.lines.slice(2).map(({ message }) => message)).toEqual([
      "updates are written to the cache again",
      "cached states are marked as stale again",
    ]);
  });
});

describe("a package published", () => {
  it("for all customers marks every state stale, and has those used be fetched again", async () => {
    const core = await knowing();
    core.updates.changed({ type: "package-published", migration: "ALL_CUSTOMERS" });
    expect(isCached(core)).toBe(false);
    await promisesSettled();
    expect(await answerAll(core, 1)).toEqual([subject]);
    expect(isCached(core)).toBe(true);
  });

  it("for all customers marks stale what is being fetched, too", async () => {
    const core = buildCore();
    const loaded = core.load.load(subject);
    const fetch = await core.upstream.fetches.at(0);
    core.updates.changed({ type: "package-published", migration: "ALL_CUSTOMERS" });
    fetch.answer(known);
    expect(await loaded).toMatchObject({ isVerified: false });
  });

  it("for new customers alone changes nothing", async () => {
    const core = await knowing();
    core.updates.changed({ type: "package-published", migration: "NEW_CUSTOMERS" });
    await promisesSettled();
    expect(isCached(core)).toBe(true);
    expect(core.upstream.fetches.count).toBe(1);
  });
});

describe("a stream that connects", () => {
  const many = Array.from({ length: 10 }, (_, i): Subject => ({ customerId: `c${i}` }));

  it("may have missed something: all that is held is stale, and fetched again a few at a time", async () => {
    const core = await knowing({}, many);
    core.updates.disconnected();
    core.updates.connected();
    expect(many.some((each) => isCached(core, each))).toBe(false);
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(many.length + MAX_CONCURRENT_REFRESHES);
    const refetched = await answerAll(core, many.length);
    expect(new Set(refetched.map(({ customerId }) => customerId))).toEqual(
      new Set(many.map(({ customerId }) => customerId)),
    );
    expect(many.every((each) => isCached(core, each))).toBe(true);
  });

  it("has no more fetched again than it is told to", async () => {
    const core = await knowing({ maxRefreshed: 3 }, many);
    core.updates.connected();
    await promisesSettled();
    expect((await answerAll(core, many.length)).length).toBeLessThanOrEqual(3);
  });

  it("while upstream cannot be asked, what is stale still serves", async () => {
    const core = await knowing();
    core.updates.connected();
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    (await core.upstream.fetches.at(1)).fail();
    expect(await answer).toMatchObject({ source: "stale", result: { hasAccess: true } });
  });

  it("is distinguished from one that is down", () => {
    const core = buildCore({ isConnected: false });
    core.updates.connected();
    expect(core.stream.isConnected).toBe(true);
    core.updates.disconnected();
    expect(core.stream.isConnected).toBe(false);
  });

  it("that goes leaves what is known cached", async () => {
    const core = await knowing();
    core.updates.disconnected();
    expect(isCached(core)).toBe(true);
  });
});

it("lets those who share a store know when this process hears changes", () => {
  const notices: string[] = [];
  const { updates } = buildCore({
    hearing: {
      connected: () => notices.push("connected"),
      disconnected: () => notices.push("disconnected"),
      allMayHaveChanged: () => notices.push("all may have changed"),
      follow: () => undefined,
      watch: () => undefined,
    },
  });
  updates.connected();
  updates.changed({ type: "package-published", migration: "NEW_CUSTOMERS" });
  updates.changed({ type: "package-published", migration: "ALL_CUSTOMERS" });
  updates.disconnected();
  expect(notices).toEqual(["connected", "all may have changed", "disconnected"]);
});
