import type { HttpFault } from "../../../src/ports/upstream-client.js";
import { inkwell } from "../../../test/builders/inkwell.js";
import { API_KEY } from "../../../test/builders/sidecar-on-emulator.js";
import { ACME, type Arena } from "../arena.js";
import { type Row, seconds } from "../row.js";

const MAX_CHECKS = 12;
const MAX_MS = 14_000;
const CALLERS = 200;
const CUSTOMERS = 2_000;
const CACHE_BYTES = 1_000_000;

async function coldCheck(
  arena: Arena,
  customerId: string,
): Promise<{ readonly isFallback: boolean; readonly ms: number }> {
  const begun = performance.now();
  const { isFallback } = await arena.contestant.seats(customerId);
  return { isFallback, ms: performance.now() - begun };
}

/** Checks of one unknown customer after the other, none of which upstream answers. */
async function coldChecks(arena: Arena): Promise<string> {
  const begun = performance.now();
  const checks: { readonly isFallback: boolean; readonly ms: number }[] = [];
  while (checks.length < MAX_CHECKS && performance.now() - begun < MAX_MS)
    checks.push(await coldCheck(arena, `cold ${checks.length}`));
  const longest = Math.max(...checks.map(({ ms }) => ms));
  const fallbacks = checks.filter(({ isFallback }) => isFallback).length;
  const shown =
    fallbacks === checks.length ? "the fallback" : `the fallback in ${fallbacks} of ${checks.length} checks`;
  return `${shown} after ${seconds(longest)} at most, check ${checks.length} after ${seconds(checks.at(-1)?.ms ?? 0)}`;
}

function coldRow(name: string, shown: string, strike: (arena: Arena) => Promise<void> | void): Row {
  return {
    name,
    fault: `cold checks, upstream ${shown}`,
    isWarm: false,
    measure: async (arena) => {
      await strike(arena);
      return coldChecks(arena);
    },
  };
}

/** How large a state is as the contestant is told it. */
async function stateBytes({ emulator }: Arena): Promise<number> {
  const path = emulator.stats.requests.at(-1)?.path ?? "/";
  const answer = await fetch(emulator.url + path, { headers: { "X-API-KEY": API_KEY } });
  return (await answer.arrayBuffer()).byteLength;
}

const strikeAll = (fault: HttpFault) => (arena: Arena) => {
  for (const target of ["edge", "api"] as const) arena.emulator.faults.inject({ target, ...fault });
};

export const UPSTREAM_ROWS: readonly Row[] = [
  {
    name: "edge-down",
    fault: "Edge down (503), the API up, a cold check",
    isWarm: false,
    measure: async (arena) => {
      arena.emulator.faults.inject({ target: "edge", kind: "status", status: 503 });
      const before = arena.fetches.api;
      const { isFallback, ms } = await coldCheck(arena, ACME);
      const asked = arena.fetches.api - before;
      return `${isFallback ? "the fallback" : "the true answer"} after ${seconds(ms)}; the API asked ${asked === 0 ? "never" : `${asked} ×`}`;
    },
  },
  coldRow("cold-refused", "refusing connections", (arena) => arena.emulator.faults.goDown()),
  coldRow("cold-5xx", "answering 503", strikeAll({ kind: "status", status: 503 })),
  coldRow("cold-hanging", "hanging", strikeAll({ kind: "hang" })),
  {
    name: "report-reset",
    fault: "one report, its connection reset after upstream counted it",
    measure: async (arena) => {
      const before = arena.counted;
      arena.emulator.faults.inject({
        target: "api",
        operation: "ReportUsage",
        kind: "reset",
        when: "after-effect",
        times: 1,
      });
      const shown = await arena.contestant.reportSeat().then(
        () => "",
        () => ", told to have failed",
      );
      const keys = arena.emulator.stats.reports.map(
        (seen) => (seen.type === "usage" ? seen.report : seen.event).idempotencyKey,
      );
      // Upstream gives a report without a key one of its own, so that each try of it is another report.
      const reports = new Set(keys).size;
      return `${keys.length} tries, to upstream ${reports === 1 ? "one report" : `${reports} reports`}: counted ${arena.counted - before} ×${shown}`;
    },
  },
  {
    name: "memory-bound",
    fault: `${CUSTOMERS} customers, the cache bounded to ${CACHE_BYTES / 1e6} MB`,
    cacheMaxBytes: CACHE_BYTES,
    isBusy: true,
    isWarm: false,
    catalog: {
      ...inkwell(),
      customers: Array.from({ length: CUSTOMERS }, (_, i) => ({ id: `customer ${i}`, plan: "pro" })),
    },
    measure: async (arena) => {
      for (let i = 0; i < CUSTOMERS; i++) await arena.contestant.seats(`customer ${i}`);
      const before = arena.fetches.edge;
      // The last ones first: whoever is kept is found before others take its place.
      for (let i = CUSTOMERS - 1; i >= 0; i--) await arena.contestant.seats(`customer ${i}`);
      const kept = CUSTOMERS - (arena.fetches.edge - before);
      return `keeps ${kept}: ${((kept * (await stateBytes(arena))) / 1e6).toFixed(1)} MB as JSON`;
    },
  },
  {
    name: "concurrent",
    fault: `${CALLERS} concurrent checks, one uncached customer`,
    isBusy: true,
    isWarm: false,
    measure: async (arena) => {
      const before = arena.fetches;
      const release = arena.emulator.faults.inject({ target: "edge", kind: "delay", ms: 300 });
      const answers = await Promise.all(Array.from({ length: CALLERS }, () => arena.contestant.seats(ACME)));
      release();
      const fetches = arena.fetches.edge + arena.fetches.api - before.edge - before.api;
      const right = answers.filter(({ isFallback }) => !isFallback).length;
      return `fetches: ${fetches}, ${right === CALLERS ? "all" : right} answered`;
    },
  },
];
