import { inspect, isDeepStrictEqual } from "node:util";
import { HeaderDecoder } from "../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { HpackFault } from "../../../src/adapters/rpc/http2/hpack/header-table.js";
import { ByteSource } from "../byte-source.js";
import type { FuzzTarget } from "../fuzz-target.js";
import { headerBlock } from "./header-blocks.js";
import { NodeHpack, type NodeReading } from "./hpack-oracle.js";

const MAX_LIST_BYTES = 60_000;
const MOST_BLOCKS = 12;
/** Names and values that node:http2 gives to its user as they are. */
const ORDINARY_NAME = /^(x-[a-z]|grpc-timeout|user-agent|x-entitlement-detail|accept-language)$/;
const ORDINARY_VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$|^$/;
const PSEUDO_HEADERS = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"];
/** More octets than ours takes for one number, which the RFC leaves to each reader. */
const OWN_LIMIT = "more than 28 bits";

/** Header blocks of one connection, read by the port's decoder and by node:http2: the same headers, or both give up. */
export function hpackTarget(): FuzzTarget {
  const node = new NodeHpack();
  return {
    name: "hpack",
    maxBytes: 500,
    dictionary: [
      Uint8Array.of(0x20),
      Uint8Array.of(0x3f, 0xe1, 0x1f),
      Uint8Array.of(0x40),
      Uint8Array.of(0xbe),
      Uint8Array.of(0x80),
      Uint8Array.of(0xff, 0x80, 0x00),
    ],
    async run(input) {
      const source = new ByteSource(input);
      const blocks: Buffer[] = [];
      while (!source.isEmpty && blocks.length < MOST_BLOCKS) blocks.push(headerBlock(source));
      if (blocks.length > 0) judge(blocks, readByOurs(blocks), await node.read(blocks));
    },
  };
}

interface OurReading {
  readonly lists: readonly (readonly string[])[];
  readonly fault: HpackFault | undefined;
}

function readByOurs(blocks: readonly Buffer[]): OurReading {
  const decoder = new HeaderDecoder(MAX_LIST_BYTES);
  const lists: string[][] = [];
  try {
    for (const block of blocks) {
      const list = decoder.decode(Buffer.from(block), 0, block.length);
      lists.push(list.headers.flatMap(({ name, value }) => [name, value]));
    }
    return { lists, fault: undefined };
  } catch (error) {
    if (error instanceof HpackFault) return { lists, fault: error };
    throw error;
  }
}

function judge(blocks: readonly Buffer[], ours: OurReading, node: NodeReading): void {
  const isOwnLimit = ours.fault?.message.includes(OWN_LIMIT) === true;
  // Another end than by HPACK leaves what follows unread.
  if (!node.isOtherError && !isOwnLimit && node.isCompressionError !== (ours.fault !== undefined)) {
    const reason = ours.fault === undefined ? "is read" : `is refused (${ours.fault.message})`;
    throw new Error(`what node:http2 ${node.isCompressionError ? "refuses" : "reads"} ${reason}: ${hexOf(blocks)}`);
  }
  for (const [index, list] of ours.lists.entries()) {
    const byNode = node.lists.get(index);
    if (byNode === undefined) {
      if (!node.isOtherError && isRequest(list))
        throw new Error(`block ${index} is read as ${inspect(list)}, which node:http2 does not take: ${hexOf(blocks)}`);
    } else if (!isTaken(list, byNode)) {
      throw new Error(
        `block ${index} is read as ${inspect(list)}, by node:http2 as ${inspect(byNode)}: ${hexOf(blocks)}`,
      );
    }
  }
}

/** Whether node:http2 has taken the same headers, but for some that it drops since their names or values are not allowed. */
function isTaken(ours: readonly string[], byNode: readonly string[]): boolean {
  let taken = 0;
  for (let at = 0; at < ours.length; at += 2) {
    if (ours[at] === byNode[taken] && ours[at + 1] === byNode[taken + 1]) taken += 2;
    else if (isOrdinary(ours[at]!, ours[at + 1]!)) return false;
  }
  return taken === byNode.length;
}

function isRequest(list: readonly string[]): boolean {
  if (!isDeepStrictEqual(list.slice(0, PSEUDO_HEADERS.length), PSEUDO_HEADERS)) return false;
  for (let at = PSEUDO_HEADERS.length; at < list.length; at += 2) {
    if (!isOrdinary(list[at]!, list[at + 1]!)) return false;
  }
  return true;
}

function isOrdinary(name: string, value: string): boolean {
  return ORDINARY_NAME.test(name) && ORDINARY_VALUE.test(value);
}

function hexOf(blocks: readonly Buffer[]): string {
  return blocks.map((block) => block.toString("hex")).join(" ");
}
