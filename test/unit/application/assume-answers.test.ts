import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { GrantedAmounts } from "../../../src/application/check/assume-answers.js";
import type { FailurePolicy } from "../../../src/domain/decision/failure-policy.js";
import { BUDGET_MS, buildCore, know, NO_HURRY } from "../../builders/core.js";
import { creditQuery, featureQuery } from "../../builders/queries.js";
import { boolean, emptyState, metered, stateWith } from "../../builders/states.js";

const HOUR_MS = 3_600_000;
const subject = { customerId: "c" };
const GRANTING = stateWith([metered()]);
const USED_UP = stateWith([metered({ used: 10 })]);
const REVOKED = stateWith([metered({ accessDeniedReason: "Revoked" })]);
const NOT_HAD = stateWith([boolean({ id: "other" })]);

/** A check once upstream is away, of a customer of whom something (or nothing) was known an hour ago. */
async function checkInOutage(
  policy: FailurePolicy,
  known: ReturnType<typeof stateWith> | undefined,
  query = featureQuery("seats", { requestedUsage: 1 }),
  ageMs = HOUR_MS,
) {
  const core = buildCore({ policies: { seats: policy }, isConnected: false });
  if (known !== undefined) await know(core, subject, known);
  await core.cache.markAllUnverified();
  core.clock.advance(ageMs);
  const answer = core.check.feature("c", undefined, query, NO_HURRY);
  core.clock.advance(BUDGET_MS);
  return { core, ...(await answer) };
}

const ALLOW: FailurePolicy = { answer: "allow" };
const DENY: FailurePolicy = { answer: "deny" };
const LAST_KNOWN: FailurePolicy = { answer: "last-known", maxAgeMs: 2 * HOUR_MS };
const TOO_OLD: FailurePolicy = { answer: "last-known", maxAgeMs: HOUR_MS / 2 };
const SOME: FailurePolicy = { answer: "allow-up-to", amount: 2, perMs: HOUR_MS };
const GRACE: FailurePolicy = { answer: "grace", forMs: 2 * HOUR_MS };
const GRACE_IS_OVER: FailurePolicy = { answer: "grace", forMs: HOUR_MS / 2 };
const ALL = [ALLOW, DENY, LAST_KNOWN, TOO_OLD, SOME, GRACE, GRACE_IS_OVER];

describe("where nothing fresh can be had", () => {
  it.each([
    ["deny", DENY, GRANTING, false, "assumed"],
    ["deny", DENY, undefined, false, "assumed"],
    ["allow", ALLOW, GRANTING, true, "stale"],
    ["allow", ALLOW, undefined, true, "assumed"],
    ["last-known", LAST_KNOWN, GRANTING, true, "stale"],
    ["last-known, too old", TOO_OLD, GRANTING, false, "assumed"],
    ["last-known", LAST_KNOWN, undefined, false, "assumed"],
    ["allow-up-to", SOME, GRANTING, true, "stale"],
    ["allow-up-to", SOME, undefined, true, "assumed"],
    ["grace", GRACE, GRANTING, true, "stale"],
    ["grace that is over", GRACE_IS_OVER, GRANTING, false, "assumed"],
    ["grace where nothing was ever fresh", GRACE, undefined, false, "assumed"],
  ] as const)("%s answers as it says (%#)", async (_, policy, known, hasAccess, source) => {
    const { result, ...answer } = await checkInOutage(policy, known);
    expect({ hasAccess: result.hasAccess, source: answer.source, isMarked: result.fallback !== undefined }).toEqual({
      hasAccess,
      source,
      isMarked: source === "assumed",
    });
    expect(answer.assumed?.policy).toBe(source === "assumed" ? policy.answer : undefined);
  });

  it.each([REVOKED, USED_UP, NOT_HAD, emptyState("CustomerIsArchived")])(
    "what is known to be denied stays denied under every policy (%#)",
    async (known) => {
      for (const policy of ALL)
        expect(await checkInOutage(policy, known)).toMatchObject({
          source: "stale",
          result: { hasAccess: false, fallback: undefined },
        });
    },
  );

  it("the request's own fallback goes before it, and the operator's", async () => {
    const own = await checkInOutage(DENY, undefined, featureQuery("seats", { fallback: { hasAccess: true } }));
    expect(own).toMatchObject({ source: "fallback", result: { hasAccess: true } });
    const core = buildCore({ policies: { seats: DENY }, fallbacks: { seats: { hasAccess: true } } });
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    core.clock.advance(BUDGET_MS);
    expect(await answer).toMatchObject({ source: "fallback", result: { hasAccess: true } });
  });

  it("is counted, and not as a fallback", async () => {
    const { core } = await checkInOutage(ALLOW, undefined);
    expect(core.telemetry.answers).toMatchObject({ fallback: 0, assumed: 1 });
    expect(core.telemetry.assumedAnswers.granted.allow).toBe(1);
  });

  it("a feature without a policy is answered as without any", async () => {
    const core = buildCore({ policies: { seats: ALLOW } });
    const answer = core.check.feature("c", undefined, featureQuery("other"), NO_HURRY);
    core.clock.advance(BUDGET_MS);
    expect(await answer).toMatchObject({ source: "fallback", result: { hasAccess: false } });
  });

  it("a wallet takes the policy of its currency", async () => {
    const core = buildCore({ policies: { tokens: ALLOW } });
    const answer = core.check.credit("c", undefined, creditQuery("tokens"), NO_HURRY);
    core.clock.advance(BUDGET_MS);
    expect(await answer).toMatchObject({ source: "assumed", result: { hasAccess: true } });
  });
});

