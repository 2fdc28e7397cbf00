import { describe, expect, it } from "@jest/globals";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import { buildCore, know, NO_HURRY } from "../../../builders/core.js";
import { usageReport } from "../../../builders/reports.js";
import { boolean, emptyState, enumerated, metered, numeric, stateWith, wallet } from "../../../builders/states.js";

const subject = { customerId: "c" };
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the list of what is cached", () => {
  it("is answered at once, with every entitlement decided as if nothing were requested", async () => {
    const core = buildCore();
    const over = metered({ id: "over", used: 12 });
    const features = [
      boolean(),
      enumerated(),
      numeric(),
      metered({ used: 10 }),
      over,
      boolean({ id: "no", accessDeniedReason: "Revoked" }),
    ];
    await know(core, subject, stateWith(features, { credits: [wallet(), wallet({ currencyId: "spent", used: 100 })] }));
    const answer = core.list.list(subject, NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    const { result, source } = await answer;
    expect(source).toBe("memory");
    expect(
      Object.fromEntries(
        result.features.map(({ entitlement, accessDeniedReason }) => [entitlement?.feature.id, accessDeniedReason]),
      ),
    ).toEqual({
      sso: undefined,
      regions: undefined,
      "retention-days": undefined,
      seats: undefined,
      over: "RequestedUsageExceedingLimit",
      no: "Revoked",
    });
    expect(result.credits.map(({ entitlement, hasAccess }) => [entitlement?.currency.currencyId, hasAccess])).toEqual([
      ["credits", true],
      ["spent", false],
    ]);
    expect({ fallbacks: result.fallbacks, reason: result.accessDeniedReason }).toEqual({
      fallbacks: undefined,
      reason: undefined,
    });
  });

  it("that is empty explains itself", async () => {
    const core = buildCore({ fallbacks: { seats: { hasAccess: true } } });
    await know(core, subject, emptyState("CustomerIsArchived"));
    expect((await core.list.list(subject, NO_HURRY)).result).toEqual({
      features: [],
      credits: [],
      fallbacks: undefined,
      accessDeniedReason: "CustomerIsArchived",
    });
  });

  it("tells the state's reason beside wallets that are there", async () => {
    const core = buildCore();
    await know(core, subject, stateWith([], { credits: [wallet()], accessDeniedReason: "NoActiveSubscription" }));
    const { result } = await core.list.list(subject, NO_HURRY);
    expect(result).toMatchObject({ accessDeniedReason: "NoActiveSubscription", credits: [{ hasAccess: true }] });
  });

  it("reads usage periods at the time of the call", async () => {
    const core = buildCore();
    const now = core.clock.now();
    await know(
      core,
      subject,
      stateWith([
        metered({ used: 12, usage: { currentUsage: 12, periodAnchor: now, periodEnd: now + 1 }, resetPeriod: "HOUR" }),
      ]),
    );
    core.clock.advance(2);
    expect((await core.list.list(subject, NO_HURRY)).result.features).toMatchObject([
      { hasAccess: true, usage: { currentUsage: 0 } },
    ]);
  });
});

describe("a list counts what was accepted and is not delivered", () => {
  it("of the subject that it is of, and of no other", async () => {
    const accepted = new OutboxState();
    const core = buildCore({ accepted });
    const at = core.clock.now();
    const item = accepted.reserve({ ...usageReport({ subject, value: 2 }), timestamp: at }, Infinity, at);
    accepted.apply({ type: "usage-accepted", at, items: [item] });
    for (const customerId of ["c", "other"]) await know(core, { customerId }, stateWith([metered()]));
    const used = async (customerId: string) =>
      (await core.list.list({ customerId }, NO_HURRY)).result.features.map(({ usage }) => usage?.currentUsage);
    expect([await used("c"), await used("other")]).toEqual([[10], [8]]);
  });
});

describe("the list of what is not cached", () => {
  it("of features alone comes from upstream, and does without wallets", async () => {
    const core = buildCore();
    const answer = core.list.listFeatures(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(stateWith([boolean()], { includesWallets: false }));
    expect(await answer).toMatchObject({ source: "upstream", result: { features: [{ hasAccess: true }] } });
    expect(core.list.listFeatures(subject, NO_HURRY)).toMatchObject({ source: "memory" });
  });

  it("comes from upstream", async () => {
    const core = buildCore();
    const answer = core.list.list({ customerId: "c", resourceId: "r" }, NO_HURRY);
    const fetch = await core.upstream.fetches.at(0);
    expect(fetch.question.subject).toEqual({ customerId: "c", resourceId: "r" });
    fetch.answer(stateWith([boolean()]));
    expect(await answer).toMatchObject({
      source: "upstream",
      result: { features: [{ hasAccess: true }], fallbacks: undefined },
    });
  });

  it("is made in the caller's turn, since many may have waited for the same state", async () => {
    const core = buildCore();
    const turns: (() => void)[] = [];
    const takeTurn = () => new Promise<void>((resolve) => turns.push(resolve));
    const answers = [1, 2].map(() => core.list.list(subject, { ...NO_HURRY, takeTurn }));
    let made = 0;
    for (const answer of answers) void Promise.resolve(answer).then(() => made++);
    (await core.upstream.fetches.at(0)).answer(stateWith([boolean()]));
    await settled();
    expect({ waiting: turns.length, made }).toEqual({ waiting: 2, made: 0 });
    turns.shift()?.();
    await settled();
    expect(made).toBe(1);
  });

  it("is that of the configured fallbacks where nothing can be known", async () => {
    const core = buildCore({ fallbacks: { seats: { hasAccess: true, usageLimit: 5 }, sso: { hasAccess: false } } });
    const answer = core.list.list(subject, NO_HURRY);
    (await core.upstream.fetches.at(0)).fail();
    const { result, source } = await answer;
    expect(source).toBe("fallback");
    expect(result).toMatchObject({ features: [], credits: [], accessDeniedReason: "Unknown" });
    expect(Object.fromEntries(result.fallbacks ?? [])).toEqual({
      seats: { hasAccess: true, usageLimit: 5 },
      sso: { hasAccess: false },
    });
  });

  it("is what was known where upstream fails", async () => {
    const core = buildCore({ fallbacks: { seats: { hasAccess: true } } });
    await know(core, subject, stateWith([boolean()]));
    await core.cache.markAllUnverified();
    const answer = core.list.list(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).fail();
    expect(await answer).toMatchObject({
      source: "stale",
      result: { features: [{ hasAccess: true }], fallbacks: undefined },
    });
  });
});
