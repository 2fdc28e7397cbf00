import { describe, expect, it } from "@jest/globals";
import type { Answer } from "../../../../src/application/answer.js";
import {
  DECISION_LOG_KINDS,
  type DecisionLogKind,
  LogDecisions,
} from "../../../../src/application/check/log-decisions.js";
import type { FallbackValues } from "../../../../src/domain/decision/fallback.js";
import type { DecisionLog, LoggedDecision } from "../../../../src/ports/checks.js";
import { buildCore, know, NO_HURRY } from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { enumerated, metered, stateWith, wallet } from "../../../builders/states.js";

class RecordingDecisionLog implements DecisionLog {
  readonly decisions: LoggedDecision[] = [];
  isFull = false;

  write(decision: LoggedDecision): string | undefined {
    if (this.isFull) return undefined;
    return `decision ${this.decisions.push(decision)}`;
  }
}

const subject = { customerId: "c" };
const KNOWN = stateWith([metered(), enumerated()], { credits: [wallet({ used: 40 })] });

/** Checks of a customer of whom everything is cached, written down as `kind` says. */
async function logging(kind: DecisionLogKind, { sample = 1, random }: { sample?: number; random?: () => number } = {}) {
  const core = buildCore();
  await know(core, subject, KNOWN);
  const log = new RecordingDecisionLog();
  const check = new LogDecisions(core.check, log, { kind, sample, ...(random && { random }) });
  const seats = (requestedUsage: number, customerId = "c", resourceId?: string) =>
    check.feature(customerId, resourceId, featureQuery("seats", { requestedUsage }), NO_HURRY) as Answer<unknown>;
  const grant = () => seats(1);
  const deny = () => seats(3);
  /** A fallback: it is asked as what it is not. */
  const makeUp = (fallback: FallbackValues) =>
    check.feature("c", undefined, featureQuery("seats", { kind: "enum", fallback }), NO_HURRY) as Answer<unknown>;
  return { core, log, check, seats, grant, deny, makeUp };
}

describe("which decisions are written down", () => {
  const written: Record<DecisionLogKind, readonly string[]> = {
    off: [],
    denials: ["denied", "denied again", "made-up denial"],
    fallbacks: ["made-up grant", "made-up denial"],
    changes: ["granted", "denied", "made-up grant", "made-up denial"],
    all: ["granted", "denied", "denied again", "made-up grant", "made-up denial"],
  };

  it.each(DECISION_LOG_KINDS)("%s", async (kind) => {
    const { log, grant, deny, makeUp } = await logging(kind);
    const seen: string[] = [];
    const ask = (name: string, answer: () => Answer<unknown>) => {
      const before = log.decisions.length;
      const { decisionId } = answer();
      expect(decisionId).toBe(log.decisions.length > before ? `decision ${before + 1}` : undefined);
      if (decisionId !== undefined) seen.push(name);
    };
    ask("granted", grant);
    ask("denied", deny);
    ask("denied again", deny);
    ask("made-up grant", () => makeUp({ hasAccess: true }));
    ask("made-up denial", () => makeUp({ hasAccess: false }));
    expect(seen).toEqual(written[kind]);
  });

  it.each([
    { drawn: 0, sample: 0.25, isWritten: true },
    { drawn: 0.249, sample: 0.25, isWritten: true },
    { drawn: 0.25, sample: 0.25, isWritten: false },
    { drawn: 0.999, sample: 1, isWritten: true },
  ])("a sample of $sample: $isWritten where $drawn is drawn", async ({ drawn, sample, isWritten }) => {
    const { log, grant } = await logging("all", { sample, random: () => drawn });
    grant();
    expect(log.decisions).toHaveLength(isWritten ? 1 : 0);
  });

  it("changes of each customer, resource and feature apart, and not of what else is asked between", async () => {
    const { log, core, check, seats } = await logging("changes");
    for (const other of [{ customerId: "d" }, { customerId: "c", resourceId: "r" }]) await know(core, other, KNOWN);
    for (let i = 0; i < 3; i++) {
      seats(1);
      seats(1, "d");
      seats(1, "c", "r");
      await check.feature("c", undefined, featureQuery("regions"), NO_HURRY);
      await check.credit("c", undefined, creditQuery("credits"), NO_HURRY);
    }
    expect(log.decisions.map(({ customerId, resourceId, id }) => [customerId, resourceId, id])).toEqual([
      ["c", undefined, "seats"],
      ["d", undefined, "seats"],
      ["c", "r", "seats"],
      ["c", undefined, "regions"],
      ["c", undefined, "credits"],
    ]);
  });

  it("changes are still known once many others were asked about, and forgotten once twice as many were", async () => {
    const { log, grant, core } = await logging("changes");
    const check = new LogDecisions(core.check, log, { kind: "changes", sample: 1 });
    const askAboutOthers = (from: number, count: number) => {
      for (let i = from; i < from + count; i++)
        void check.feature("c", undefined, featureQuery(`unknown ${i}`), NO_HURRY);
    };
    const isWritten = () => {
      const before = log.decisions.length;
      void check.feature("c", undefined, featureQuery("seats"), NO_HURRY);
      return log.decisions.length > before;
    };
    grant();
    expect(isWritten()).toBe(true);
    askAboutOthers(0, 60_000);
    expect(isWritten()).toBe(false);
    askAboutOthers(60_000, 150_000);
    expect(isWritten()).toBe(true);
  });
});

