const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/**
 * The integer that stands for a number where the wire has no room for it: without its fraction (2.9 is 2,
 * so that no more is promised than is granted), and at the nearest end beyond 32 bits, where an overflow
 * would turn a large value into a negative one. Absent for what is not a number.
 */
export function toInt32(value: number | undefined): number | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return Math.min(MAX_INT32, Math.max(MIN_INT32, Math.trunc(value))) | 0;
}