describe("a clock that is set back", () => {
  it("does not grant again what was granted", async () => {
    const core = buildCore({ policies: { seats: SOME }, isConnected: false });
    const check = async () => {
      const answer = core.check.feature("c", undefined, featureQuery("seats", { requestedUsage: 2 }), NO_HURRY);
      core.clock.advance(BUDGET_MS);
      return (await answer).result.hasAccess;
    };
    expect(await check()).toBe(true);
    core.clock.set(core.clock.now() - 2 * HOUR_MS);
    expect(await check()).toBe(false);
    core.clock.advance(HOUR_MS);
    expect(await check()).toBe(true);
  });

  it("does not make a grace longer", async () => {
    const core = buildCore({ policies: { seats: GRACE }, isConnected: false });
    const check = async (customerId: string) => {
      const answer = core.check.feature(customerId, undefined, featureQuery("seats"), NO_HURRY);
      core.clock.advance(BUDGET_MS);
      return (await answer).result.hasAccess;
    };
    const fresh = core.check.feature("d", undefined, featureQuery("seats"), NO_HURRY);
    (await core.upstream.fetches.at(0)).answer(GRANTING);
    await fresh;
    core.clock.set(core.clock.now() - 24 * HOUR_MS);
    expect(await check("c")).toBe(true);
    core.clock.advance(2 * HOUR_MS);
    expect(await check("c")).toBe(false);
  });
});

describe("a cached state that a policy would not let serve", () => {
  it("is asked for again while the check waits, and serves where it is fresh then", async () => {
    const core = buildCore({ policies: { seats: TOO_OLD } });
    await know(core, subject, GRANTING);
    core.clock.advance(HOUR_MS);
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(GRANTING);
    expect(await answer).toMatchObject({ source: "upstream", result: { hasAccess: true } });
  });

  it("is denied where it cannot be had afresh", async () => {
    const core = buildCore({ policies: { seats: TOO_OLD } });
    await know(core, subject, GRANTING);
    core.clock.advance(HOUR_MS);
    const answer = core.check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
    core.clock.advance(BUDGET_MS);
    expect(await answer).toMatchObject({ source: "assumed", result: { hasAccess: false } });
  });
});

describe("amounts that are granted without knowing", () => {
  it("never exceed the limit within a time, of whoever and whatever", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.constantFrom("f", "g"), fc.integer({ min: 0, max: 5 }))),
        (grants) => {
          const amounts = new GrantedAmounts();
          const total = new Map<string, number>();
          for (const [customerId, featureId, amount] of grants) {
            const name = `${customerId} ${featureId}`;
            const before = total.get(name) ?? 0;
            const isGranted = amounts.grant(featureId, { customerId }, amount, 7, HOUR_MS, 1_000);
            expect(isGranted).toBe(before + amount <= 7 && (amount > 0 || before < 7 || before + amount <= 7));
            if (isGranted) total.set(name, before + amount);
          }
        },
      ),
    );
  });

  it("add up as decimals: what fits exactly is granted", () => {
    const amounts = new GrantedAmounts();
    const granted = [1, 2, 3, 4, 5].map(() => amounts.grant("f", subject, 0.1, 0.4, HOUR_MS, 0));
    expect(granted).toEqual([true, true, true, true, false]);
  });

  it("are not forgotten before their time, however many others were counted, and however long ago", () => {
    const amounts = new GrantedAmounts(2);
    expect(amounts.grant("short", { customerId: "d" }, 1, 1, 100, 0)).toBe(true);
    expect(amounts.grant("long", subject, 2, 2, 1_000, 900)).toBe(true);
    for (const now of [901, 1_000, 1_100, 1_899]) {
      expect(amounts.grant("long", subject, 1, 2, 1_000, now)).toBe(false);
      amounts.grant("short", { customerId: String(now) }, 1, 1, 100, now);
    }
    expect(amounts.grant("long", subject, 1, 2, 1_000, 1_900)).toBe(true);
  });

  it("begin anew once the time is over, and are bounded in number", () => {
    const amounts = new GrantedAmounts(1);
    expect(amounts.grant("f", subject, 2, 2, 100, 0)).toBe(true);
    expect(amounts.grant("f", subject, 1, 2, 100, 99)).toBe(false);
    expect(amounts.grant("f", { customerId: "d" }, 1, 2, 100, 99)).toBe(false);
    expect(amounts.grant("f", subject, 1, 2, 100, 100)).toBe(true);
    expect(amounts.grant("f", { customerId: "d" }, 1, 2, 100, 200)).toBe(false);
    expect(amounts.grant("f", { customerId: "d" }, 1, 2, 100, 300)).toBe(true);
  });
});
