/** As long as all headers of a call are whose path is spelled out each time. */
const MAX_OCTETS = 64;
const MAX_REMEMBERED = 64;

interface Remembered<Meaning> {
  readonly octets: Uint8Array;
  readonly meaning: Meaning;
}

/** What some runs of octets mean, so that what comes again and again is decoded once. */
export class RememberedOctets<Meaning> {
  /** Made with the first of them: thousands of connections have none. */
  #byHash: Map<number, Remembered<Meaning>> | undefined;

  find(bytes: Uint8Array, from: number, to: number): Meaning | undefined {
    if (to - from > MAX_OCTETS || this.#byHash === undefined || this.#byHash.size === 0) return undefined;
    const remembered = this.#byHash.get(hashOf(bytes, from, to));
    return remembered !== undefined && isSame(remembered.octets, bytes, from, to) ? remembered.meaning : undefined;
  }

  /** @param bytes of which a copy is kept */
  add(bytes: Uint8Array, from: number, to: number, meaning: Meaning): void {
    if (to - from > MAX_OCTETS) return;
    const byHash = (this.#byHash ??= new Map());
    if (byHash.size >= MAX_REMEMBERED) byHash.clear();
    byHash.set(hashOf(bytes, from, to), { octets: new Uint8Array(bytes.subarray(from, to)), meaning });
  }

  forget(): void {
    if (this.#byHash !== undefined && this.#byHash.size > 0) this.#byHash.clear();
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  return hash;
}

function isSame(octets: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (octets.length !== to - from) return false;
  for (let at = 0; at < octets.length; at++) if (octets[at] !== bytes[from + at]) return false;
  return true;
}
