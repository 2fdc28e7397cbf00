import { describe, expect, it } from "@jest/globals";
import { decodeTimestamp } from "../../../src/wire/fields.js";

const NEW_YEAR = Date.UTC(2026, 0, 1);

describe("a timestamp on the wire", () => {
  it.each<[spelling: unknown, timestamp: number]>([
    ["2026-01-01T00:00:00.000Z", NEW_YEAR],
    ["2026-01-01T00:00:00Z", NEW_YEAR],
    ["2026-01-01T01:00:00+01:00", NEW_YEAR],
    ["2025-12-31T19:00:00-05:00", NEW_YEAR],
    ["2026-01-01", NEW_YEAR],
    ["2026-01-01T00:00:00", NEW_YEAR],
    ["2026-01-01T00:00:00.123456Z", NEW_YEAR + 123],
    [NEW_YEAR, NEW_YEAR],
    [String(NEW_YEAR), NEW_YEAR],
    [0, 0],
    [-1, -1],
  ])("%j reads as %d", (spelling, timestamp) => expect(decodeTimestamp(spelling)).toBe(timestamp));

  it.each([
    ["yesterday"],
    [""],
    ["2026"],
    ["2026-13-01"],
    ["12"],
    [NaN],
    [Infinity],
    [8.64e15 + 1],
    [true],
    [{}],
    [[NEW_YEAR]],
    [null],
  ])("%j is none", (spelling) => expect(decodeTimestamp(spelling)).toBeUndefined());
});
