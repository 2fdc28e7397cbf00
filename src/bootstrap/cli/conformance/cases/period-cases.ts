import { STARTED_AT } from "../conformance-catalog.js";
import { cases, granted, questions, rawMetered, rawState } from "./questions.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Period {
  readonly start: number;
  readonly end: number;
}

/** The step of equal length that contains a time. */
function stepOf(lengthMs: number, anchor: number, now: number): Period {
  const start = anchor + Math.floor((now - anchor) / lengthMs) * lengthMs;
  return { start, end: start + lengthMs };
}

/** The same of months, each counted from the anchor: a month that lacks its day ends the step on its last one. */
function monthsOf(months: number, anchor: number, now: number): Period {
  const at = (index: number): number => {
    const date = new Date(anchor);
    const day = date.getUTCDate();
    date.setUTCDate(1);
    date.setUTCMonth(date.getUTCMonth() + index * months);
    const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
    date.setUTCDate(Math.min(day, lastDay));
    return date.getTime();
  };
  let index = 0;
  while (at(index + 1) <= now) index++;
  return { start: at(index), end: at(index + 1) };
}

const MONDAY = Date.parse("2024-01-01T00:00:00Z");
const PERIODS: readonly (readonly [featureId: string, name: string, period: (now: number) => Period])[] = [
  ["hourly", "HOUR", (now) => stepOf(HOUR_MS, STARTED_AT, now)],
  ["daily", "DAY", (now) => stepOf(DAY_MS, STARTED_AT, now)],
  ["weekly", "WEEK", (now) => stepOf(7 * DAY_MS, MONDAY, now)],
  ["monthly", "MONTH", (now) => monthsOf(1, STARTED_AT, now)],
  ["month-start", "MONTH", (now) => monthsOf(1, MONDAY, now)],
  ["yearly", "YEAR", (now) => monthsOf(12, STARTED_AT, now)],
];

/** One of these timestamps: a period may end while the case is run. */
function oneOf(...timestamps: readonly number[]) {
  return (value: unknown): string | undefined =>
    typeof value === "string" && timestamps.includes(Date.parse(value))
      ? undefined
      : `must be ${new Date(timestamps[0] ?? NaN).toISOString()}`;
}

export const PERIOD_CASES = [
  ...cases(
    "usage periods",
    PERIODS.map(([featureId, name, period]) => [
      `${featureId}: begins and ends by whole calendar steps from its anchor`,
      async ({ who, answers }) => {
        const { start, end } = period(Date.now());
        const next = period(end).end;
        await answers(
          "getMeteredEntitlement",
          { customerId: who("acme"), featureId },
          {
            ...granted,
            entitlement: {
              usageLimit: 100,
              resetPeriod: `ENTITLEMENT_RESET_PERIOD_${name}`,
              usagePeriodStart: oneOf(start, end),
              usagePeriodEnd: oneOf(end, next),
              nextResetDate: oneOf(end, next),
            },
          },
        );
      },
    ]),
  ),
  ...questions("usage periods", [
    {
      title: "usage that is never reset has no period",
      method: "getMeteredEntitlement",
      request: { featureId: "seats" },
      expected: {
        entitlement: {
          resetPeriod: undefined,
          nextResetDate: undefined,
          usagePeriodStart: undefined,
          usagePeriodEnd: undefined,
        },
      },
    },
  ]),
  ...cases(
    "usage periods",
    (["getMeteredEntitlement", "getEntitlement", "getEntitlementV2"] as const).map((method) => [
      `${method}: usage of a period that is over counts no more`,
      async ({ nextState, stranger, answers }) => {
        const now = Date.now();
        const { start, end } = stepOf(DAY_MS, STARTED_AT, now);
        const entitlement = {
          currentUsage: 0,
          usagePeriodStart: oneOf(start, end),
          usagePeriodEnd: oneOf(end, end + DAY_MS),
        };
        await nextState(
          rawState([
            rawMetered({
              id: "daily",
              currentUsage: 10,
              resetPeriod: "DAY",
              anchor: new Date(STARTED_AT).toISOString(),
              periodStart: new Date(start - DAY_MS).toISOString(),
              periodEnd: new Date(start).toISOString(),
            }),
          ]),
        );
        const expected = { ...granted, [method === "getMeteredEntitlement" ? "entitlement" : "metered"]: entitlement };
        await answers(
          method,
          { customerId: stranger(), featureId: "daily", options: { requestedUsage: 10 } },
          method === "getEntitlementV2" ? { entitlement: expected } : expected,
        );
      },
    ]),
  ),
  ...cases("usage periods", [
    [
      "usage of a period that is not over counts",
      async ({ nextState, stranger, answers }) => {
        const { start, end } = stepOf(7 * DAY_MS, MONDAY, Date.now());
        await nextState(
          rawState([
            rawMetered({
              id: "weekly",
              currentUsage: 10,
              resetPeriod: "WEEK",
              anchor: new Date(MONDAY).toISOString(),
              periodStart: new Date(start).toISOString(),
              periodEnd: new Date(end).toISOString(),
            }),
          ]),
        );
        await answers(
          "getMeteredEntitlement",
          { customerId: stranger(), featureId: "weekly", options: { requestedUsage: 1 } },
          { hasAccess: false, entitlement: { currentUsage: 10, usagePeriodEnd: oneOf(end) } },
        );
      },
    ],
  ]),
];
