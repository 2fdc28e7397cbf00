let seed = 42;

/** The same sequence in every process, uniform over whole numbers below `bound`. */
export function randomBelow(bound: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * bound);
}
