import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../src/adapters/cache/memory/memory-cache.js";
import { buildCustomerState } from "../../../../src/domain/build-customer-state.js";
import { becomes, CONDITIONS, eventOfFetch, TRANSITIONS } from "../../../../src/domain/freshness/freshness.js";
import { newTelemetry } from "../../../../src/ports/telemetry.js";

describe("the end of a fetch", () => {
  it.each([
    { isSuperseded: false, mayBeStale: false, isAskedAgainSoon: false, event: "fetched" },
    { isSuperseded: false, mayBeStale: true, isAskedAgainSoon: true, event: "fetched" },
    { isSuperseded: false, mayBeStale: true, isAskedAgainSoon: false, event: "fetch-superseded" },
    { isSuperseded: true, mayBeStale: false, isAskedAgainSoon: false, event: "fetch-superseded" },
    { isSuperseded: true, mayBeStale: true, isAskedAgainSoon: true, event: "fetch-superseded" },
  ])("superseded $isSuperseded, maybe stale $mayBeStale, asked again soon $isAskedAgainSoon: $event", (row) =>
    expect(eventOfFetch(row)).toBe(row.event),
  );
});

describe("what is known", () => {
  it("is never fresher by what only says that it may have changed", () => {
    for (const condition of CONDITIONS)
      expect(CONDITIONS.indexOf(becomes(condition, "may-have-changed"))).toBeGreaterThanOrEqual(
        CONDITIONS.indexOf(condition),
      );
  });

  it.each(["refined", "unaffected"] as const)("is as it was where it was %s", (event) => {
    for (const condition of CONDITIONS) expect(becomes(condition, event)).toBe(condition);
  });

  it("is stale where it was restored from a snapshot", async () => {
    const cache = new MemoryCache(1 << 20, newTelemetry());
    const known = { state: buildCustomerState({ updatedAt: 1 }), verifiedAt: 1, recheckAt: Infinity };
    for (const isHeld of [false, true]) {
      if (isHeld) await cache.put({ customerId: "acme" }, { ...known, isVerified: true });
      cache.restore({ customerId: "acme" }, known);
      expect(cache.find({ customerId: "acme" })?.isVerified).toBe(false);
    }
    expect(Object.values(TRANSITIONS.restored)).toEqual(["stale", "stale", "stale"]);
  });
});

it("docs/freshness.md shows the table of transitions", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/freshness.md"), "utf8");
  const rows = Object.entries(TRANSITIONS).map(
    ([event, after]) => `| \`${event}\` | ${CONDITIONS.map((condition) => after[condition]).join(" | ")} |`,
  );
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
