/**
 * Exact decimal arithmetic. A double stands for its shortest decimal notation: 0.1 is one tenth, as whoever wrote it
 * meant, so that 0.1 + 0.2 is 0.3. A number that no double stands for is kept as its digits, "coefficient e exponent"
 * as in "12345678901234567e-3"; it is rounded only where it leaves the ledger.
 */
export type Decimal = number | DecimalText;
export type DecimalText = string;

/** Beyond it doubles skip integers: a total could not grow by 1, and 2^53 may have been 2^53 + 1 before it was read. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

/** Decimals of fewer digits than this, scaled to an integer, have a double of their own. */
const MAX_SCALED = 1e15;
const SCALES = [1e3, 1e6, 1e9] as const;

/** Covers what the conversions and operations of `fitsInto` can be off by, relative to its operands: 8 of 2^-53. */
const RELATIVE_ERROR = 2 ** -50;
/** The same where operands are so small that their error is no longer relative. */
const ABSOLUTE_ERROR = 1e-300;

/** A number as coefficient × 10^exponent. */
interface Digits {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/**
 * Whether used + requested × rate <= limit, exactly. Anything that is not finite is compared as doubles are: NaN
 * fits nowhere.
 */
export function fitsInto(limit: number, used: number, requested: number, rate = 1): boolean {
  if (requested === 0) return used <= limit;
  const cost = rate === 1 ? requested : requested * rate;
  const room = limit - (used + cost);
  const error = (Math.abs(used) + Math.abs(cost) + Math.abs(limit)) * RELATIVE_ERROR + ABSOLUTE_ERROR;
  if (room > error) return true;
  if (room < -error) return false;
  if (
    Number.isSafeInteger(used) &&
    Number.isSafeInteger(cost) &&
    Number.isSafeInteger(limit) &&
    Number.isInteger(requested) &&
    Number.isInteger(rate)
  ) {
    return room >= 0;
  }
  if (!Number.isFinite(room) || !Number.isFinite(rate)) return room >= 0;
  return compareDecimals(addDecimals(used, multiplyDecimals(requested, rate)), limit) <= 0;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(sum)) return sum;
    for (const scale of SCALES) {
      const scaled = scaledTo(a, scale) + scaledTo(b, scale);
      if (Math.abs(scaled) < MAX_SCALED) return scaled / scale;
    }
    if (!Number.isFinite(a) || !Number.isFinite(b)) return sum;
  }
  const x = digitsOf(a);
  const y = digitsOf(b);
  const exponent = Math.min(x.exponent, y.exponent);
  return decimalOf(coefficientAt(x, exponent) + coefficientAt(y, exponent), exponent);
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    const difference = (a as number) - (b as number);
    if (Number.isSafeInteger(difference)) return difference;
  }
  return addDecimals(a, negated(b));
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(product)) return product;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return product;
  }
  const x = digitsOf(a);
  const y = digitsOf(b);
  return decimalOf(x.coefficient * y.coefficient, x.exponent + y.exponent);
}

/** Below 0, 0 or above 0, as a is below, equal to or above b. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  // The shortest notations of doubles are in the doubles' own order.
  if (typeof a === "number" && typeof b === "number") return a - b;
  const difference = subtractDecimals(a, b);
  // As a double it could be too small to have a sign.
  if (typeof difference === "string") return difference.startsWith("-") ? -1 : 1;
  return difference;
}

/** The nearest double. */
export function toNumber(decimal: Decimal): number {
  return typeof decimal === "number" ? decimal : Number(decimal);
}

/** Whether a text is a decimal as this file writes them. */
export function isDecimalText(text: string): boolean {
  return /^-?[1-9]\d{0,1999}e-?\d{1,4}$/.test(text);
}

/** `value` × `scale` where that is an integer and `value` stands for it, else NaN. */
function scaledTo(value: number, scale: number): number {
  const scaled = Math.round(value * scale);
  return Math.abs(scaled) < MAX_SCALED && scaled / scale === value ? scaled : NaN;
}

function negated(decimal: Decimal): Decimal {
  if (typeof decimal === "number") return -decimal;
  return decimal.startsWith("-") ? decimal.slice(1) : `-${decimal}`;
}

function digitsOf(decimal: Decimal): Digits {
  const [mantissa = "", exponent = "0"] = String(decimal).split("e");
  const [integer = "", fraction = ""] = mantissa.split(".");
  return { coefficient: BigInt(integer + fraction), exponent: Number(exponent) - fraction.length };
}

function coefficientAt({ coefficient, exponent }: Digits, lower: number): bigint {
  return exponent === lower ? coefficient : coefficient * 10n ** BigInt(exponent - lower);
}

function decimalOf(coefficient: bigint, exponent: number): Decimal {
  if (coefficient === 0n) return 0;
  let digits = coefficient;
  let power = exponent;
  for (; digits % 10n === 0n; digits /= 10n) power++;
  const nearest = Number(`${digits}e${power}`);
  if (Number.isFinite(nearest)) {
    const known = digitsOf(nearest);
    const lower = Math.min(power, known.exponent);
    if (coefficientAt({ coefficient: digits, exponent: power }, lower) === coefficientAt(known, lower)) return nearest;
  }
  return `${digits}e${power}`;
}
