import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import type { FailurePolicy } from "../../../../src/domain/decision/failure-policy.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import {
  CURRENCY_IDS,
  enumValues,
  fallbackValues,
  FEATURE_IDS,
  optional,
  requests,
  states,
} from "../../../builders/arbitraries.js";
import { buildCore, type Core, know, NO_HURRY } from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { usageReport } from "../../../builders/reports.js";
import { metered, stateWith } from "../../../builders/states.js";

const HOUR_MS = 3_600_000;
const SUBJECT = { customerId: "c" };

const policies: fc.Arbitrary<FailurePolicy> = fc.oneof(
  fc.constantFrom<FailurePolicy>({ answer: "allow" }, { answer: "deny" }),
  fc.constantFrom(HOUR_MS / 2, 2 * HOUR_MS).map((maxAgeMs) => ({ answer: "last-known" as const, maxAgeMs })),
  fc.constantFrom(HOUR_MS / 2, 2 * HOUR_MS).map((forMs) => ({ answer: "grace" as const, forMs })),
  fc.integer({ min: 0, max: 20 }).map((amount) => ({ answer: "allow-up-to" as const, amount, perMs: HOUR_MS })),
);

const questions = fc.record({
  question: fc.oneof(
    fc.constantFrom(...FEATURE_IDS, "unknown").map((id) => ({ type: "feature" as const, id })),
    fc.constantFrom(...CURRENCY_IDS).map((id) => ({ type: "credit" as const, id })),
  ),
  requestedUsage: optional(requests),
  requestedValues: enumValues,
});

const situations = fc.record({
  /** Cached an age ago. */
  known: optional(states),
  ageMs: fc.constantFrom(0, HOUR_MS, 3 * HOUR_MS),
  isVouched: fc.boolean(),
  /** What upstream answers; undefined: nothing. */
  fetched: optional(states),
  accepted: fc.array(
    fc.record({
      featureId: fc.constantFrom(...FEATURE_IDS),
      value: fc.integer({ min: -5, max: 20 }),
      updateBehavior: fc.constantFrom("DELTA" as const, "SET" as const),
    }),
    { maxLength: 4 },
  ),
  policies: fc.dictionary(fc.constantFrom(...FEATURE_IDS, ...CURRENCY_IDS, "unknown"), policies),
  fallbacks: fc.dictionary(fc.constantFrom(...FEATURE_IDS), fallbackValues, { maxKeys: 1 }),
});

type Situation = typeof situations extends fc.Arbitrary<infer T> ? T : never;
type Question = typeof questions extends fc.Arbitrary<infer T> ? T : never;
interface CheckedAnswer {
  readonly hasAccess: boolean;
  readonly reason: string | undefined;
  readonly isFallback: boolean;
  readonly source: string;
}

/** The same each time that it is built of the same. */
async function coreIn({ known, ageMs, isVouched, fetched, accepted, policies, fallbacks }: Situation): Promise<Core> {
  const outbox = new OutboxState();
  const core = buildCore({ policies, fallbacks, isConnected: isVouched, accepted: outbox });
  if (known !== undefined) await know(core, SUBJECT, known);
  core.upstream.fetchState = () =>
    fetched === undefined ? Promise.reject(new CodedError("unavailable", "gone")) : Promise.resolve(fetched);
  if (!isVouched) await core.cache.markAllUnverified();
  core.clock.advance(ageMs);
  const timestamp = core.clock.now();
  for (const parts of accepted) {
    const item = outbox.reserve({ ...usageReport({ subject: SUBJECT, ...parts }), timestamp }, Infinity, timestamp);
    outbox.apply({ type: "usage-accepted", at: timestamp, items: [item] });
  }
  return core;
}

async function checked({ check }: Core, { question: { type, id }, ...parts }: Question): Promise<CheckedAnswer> {
  const { result, source } = await (type === "feature"
    ? check.feature("c", undefined, featureQuery(id, parts), NO_HURRY)
    : check.credit("c", undefined, creditQuery(id, { requestedUsage: parts.requestedUsage }), NO_HURRY));
  const { hasAccess, accessDeniedReason: reason, fallback } = result;
  return { hasAccess, reason, isFallback: fallback !== undefined, source };
}

function explained({ explain }: Core, { question, ...parts }: Question, cachedOnly = false) {
  return explain.explain({ subject: SUBJECT, ...question, ...parts, cachedOnly });
}

describe("an explanation says what a check answers", () => {
  it("of any state, however old, under any policy, with whatever was accepted since, and leaves nothing behind", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        situations,
        fc.array(questions, { maxLength: 3 }),
        questions,
        async (situation, before, question) => {
          const [one, other] = [await coreIn(situation), await coreIn(situation)];
          // What a policy grants up to an amount depends on what was granted before.
          for (const earlier of before) for (const core of [one, other]) await checked(core, earlier);
          const { answer, rules } = await explained(one, question);
          const check = await checked(other, question);
          expect(answer).toEqual(check);
          if (answer.source === "assumed")
            expect(rules.at(-1)).toMatchObject({ rule: "failure-policy", holds: answer.hasAccess });
          seen.add(answer.source);
          const held = rules.every(({ holds }) => holds);
          if (!answer.isFallback) expect(held).toBe(answer.hasAccess);
        },
      ),
      { numRuns: 2_000 },
    );
    // Else it would say less than it promises.
    expect([...seen].sort()).toEqual(["assumed", "fallback", "memory", "stale", "upstream"]);
  });

  it("and what it answers without upstream, too", async () => {
    await fc.assert(
      fc.asyncProperty(situations, questions, async (generated, question) => {
        const situation = { ...generated, fetched: undefined };
        const [one, other] = [await coreIn(situation), await coreIn(situation)];
        const { withoutUpstream } = await explained(one, question, true);
        expect(withoutUpstream).toEqual(await checked(other, question));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("an explanation counts what a check counts", () => {
  const state: CustomerState = stateWith([metered({ usageLimit: 10, used: 8 })]);
  const base: Situation = {
    known: state,
    ageMs: 0,
    isVouched: true,
    fetched: undefined,
    accepted: [],
    policies: {},
    fallbacks: {},
  };
  const question: Question = {
    question: { type: "feature", id: "seats" as never },
    requestedUsage: 1,
    requestedValues: [],
  };

  it("usage that was accepted and is not delivered yet, in the amounts of its rule", async () => {
    const accepted = [{ featureId: "seats" as never, value: 2, updateBehavior: "DELTA" as const }];
    const { answer, rules } = await explained(await coreIn({ ...base, accepted }), question);
    expect(answer).toMatchObject({ hasAccess: false, reason: "RequestedUsageExceedingLimit" });
    expect(rules.at(-1)).toMatchObject({ rule: "limit", saw: { used: 10, limit: 10, requested: 1 } });
  });

  it("grants of a policy, without taking of them", async () => {
    const policies = { seats: { answer: "allow-up-to" as const, amount: 1, perMs: HOUR_MS } };
    const core = await coreIn({ ...base, known: undefined, isVouched: false, policies });
    for (let i = 0; i < 3; i++)
      expect((await explained(core, question)).answer).toMatchObject({ hasAccess: true, source: "assumed" });
    expect(await checked(core, question)).toMatchObject({ hasAccess: true });
    expect((await explained(core, question)).answer).toMatchObject({ hasAccess: false, source: "assumed" });
    expect(core.telemetry.answers.assumed).toBe(1);
  });
});
