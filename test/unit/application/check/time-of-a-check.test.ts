import { describe, expect, it } from "@jest/globals";
import type { CallContext } from "../../../../src/application/answer.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { BUDGET_MS, buildCore, DEADLINE_MARGIN_MS, FETCH_TIMEOUT_MS, know, NO_HURRY } from "../../../builders/core.js";
import { metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";

const subject: Subject = { customerId: "c" };
const withLimit = (usageLimit: number): CustomerState => stateWith([metered({ usageLimit })]);
const limitOf = (found: { readonly state: CustomerState | undefined } | undefined) =>
  found?.state?.feature("seats")?.usageLimit;

describe("the time that a check takes", () => {
  it("ends with its budget: then what is known serves, and what upstream says later is known to the next", async () => {
    const core = buildCore();
    await know(core, subject, withLimit(1));
    await core.cache.markAllUnverified();
    const found = core.states.find(subject, NO_HURRY);
    const fetch = await core.upstream.fetches.at(1);
    core.clock.advance(BUDGET_MS);
    expect(await found).toMatchObject({ source: "stale" });
    fetch.answer(withLimit(2));
    await promisesSettled();
    expect(limitOf(core.states.findCached("c", undefined, core.clock.now()))).toBe(2);
  });

  it("does not end before its budget", async () => {
    const core = buildCore();
    const found = core.states.find(subject, NO_HURRY);
    const fetch = await core.upstream.fetches.at(0);
    core.clock.advance(BUDGET_MS - 1);
    fetch.answer(withLimit(1));
    expect((await found).source).toBe("upstream");
  });

  it.each([
    { when: "the caller's deadline is sooner", deadlineIn: 200, endsIn: 200 - DEADLINE_MARGIN_MS },
    { when: "the caller's deadline is later", deadlineIn: 60_000, endsIn: BUDGET_MS },
    { when: "the deadline leaves no more than the margin", deadlineIn: DEADLINE_MARGIN_MS, endsIn: 0 },
    { when: "the deadline has passed", deadlineIn: -1_000, endsIn: 0 },
  ])("ends in $endsIn ms where $when", async ({ deadlineIn, endsIn }) => {
    const core = buildCore();
    let isAnswered = false;
    const found = core.states.find(subject, { deadlineAt: core.clock.now() + deadlineIn, signal: undefined });
    void found.then(() => (isAnswered = true));
    await core.upstream.fetches.at(0);
    if (endsIn > 0) {
      core.clock.advance(endsIn - 1);
      await promisesSettled();
      expect(isAnswered).toBe(false);
      core.clock.advance(1);
    } else core.clock.advance(0);
    expect((await found).source).toBe("fallback");
  });

  it("of one in a hurry does not cut short the others', nor the fetch", async () => {
    const core = buildCore();
    const hurried = core.states.find(subject, { deadlineAt: core.clock.now() + 100, signal: undefined });
    const patient = core.states.find(subject, NO_HURRY);
    const fetch = await core.upstream.fetches.at(0);
    core.clock.advance(100);
    expect((await hurried).source).toBe("fallback");
    fetch.answer(withLimit(1));
    expect((await patient).source).toBe("upstream");
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("of a fetch that hangs ends as well, so that later checks ask anew", async () => {
    const core = buildCore();
    const first = core.states.find(subject, NO_HURRY);
    await core.upstream.fetches.at(0);
    core.clock.advance(FETCH_TIMEOUT_MS);
    expect((await first).source).toBe("fallback");
    await promisesSettled();
    const later = core.states.find(subject, NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(withLimit(1));
    expect((await later).source).toBe("upstream");
  });
});

describe("callers who go away", () => {
  it("of 200 who wait, 199 go: upstream was asked once, and the last one learns", async () => {
    const core = buildCore();
    const callers = Array.from({ length: 200 }, () => new AbortController());
    const found = callers.map(({ signal }) => core.states.find(subject, { deadlineAt: undefined, signal }));
    const fetch = await core.upstream.fetches.at(0);
    await promisesSettled();
    for (const caller of callers.slice(0, 199)) caller.abort();
    const gone = await Promise.allSettled(found.slice(0, 199));
    expect(
      gone.every(
        (outcome) => outcome.status === "rejected" && (outcome.reason as { code: string }).code === "cancelled",
      ),
    ).toBe(true);
    expect(fetch.signal.aborted).toBe(false);
    fetch.answer(withLimit(1));
    expect((await found[199])?.source).toBe("upstream");
    expect(core.upstream.fetches.count).toBe(1);
    expect(core.clock.pendingTimers).toBe(0);
  });

  it("before they are answered, are told so", async () => {
    const core = buildCore();
    const call: CallContext = { deadlineAt: undefined, signal: AbortSignal.abort() };
    await expect(core.states.find(subject, call)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("do not take with them a failure of upstream that others have", async () => {
    const core = buildCore();
    const caller = new AbortController();
    const found = core.states.find(subject, { deadlineAt: undefined, signal: caller.signal });
    (await core.upstream.fetches.at(0)).fail();
    expect((await found).source).toBe("fallback");
  });
});
