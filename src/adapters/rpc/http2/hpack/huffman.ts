import { HpackFault } from "./header-table.js";

/** RFC 7541, appendix B: how many bits the code of each octet has, and last that of the end. The codes follow from it. */
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const END = 256;
const LONGEST_CODE = 30;
const SHORTEST_CODE = 5;
/** Padding fills the last octet, no more. */
const MAX_PADDING_BITS = 7;

/** A step ends in one of these, next to the state after it and the octet that it has completed, if any. */
const COMPLETES = 1 << 16;
const FAILS = 1 << 17;

/** Of the nodes of the tree of all codes: what 0 and 1 lead to, another node or, negative, an octet's complement. */
const TREE = treeOfCodes();
/** By node and the next four bits. No four bits complete more than one octet, as no code is as short. */
const STEPS = stepsOf(TREE);
/** 1 for the nodes at which a text may end. */
const IS_PADDING = paddingOf(TREE);

let scratch = Buffer.alloc(1_024);

/** @throws HpackFault where the octets are no text in HPACK's Huffman code */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string {
  const mostCharacters = Math.ceil(((to - from) * 8) / SHORTEST_CODE);
  if (mostCharacters > scratch.length) scratch = Buffer.alloc(mostCharacters);
  const text = scratch;
  let length = 0;
  let state = 0;
  for (let at = from; at < to; at++) {
    const octet = bytes[at] as number;
    const high = STEPS[(state << 4) | (octet >> 4)] as number;
    if (high >= COMPLETES) {
      if (high >= FAILS) throw endWithin();
      text[length++] = high >> 8;
    }
    const low = STEPS[((high & 0xff) << 4) | (octet & 0xf)] as number;
    if (low >= COMPLETES) {
      if (low >= FAILS) throw endWithin();
      text[length++] = low >> 8;
    }
    state = low & 0xff;
  }
  if (IS_PADDING[state] === 0)
    throw new HpackFault("a header's Huffman code ends within an octet's code, or its padding is not that of the end");
  return text.toString("latin1", 0, length);
}

function endWithin(): HpackFault {
  return new HpackFault("a header's Huffman code holds the end of text");
}

/** Codes of the same length follow each other in the order of their octets, the longer after the shorter. */
function treeOfCodes(): Int16Array {
  const tree = new Int16Array(2 * END);
  let nodes = 1;
  let code = 0;
  for (let bits = 1; bits <= LONGEST_CODE; bits++) {
    code *= 2;
    for (let octet = 0; octet <= END; octet++) {
      if (CODE_BITS[octet] !== bits) continue;
      let node = 0;
      for (let bit = bits - 1; bit > 0; bit--) {
        const branch = 2 * node + ((code >> bit) & 1);
        if (tree[branch] === 0) tree[branch] = nodes++;
        node = tree[branch] as number;
      }
      tree[2 * node + (code & 1)] = ~octet;
      code++;
    }
  }
  return tree;
}

function stepsOf(tree: Int16Array): Int32Array {
  const steps = new Int32Array(16 * END);
  for (let step = 0; step < steps.length; step++) {
    let node = step >> 4;
    let outcome = 0;
    for (let bit = 3; bit >= 0; bit--) {
      const next = tree[2 * node + ((step >> bit) & 1)] as number;
      node = Math.max(next, 0);
      if (next < 0) outcome = ~next === END ? FAILS : COMPLETES | (~next << 8);
    }
    steps[step] = outcome | node;
  }
  return steps;
}

/** What is left of an octet is filled with the beginning of the end's code, which is all ones. */
function paddingOf(tree: Int16Array): Uint8Array {
  const isPadding = new Uint8Array(END);
  for (let node = 0, bits = 0; bits <= MAX_PADDING_BITS; bits++) {
    isPadding[node] = 1;
    node = tree[2 * node + 1] as number;
  }
  return isPadding;
}
