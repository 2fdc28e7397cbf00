import { describe, expect, it } from "@jest/globals";
import {
  CustomerTimestamps,
  StaleMarkers,
} from "../../../../../../src/adapters/cache/redis/coherence/subject-marks.js";

/** Later than all times of the tests. */
const NOW = 1_000;
const ACME = { customerId: "acme" };
const SITE = { customerId: "acme", resourceId: "site" };
const OTHER = { customerId: "other" };

describe("what is in Redis is stale", () => {
  it("nowhere, as long as no change was missed", () => {
    expect(new StaleMarkers().isStale(ACME, 0, NOW)).toBe(false);
  });

  it.each([
    { marked: "all", subject: OTHER, before: true },
    { marked: ACME, subject: ACME, before: true },
    { marked: ACME, subject: SITE, before: true },
    { marked: ACME, subject: OTHER, before: false },
    { marked: SITE, subject: SITE, before: true },
    { marked: SITE, subject: ACME, before: false },
    { marked: SITE, subject: { customerId: "acme", resourceId: "" }, before: false },
  ] as const)(
    "where $marked was marked stale, $subject as of before: $before; as of then or later, never",
    ({ marked, subject, before }) => {
      const staleMarkers = new StaleMarkers();
      if (marked === "all") staleMarkers.markAllStale(100);
      else staleMarkers.markStale(marked, 100);
      expect([99, 100, 101].map((verifiedAt) => staleMarkers.isStale(subject, verifiedAt, NOW))).toEqual([
        before,
        false,
        false,
      ]);
    },
  );

  it.each<[what: string, mark: (staleMarkers: StaleMarkers, at: number) => void]>([
    ["all", (staleMarkers, at) => staleMarkers.markAllStale(at)],
    ["one", (staleMarkers, at) => staleMarkers.markStale(ACME, at)],
  ])("up to now, and no longer, where the clock was set back after %s had been marked", (_, mark) => {
    const [staleMarkers, hourMs] = [new StaleMarkers(), 3_600_000];
    mark(staleMarkers, NOW + hourMs);
    expect(staleMarkers.isStale(ACME, NOW - 1, NOW)).toBe(true);
    expect(staleMarkers.isStale(ACME, NOW + 1, NOW + 2)).toBe(false);
  });

  it("as of the last time that it was marked stale", () => {
    const staleMarkers = new StaleMarkers();
    staleMarkers.markStale(ACME, 100);
    staleMarkers.markStale(ACME, 200);
    expect(staleMarkers.isStale(ACME, 150, NOW)).toBe(true);
  });

  it("marks everything stale when the limit is exceeded", () => {
    const staleMarkers = new StaleMarkers(2);
    staleMarkers.markStale(ACME, 100);
    staleMarkers.markStale(SITE, 300);
    staleMarkers.markStale(SITE, 301);
    expect(staleMarkers.isStale({ customerId: "third" }, 200, NOW)).toBe(false);
    staleMarkers.markStale(OTHER, 200);
    for (const subject of [ACME, SITE, OTHER, { customerId: "third" }])
      expect(staleMarkers.isStale(subject, 300, NOW)).toBe(true);
    expect(staleMarkers.isStale(OTHER, 301, NOW)).toBe(false);
    staleMarkers.markStale(ACME, 400);
    expect([staleMarkers.isStale(ACME, 350, NOW), staleMarkers.isStale(OTHER, 350, NOW)]).toEqual([true, false]);
  });
});

const R = { customerId: "acme", resourceId: "r" };
const S = { customerId: "acme", resourceId: "s" };

describe("which state of its customer was there before a resource is fetched", () => {
  it("is the first that was seen: a later one may have come during the fetch", () => {
    const times = new CustomerTimestamps();
    times.see(R, 1);
    times.see(R, 2);
    times.see(S, 3);
    expect([times.take(R), times.take(S)]).toEqual([1, 3]);
  });

  it("counts for one fetch", () => {
    const times = new CustomerTimestamps();
    times.see(R, 1);
    times.take(R);
    expect(times.take(R)).toBeUndefined();
    times.see(R, 2);
    expect(times.take(R)).toBe(2);
  });

  it("is forgotten where it would be of too many", () => {
    const times = new CustomerTimestamps(1);
    times.see(R, 1);
    times.see(S, 2);
    expect([times.take(R), times.take(S)]).toEqual([undefined, 2]);
    times.see(R, 3);
    expect(times.take(R)).toBe(3);
  });
});
