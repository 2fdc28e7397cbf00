/** Runs until so many candidates were tried. */
const MOST_TRIES = 1_500;

/** The smallest input found that still fails: pieces are taken out, then bytes are made 0. */
export async function minimized(input: Uint8Array, stillFails: (candidate: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = Buffer.from(input);
  let tries = 0;

  async function isTaken(candidate: Buffer): Promise<boolean> {
    if (++tries > MOST_TRIES || !(await stillFails(candidate))) return false;
    best = Buffer.from(candidate);
    return true;
  }

  for (let size = Math.max(1, best.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; ) {
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
