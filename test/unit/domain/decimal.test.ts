import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  fitsInto,
  isDecimalText,
  multiplyDecimals,
  subtractDecimals,
  toNumber,
} from "../../../src/domain/usage/decimal.js";

/** The model: a rational number, numerator over a power of ten. */
interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Reads the notation digit by digit, unlike the code under test. */
function rational(decimal: Decimal): Rational {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(decimal));
  if (match === null) throw new Error(`${decimal} is no decimal`);
  const [, sign, integer = "", fraction = "", power = "0"] = match;
  const digits = BigInt(`${sign ?? ""}${integer}${fraction}`);
  const exponent = Number(power) - fraction.length;
  return exponent < 0
    ? { numerator: digits, denominator: 10n ** BigInt(-exponent) }
    : { numerator: digits * 10n ** BigInt(exponent), denominator: 1n };
}

const plus = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.denominator + b.numerator * a.denominator,
  denominator: a.denominator * b.denominator,
});
const times = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
});
const difference = (a: Rational, b: Rational): bigint => a.numerator * b.denominator - b.numerator * a.denominator;
const same = (a: Rational, b: Rational): boolean => difference(a, b) === 0n;

const doubles = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  // What people write: up to 15 digits.
  fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.nat(9)).map(([digits, places]) => digits / 10 ** places),
  fc.constantFrom(
    0,
    -0,
    0.1,
    0.2,
    0.3,
    5e-324,
    Number.MAX_VALUE,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 60,
    123456789012.345,
    1 / 3,
  ),
);
const pairs = fc.tuple(doubles, doubles);
const decimals: fc.Arbitrary<Decimal> = fc
  .oneof(
    doubles,
    pairs.map(([a, b]) => addDecimals(a, b)),
    pairs.map(([a, b]) => multiplyDecimals(a, b)),
  )
  .filter((decimal) => Number.isFinite(toNumber(decimal)));

describe("decimal arithmetic", () => {
  it.each([
    [0.1, 0.2, 0.3],
    [1.1, 2.2, 3.3],
    [0.7, 0.1, 0.8],
    [123456789012.345, 0.0004, 123456789012.3454],
    [4.35, -4.35, 0],
    [9007199254740991, 0.5, "90071992547409915e-1"],
    [123456789012.345, 0.00001, "12345678901234501e-5"],
    [1e15, 1e-9, "1000000000000000000000001e-9"],
    [2 ** 53, 1, "9007199254740993e0"],
  ])("%d + %d = %s", (a, b, sum) => {
    expect(addDecimals(a, b)).toBe(sum);
  });

  it.each([
    [0.1, 3, 0.3],
    [1.1, 1.1, 1.21],
    [0.001, 4_500, 4.5],
  ])("%d × %d = %d", (a, b, product) => {
    expect(multiplyDecimals(a, b)).toBe(product);
  });

  it("is exact: sums, differences and products are those of rational numbers", () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const x = rational(a);
        const y = rational(b);
        expect(same(rational(addDecimals(a, b)), plus(x, y))).toBe(true);
        expect(same(plus(rational(subtractDecimals(a, b)), y), x)).toBe(true);
        expect(same(rational(multiplyDecimals(a, b)), times(x, y))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it("orders as rational numbers are ordered", () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const expected = difference(rational(a), rational(b));
        expect(Math.sign(compareDecimals(a, b)) + 0).toBe(expected < 0n ? -1 : expected > 0n ? 1 : 0);
      }),
      { numRuns: 3_000 },
    );
  });

  it("keeps digits only where no double stands for the number, in a form that is read back", () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        if (typeof decimal === "number") return;
        expect(isDecimalText(decimal)).toBe(true);
        expect(same(rational(decimal), rational(toNumber(decimal)))).toBe(false);
        expect(addDecimals(decimal, 0)).toBe(decimal);
      }),
      { numRuns: 3_000 },
    );
  });

  it("loses nothing of many small amounts on a large total, whatever their order", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e9, max: 1e15, noNaN: true }),
        fc.array(fc.double({ min: 1e-9, max: 1e-3, noNaN: true }), { maxLength: 50 }),
        (total, amounts) => {
          const sum = (parts: readonly number[]) =>
            parts.reduce<Decimal>((left, part) => addDecimals(left, part), total);
          const expected = amounts.reduce((left, part) => plus(left, rational(part)), rational(total));
          expect(same(rational(sum(amounts)), expected)).toBe(true);
          expect(sum([...amounts].reverse())).toBe(sum(amounts));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("fitsInto", () => {
  it.each([
    { limit: 0.3, used: 0.1, requested: 0.2, rate: 1, fits: true },
    { limit: 0.8, used: 0.7, requested: 0.1, rate: 1, fits: true },
    { limit: 0.3, used: 0.1, requested: 0.20000000000000004, rate: 1, fits: false },
    { limit: 0.3, used: 0, requested: 3, rate: 0.1, fits: true },
    { limit: 1.21, used: 0, requested: 1.1, rate: 1.1, fits: true },
    { limit: 5, used: 4, requested: 1, rate: 1, fits: true },
    { limit: 5, used: 5, requested: 1e-9, rate: 1, fits: false },
    { limit: 9007199254740991, used: 9007199254740991, requested: 1, rate: 1, fits: false },
    { limit: Infinity, used: 1, requested: 1, rate: 1, fits: true },
    { limit: 5, used: 0, requested: NaN, rate: 1, fits: false },
    { limit: 5, used: 0, requested: Infinity, rate: 1, fits: false },
    { limit: 5, used: NaN, requested: 0, rate: 1, fits: false },
  ])("$used + $requested × $rate <= $limit: $fits", ({ limit, used, requested, rate, fits }) => {
    expect(fitsInto(limit, used, requested, rate)).toBe(fits);
  });

  it("decides as rational numbers do, also by one digit more or less than an exact fit", () => {
    const nudges = fc.constantFrom(0, 1e-17, -1e-17, 1e-9, -1e-9);
    fc.assert(
      fc.property(
        doubles,
        doubles,
        doubles,
        fc.constantFrom(0, 1, 0.1, 2.5, 1 / 3),
        nudges,
        fc.boolean(),
        (used, requested, any, rate, nudge, isFit) => {
          const limit = isFit
            ? toNumber(addDecimals(addDecimals(used, multiplyDecimals(requested, rate)), nudge))
            : any;
          if (!Number.isFinite(limit)) return;
          const expected =
            difference(plus(rational(used), times(rational(requested), rational(rate))), rational(limit)) <= 0n;
          expect(fitsInto(limit, used, requested, rate)).toBe(expected);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
