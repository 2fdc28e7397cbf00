/** Bytes that live on the heap and outside of it, once everything dead is collected. Needs --expose-gc. */
export function memoryInUse(): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("memory can be measured only with --expose-gc");
  // What one collection finds dead may hold what the next does.
  for (let round = 0; round < 3; round++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
