import { describe, expect, it } from "@jest/globals";
import { RefusedSeries } from "../../../../src/application/report/refused-series.js";
import type { UsageSeries } from "../../../../src/domain/outbox/usage-entry.js";
import type { Subject } from "../../../../src/domain/subject.js";

const MINUTE_MS = 60_000;

const series = (subject: Subject, featureId = "seats"): UsageSeries => ({
  subject,
  featureId,
  entries: [],
  open: new Map(),
});
const of = (customerId: string) => series({ customerId });

describe("what upstream refused lately", () => {
  it("is known for ten minutes from the last time on", () => {
    const refused = new RefusedSeries();
    expect(refused.has(of("a"), 0)).toBe(false);
    refused.add(of("a"), 0);
    expect([refused.has(of("a"), 10 * MINUTE_MS - 1), refused.has(of("a"), 10 * MINUTE_MS)]).toEqual([true, false]);
    refused.add(of("a"), 5 * MINUTE_MS);
    expect([refused.has(of("a"), 15 * MINUTE_MS - 1), refused.has(of("a"), 15 * MINUTE_MS)]).toEqual([true, false]);
  });

  it.each([
    { what: "another customer", other: of("b") },
    { what: "another feature", other: series({ customerId: "a" }, "calls") },
    { what: "a resource of it", other: series({ customerId: "a", resourceId: "r" }) },
    { what: "a resource without a name", other: series({ customerId: "a", resourceId: "" }) },
  ])("is not taken for $what", ({ other }) => {
    const refused = new RefusedSeries();
    refused.add(of("a"), 0);
    expect([refused.has(of("a"), 1), refused.has(other, 1)]).toEqual([true, false]);
  });

  it("is known up to a bound, the latest ones", () => {
    const refused = new RefusedSeries();
    for (let i = 0; i < 10_002; i++) refused.add(of(`c${i}`), 0);
    expect([0, 1, 2, 10_001].map((i) => refused.has(of(`c${i}`), 1))).toEqual([false, false, true, true]);
  });

  it("is forgotten once it is over, when another is refused", () => {
    const refused = new RefusedSeries();
    refused.add(of("a"), 0);
    refused.add(of("b"), 11 * MINUTE_MS);
    // A time that lies before tells what is remembered.
    expect([refused.has(of("a"), 1), refused.has(of("b"), 1)]).toEqual([false, true]);
  });
});
