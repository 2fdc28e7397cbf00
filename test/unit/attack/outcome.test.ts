import { describe, expect, it } from "@jest/globals";
import type { AttackReport } from "../../attack/attack-class.js";
import { missedBounds, type Outcome } from "../../attack/outcome.js";
import type { Watch } from "../../attack/processes/watcher.js";

const WATCH: Watch = { checks: 100, late: 0, failed: 0, longestMs: 20, failures: {}, lagMs: 0 };
const REPORT: AttackReport = { connections: 8, bytes: 1_000, innocents: { opened: 8, answered: 8 }, violations: [] };
const HELD: Outcome = {
  watch: WATCH,
  report: REPORT,
  failure: undefined,
  ended: undefined,
  residentGrowth: 100_000_000,
  heapBefore: 10_000_000,
  heapAfter: 12_000_000,
  serverWaitedMs: 0,
};

describe("the bounds of an attack", () => {
  it("hold up to 100 MB of resident memory and a fifth of the heap", () => {
    expect(missedBounds(HELD)).toEqual([]);
  });

  it.each<{ what: string; outcome: Partial<Outcome>; says: string }>([
    { what: "a late check", outcome: { watch: { ...WATCH, late: 1 } }, says: "1 checks late" },
    { what: "a failed check", outcome: { watch: { ...WATCH, failed: 2 } }, says: "2 checks failed" },
    { what: "no check at all", outcome: { watch: { ...WATCH, checks: 0 } }, says: "not watched: no check" },
    { what: "resident memory beyond 100 MB", outcome: { residentGrowth: 100_000_001 }, says: "resident memory" },
    { what: "a heap beyond a fifth", outcome: { heapAfter: 12_000_001 }, says: "heap" },
    { what: "a heap that cannot be read", outcome: { heapAfter: Number.NaN }, says: "heap" },
    { what: "a server that ended", outcome: { ended: "SIGABRT", heapAfter: Number.NaN }, says: "ended with SIGABRT" },
    {
      what: "an innocent call without an answer",
      outcome: { report: { ...REPORT, innocents: { opened: 8, answered: 7 } } },
      says: "1 of 8 innocent calls lost",
    },
    {
      what: "an answer that no server should give",
      outcome: { report: { ...REPORT, violations: ["CL.TE (1 ×)"] } },
      says: "CL.TE (1 ×)",
    },
    {
      what: "an attack without a connection",
      outcome: { report: { ...REPORT, connections: 0 } },
      says: "not attacked: no connection",
    },
    {
      what: "an attack that failed",
      outcome: { report: undefined, failure: "Error: why\n  at" },
      says: "not attacked: Error: why",
    },
  ])("are missed by $what", ({ outcome, says }) => {
    expect(missedBounds({ ...HELD, ...outcome })).toEqual([says]);
  });

  it("do not ask for the resident memory of a system that does not say", () => {
    expect(missedBounds({ ...HELD, residentGrowth: Number.NaN })).toEqual([]);
  });
});
