import { describe, expect, it } from "@jest/globals";
import { optionsForReport } from "../../../../src/application/report/report-usage.js";

const aborted = AbortSignal.abort();
const live = new AbortController().signal;

describe("a report's options", () => {
  it.each([
    { caller: "has no signal", call: { signal: undefined }, isAborted: false },
    { caller: "is there", call: { signal: live }, isAborted: false },
    { caller: "went away", call: { signal: aborted }, isAborted: true },
    { caller: "says itself that it went away", call: { signal: undefined, isAborted: true }, isAborted: true },
    { caller: "says itself that it is there", call: { signal: aborted, isAborted: false }, isAborted: false },
  ])("say whether its caller went away: $isAborted, where it $caller", ({ call, isAborted }) => {
    expect(optionsForReport({ deadlineAt: undefined, ...call }).isAborted).toBe(isAborted);
  });

  it("have the caller's signal, or one of their own that never aborts", () => {
    expect(optionsForReport({ deadlineAt: undefined, signal: live }).signal).toBe(live);
    const [one, other] = [1, 2].map(() => optionsForReport({ deadlineAt: undefined, signal: undefined }).signal);
    expect(one).not.toBe(other);
    expect(one?.aborted).toBe(false);
  });
});
