/**
 * Hashes of values by what they hold, so that equal ones can be found. Whole numbers of 32 bits; they only spread,
 * whoever finds two with the same hash compares.
 */
export const HASH_SEED = 0x2f6b5a1d;

export function mixHash(hash: number, part: number): number {
  const mixed = Math.imul(hash ^ part, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export function mixText(hash: number, text: string | undefined): number {
  if (text === undefined) return mixHash(hash, -1);
  let mixed = mixHash(hash, text.length);
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixHash(mixed, 0);
}

export function mixFlag(hash: number, flag: boolean): number {
  return mixHash(hash, flag ? 1 : 2);
}

const number = new Float64Array(1);
const halves = new Int32Array(number.buffer);

export function mixNumber(hash: number, value: number): number {
  number[0] = value;
  return mixHash(mixHash(hash, halves[0] ?? 0), halves[1] ?? 0);
}
