import { describe, expect, it } from "@jest/globals";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import { NO_USAGE, type Usage, usageAt } from "../../../src/domain/usage/usage.js";
import type { ResetPeriod } from "../../../src/domain/usage/usage-period.js";
import { featureQuery } from "../../builders/queries.js";
import { metered, stateWith } from "../../builders/states.js";

const JAN_15 = Date.UTC(2026, 0, 15);
const FEB_15 = Date.UTC(2026, 1, 15);
const MAR_15 = Date.UTC(2026, 2, 15);
const APR_15 = Date.UTC(2026, 3, 15);
const JANUARY: Usage = { currentUsage: 8, periodAnchor: JAN_15, periodStart: JAN_15, periodEnd: FEB_15, updatedAt: 5 };

interface Row {
  readonly when: string;
  readonly usage?: Usage;
  readonly reset?: ResetPeriod | null;
  readonly now: number;
  readonly reads: Usage;
}

describe("usage reads", () => {
  const rows: Row[] = [
    { when: "as told within its period", now: FEB_15 - 1, reads: JANUARY },
    { when: "as told exactly at the end of its period", now: FEB_15, reads: JANUARY },
    { when: "as told before its period", now: JAN_15 - 1, reads: JANUARY },
    {
      when: "0 in the next period a millisecond after the end",
      now: FEB_15 + 1,
      reads: { ...JANUARY, currentUsage: 0, periodStart: FEB_15, periodEnd: MAR_15 },
    },
    {
      when: "0 in the period of now, however many went by",
      now: MAR_15 + 1,
      reads: { ...JANUARY, currentUsage: 0, periodStart: MAR_15, periodEnd: APR_15 },
    },
    {
      when: "as told without an end",
      usage: { currentUsage: 8, periodAnchor: JAN_15 },
      now: APR_15,
      reads: { currentUsage: 8, periodAnchor: JAN_15 },
    },
    { when: "as told without any period", usage: { currentUsage: 8 }, now: APR_15, reads: { currentUsage: 8 } },
    {
      when: "0 and without a period where there is no anchor",
      usage: { currentUsage: 8, periodStart: JAN_15, periodEnd: FEB_15 },
      now: FEB_15 + 1,
      reads: { currentUsage: 0 },
    },
    {
      when: "0 and without a period where nothing resets",
      reset: null,
      now: FEB_15 + 1,
      reads: { currentUsage: 0, periodAnchor: JAN_15, updatedAt: 5 },
    },
    { when: "as told where nothing resets, up to its end", reset: null, now: FEB_15, reads: JANUARY },
    {
      when: "by the anchor, not by the period that was reported",
      usage: { ...JANUARY, periodAnchor: Date.UTC(2025, 0, 31) },
      now: Date.UTC(2026, 1, 28, 12),
      reads: {
        ...JANUARY,
        periodAnchor: Date.UTC(2025, 0, 31),
        currentUsage: 0,
        periodStart: Date.UTC(2026, 1, 28),
        periodEnd: Date.UTC(2026, 2, 31),
      },
    },
  ];

  it.each(rows)("$when", ({ usage = JANUARY, reset = "MONTH", now, reads }) => {
    expect(usageAt(usage, reset ?? undefined, now)).toEqual(reads);
  });

  it("keeps the time that orders it, so that rolling over never wins against changes", () => {
    expect(usageAt(JANUARY, "MONTH", APR_15).updatedAt).toBe(5);
  });

  it("takes no usage as it is", () => {
    expect(usageAt(NO_USAGE, "MONTH", APR_15)).toEqual({ currentUsage: 0 });
  });
});

describe("a check after the end of the usage period", () => {
  const state = stateWith([
    metered({
      usage: { ...JANUARY, currentUsage: 10 },
      resetPeriod: "MONTH",
      resetPeriodConfiguration: "SubscriptionStart",
    }),
  ]);
  const asked = featureQuery("seats", { requestedUsage: 10 });

  it("is denied until the end", () => {
    expect(decideFeature(state, asked, FEB_15)).toMatchObject({
      accessDeniedReason: "RequestedUsageExceedingLimit",
      usage: { periodEnd: FEB_15 },
    });
  });

  it.each(["metered", undefined] as const)("is granted afresh after it, for kind %s alike", (kind) => {
    expect(decideFeature(state, { ...asked, kind }, FEB_15 + 1)).toMatchObject({
      hasAccess: true,
      usage: { currentUsage: 0, periodStart: FEB_15, periodEnd: MAR_15 },
    });
  });

  it("is held to the limit of the new period", () => {
    expect(decideFeature(state, { ...asked, requestedUsage: 11 }, FEB_15 + 1).accessDeniedReason).toBe(
      "RequestedUsageExceedingLimit",
    );
  });

  it("tells the new period of a denied entitlement as well", () => {
    const denied = stateWith([metered({ usage: JANUARY, resetPeriod: "MONTH", accessDeniedReason: "Revoked" })]);
    expect(decideFeature(denied, asked, FEB_15 + 1)).toMatchObject({
      accessDeniedReason: "Revoked",
      usage: { currentUsage: 0, periodEnd: MAR_15 },
    });
  });
});
