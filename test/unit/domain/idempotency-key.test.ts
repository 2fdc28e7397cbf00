import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { faultOfKey, reportKeyOf } from "../../../src/domain/usage/usage-report.js";
import { fail } from "../../support/expectations.js";

const callerKeys = fc
  .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 255 })
  .filter((key) => faultOfKey(key) === undefined);
const never = () => fail("no key is made up");

describe("the key of a report", () => {
  it("is the caller's own", () => {
    expect(reportKeyOf("order-17", undefined, never)).toEqual({ idempotencyKey: "order-17", keyOrigin: "caller" });
  });

  it("is made up where the caller has none, one for each item of a bulk", () => {
    let made = 0;
    const random = () => `made-${++made}`;
    expect([undefined, 0, 1].map((index) => reportKeyOf(undefined, index, random).idempotencyKey)).toEqual([
      "made-1",
      "made-2",
      "made-3",
    ]);
    expect(reportKeyOf(undefined, undefined, random).keyOrigin).toBe("generated");
  });

  it("is the same for the same item of the same bulk, and never that of another key or item", () => {
    fc.assert(
      fc.property(
        callerKeys,
        callerKeys,
        fc.option(fc.nat(1_000), { nil: undefined }),
        fc.option(fc.nat(1_000), { nil: undefined }),
        (a, b, i, j) => {
          const isSame = a === b && i === j;
          expect(reportKeyOf(a, i, never).idempotencyKey === reportKeyOf(b, j, never).idempotencyKey).toBe(isSame);
          // A single report whose key looks like that of an item.
          expect(reportKeyOf(`${a}#${i ?? 0}`, undefined, never).idempotencyKey).not.toBe(
            reportKeyOf(a, i ?? 0, never).idempotencyKey,
          );
        },
      ),
    );
  });

  it.each(["k", "a b", "9f0c2c1e-5b0a-4a53-9c1c-1b1d1b1d1b1d", '"quoted"', "x".repeat(255)])("may be %s", (key) => {
    expect(faultOfKey(key)).toBeUndefined();
  });

  it.each([
    ["", /^is empty; send 1 to 255 characters/],
    ["x".repeat(256), /^has 256 characters; send 1 to 255/],
    [" padded", /printable ASCII.*no blank at either end/],
    ["padded ", /printable ASCII/],
    ["line\nbreak", /printable ASCII/],
    ["key·0", /printable ASCII/],
    ["ключ", /printable ASCII/],
    ["\u0000", /printable ASCII/],
  ])("may not be %j", (key, fault) => {
    expect(faultOfKey(key)).toMatch(fault);
  });
});
