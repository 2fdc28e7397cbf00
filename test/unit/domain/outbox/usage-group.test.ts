import { describe, expect, it } from "@jest/globals";
import { isGroupCurrent, usageGroup } from "../../../../src/domain/outbox/usage-group.js";
import { boolean, metered, stateWith } from "../../../builders/states.js";

const HOUR_MS = 3_600_000;
const START = 1_000 * HOUR_MS;
const END = START + HOUR_MS;
const AT = START + 1_500;

const hourly = (usage: { periodAnchor?: number; periodStart?: number; periodEnd?: number }) =>
  stateWith([metered({ resetPeriod: "HOUR", usage: { currentUsage: 1, ...usage } })]);

/** Its own second, which no period's end can be mistaken for. */
const secondOf = (timestamp: number) => -1 - Math.floor(timestamp / 1_000);

describe("reports that go together are those", () => {
  it.each([
    { of: "one second, where nothing is known", state: undefined, at: AT, group: secondOf(AT) },
    { of: "one second, of a feature that is not had", state: stateWith([]), at: AT, group: secondOf(AT) },
    {
      of: "one second, of a feature that is not metered",
      state: stateWith([boolean({ id: "seats" })]),
      at: AT,
      group: secondOf(AT),
    },
    { of: "all times, where usage never begins again", state: stateWith([metered()]), at: AT, group: Infinity },
    { of: "one second, where it is not known when it begins again", state: hourly({}), at: AT, group: secondOf(AT) },
    { of: "one period", state: hourly({ periodStart: START, periodEnd: END }), at: AT, group: END },
    { of: "a period with its very end", state: hourly({ periodStart: START, periodEnd: END }), at: END, group: END },
    {
      of: "the next period, once this one is over",
      state: hourly({ periodAnchor: START, periodStart: START, periodEnd: END }),
      at: END + 1,
      group: END + HOUR_MS,
    },
    {
      of: "one second, once this one is over and it is not known when the next one ends",
      state: hourly({ periodStart: START, periodEnd: END }),
      at: END + 1,
      group: secondOf(END + 1),
    },
    {
      of: "one second, from before the period",
      state: hourly({ periodStart: START, periodEnd: END }),
      at: START - 1,
      group: secondOf(START - 1),
    },
    {
      of: "one second, where the period's start is not known",
      state: hourly({ periodEnd: END }),
      at: AT,
      group: secondOf(AT),
    },
    { of: "the first second, from before all times", state: undefined, at: -5_000, group: -1 },
  ])("of $of", ({ state, at, group }) => expect(usageGroup(state, "seats", at)).toBe(group));
});

describe("a group belongs to the present period", () => {
  it.each([
    { group: Infinity, isCurrent: true, why: "there are no periods" },
    { group: secondOf(START), isCurrent: true, why: "its period is not known" },
    { group: END, isCurrent: true, why: "its period is not over" },
    { group: AT, isCurrent: true, why: "its period is at its very end" },
    { group: AT - 1, isCurrent: false, why: "its period is over" },
  ])("$isCurrent, where $why", ({ group, isCurrent }) => expect(isGroupCurrent(group, AT)).toBe(isCurrent));
});
