/** It ends when as many candidates were tried, or as much time has passed: those of a hang take long each. */
const MOST_TRIES = 1_500;
const MOST_MS = 60_000;

/** The smallest input found that still fails: pieces are taken out, then bytes are made 0. */
export async function minimized(
  input: Uint8Array,
  stillFails: (candidate: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = Buffer.from(input);
  let tries = 0;
  const until = performance.now() + MOST_MS;

  async function isTaken(candidate: Buffer): Promise<boolean> {
    if (++tries > MOST_TRIES || performance.now() > until || !(await stillFails(candidate))) return false;
    best = Buffer.from(candidate);
    return true;
  }

  for (let size = Math.max(1, best.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at < best.length;) {
      if (!(await isTaken(Buffer.concat([best.subarray(0, at), best.subarray(at + size)])))) at += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue;
    const candidate = Buffer.from(best);
    candidate[at] = 0;
    await isTaken(candidate);
  }
  return best;
}
