import type { SeededRandom } from "../faults/seeded-random.js";

const INTERESTING = [0, 1, 2, 4, 5, 8, 9, 16, 31, 32, 62, 63, 64, 127, 128, 254, 255];
const MOST_FRESH_BYTES = 200;

/** An input that comes from no other: random bytes with pieces of the dictionary among them. */
export function freshInput(random: SeededRandom, dictionary: readonly Uint8Array[], maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const target = random.integer(0, Math.min(maxBytes, MOST_FRESH_BYTES));
  for (let length = 0; length < target;) {
    const usesDictionary = dictionary.length > 0 && random.fraction() < 0.3;
    const part = usesDictionary ? random.oneOf(dictionary) : randomBytes(random, random.integer(1, 16));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, maxBytes);
}

/** A few changes of one input, with parts of another. */
export function mutated(
  random: SeededRandom,
  input: Uint8Array,
  other: Uint8Array,
  dictionary: readonly Uint8Array[],
  maxBytes: number,
): Uint8Array {
  let bytes = Buffer.from(input);
  for (let changes = random.oneOf([1, 1, 2, 3, 5, 8]); changes > 0; changes--) {
    const at = random.integer(0, bytes.length);
    const length = random.integer(1, Math.max(1, Math.min(32, bytes.length - at)));
    switch (random.integer(0, 7)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.integer(0, 255);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.oneOf(INTERESTING);
        break;
      case 2:
        if (at < bytes.length) bytes[at]! ^= 1 << random.integer(0, 7);
        break;
      case 3:
        bytes = splice(bytes, at, length, new Uint8Array());
        break;
      case 4:
        bytes = splice(bytes, at, 0, randomBytes(random, length));
        break;
      case 5:
        bytes = splice(bytes, at, 0, bytes.subarray(at, at + length));
        break;
      case 6: {
        const from = random.integer(0, other.length);
        bytes = splice(bytes, at, random.integer(0, length), other.subarray(from, from + random.integer(1, 64)));
        break;
      }
      default:
        if (dictionary.length > 0) bytes = splice(bytes, at, random.oneOf([0, length]), random.oneOf(dictionary));
    }
  }
  return bytes.subarray(0, maxBytes);
}

function splice(bytes: Buffer, at: number, removed: number, added: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.integer(0, 255));
}
