import { type ResetPeriod, usagePeriodAt } from "../../../src/domain/usage/usage-period.js";
import { periodOf } from "../calendar.js";
import { someTime } from "../generate.js";
import { differenceAt, type Kind } from "../kind.js";

interface PeriodCase {
  readonly anchor: number;
  readonly reset: ResetPeriod;
  readonly now: number;
}

const RANGE = Date.UTC(2200, 0, 1);

/** The usage period that contains a time. */
export const PERIODS: Kind<PeriodCase> = {
  name: "periods",
  share: 10,
  generate: (random) => ({
    anchor: random.chance(0.5) ? someTime(random) : random.below(2 * RANGE) - RANGE,
    reset: random.pick(["YEAR", "MONTH", "WEEK", "DAY", "HOUR"] as const),
    now: random.chance(0.5) ? someTime(random) : random.below(2 * RANGE) - RANGE,
  }),
  run: ({ anchor, reset, now }) =>
    differenceAt("the period", usagePeriodAt(anchor, reset, now), periodOf(anchor, reset, now)),
};
