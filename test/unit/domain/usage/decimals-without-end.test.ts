import { describe, expect, it } from "@jest/globals";
import { addDecimals, multiplyDecimals } from "../../../../src/domain/usage/decimal.js";

describe("numbers that are not finite", () => {
  it.each([
    [Infinity, 1, Infinity],
    [1, -Infinity, -Infinity],
    [Infinity, -Infinity, NaN],
    [NaN, 1, NaN],
  ])("%d and %d add up to %d, as numbers do", (a, b, sum) => expect(addDecimals(a, b)).toBe(sum));

  it.each([
    [Infinity, 2, Infinity],
    [0.5, -Infinity, -Infinity],
    [NaN, 2, NaN],
  ])("%d times %d is %d, as of numbers", (a, b, product) => expect(multiplyDecimals(a, b)).toBe(product));
});
