import fc from "fast-check";

/** Of every kind: whole and broken, of either sign, timestamps, beyond what is exact, and what is no number. */
export const numbers = fc.oneof(
  fc.nat(1_000),
  fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** 16, 2 ** 32, 2 ** 48, 2 ** 53, 2 ** 60, 0.1),
  fc.double(),
);