describe("what is written of a decision", () => {
  it("is all that it was decided by, of a feature", async () => {
    const { core, log, deny } = await logging("all");
    deny();
    expect(log.decisions).toEqual([
      {
        customerId: "c",
        resourceId: undefined,
        type: "feature",
        id: "seats",
        requestedUsage: 3,
        requestedValues: undefined,
        hasAccess: false,
        reason: "RequestedUsageExceedingLimit",
        isFallback: false,
        source: "memory",
        verifiedAt: core.clock.now(),
        used: 8,
        limit: 10,
      },
    ]);
  });

  it("is all that it was decided by, of a wallet", async () => {
    const { log, check } = await logging("all");
    await check.credit("c", undefined, creditQuery("credits", { requestedUsage: 60 }), NO_HURRY);
    expect(log.decisions).toMatchObject([
      {
        type: "credit",
        id: "credits",
        requestedUsage: 60,
        requestedValues: undefined,
        hasAccess: true,
        used: 40,
        limit: 100,
      },
    ]);
  });

  it("names the values that were asked for", async () => {
    const { log, check } = await logging("all");
    await check.feature("c", undefined, featureQuery("regions", { requestedValues: ["a", "x"] }), NO_HURRY);
    expect(log.decisions).toMatchObject([{ requestedValues: ["a", "x"], reason: "RequestedValuesMismatch" }]);
  });

  it("says that it was made up", async () => {
    const { log, makeUp } = await logging("all");
    makeUp({ hasAccess: true });
    expect(log.decisions).toMatchObject([{ hasAccess: true, reason: "FeatureTypeMismatch", isFallback: true }]);
  });
});

describe("the answer to a check whose decision is written down", () => {
  it("is the same but for the decision's id, at once where it is cached", async () => {
    const { core, check } = await logging("all");
    const query = featureQuery("seats");
    const answer = check.feature("c", undefined, query, NO_HURRY);
    expect(answer).not.toHaveProperty("then");
    expect(answer).toEqual({
      ...(await core.check.feature("c", undefined, query, NO_HURRY)),
      decisionId: "decision 1",
    });
  });

  it("comes once upstream has answered, where it is not", async () => {
    const { core, check, log } = await logging("all");
    const feature = check.feature("new", undefined, featureQuery("seats"), NO_HURRY);
    const credit = check.credit("new", undefined, creditQuery("credits"), NO_HURRY);
    (await core.upstream.fetches.at(1)).answer(KNOWN);
    expect(await feature).toMatchObject({ source: "upstream", decisionId: "decision 1" });
    expect(await credit).toMatchObject({ source: "upstream", decisionId: "decision 2" });
    expect(log.decisions.map(({ type, source }) => [type, source])).toEqual([
      ["feature", "upstream"],
      ["credit", "upstream"],
    ]);
  });

  it("has no id where the log has no room", async () => {
    const { log, grant } = await logging("all");
    log.isFull = true;
    expect(grant()).toMatchObject({ source: "memory", decisionId: undefined });
  });
});

it("asks for the caller's own names for a call only where its decision is written down", async () => {
  const { log, check } = await logging("denials");
  let asked = 0;
  const call = {
    ...NO_HURRY,
    get origin() {
      asked++;
      return { requestId: "request 1" };
    },
  };
  void check.feature("c", undefined, featureQuery("seats", { requestedUsage: 1 }), call);
  expect(asked).toBe(0);
  void check.feature("c", undefined, featureQuery("seats", { requestedUsage: 3 }), call);
  expect(asked).toBe(1);
  expect(log.decisions).toMatchObject([{ requestId: "request 1" }]);
});
