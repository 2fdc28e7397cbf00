import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { encodeLiteral } from "../../src/adapters/rpc/http2/hpack/header-writer.js";
import {
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame as http2Frame,
  HEADERS,
  headers,
  PADDED,
  padded,
} from "../integration/http2/http2-frames.js";
import { Http2Peer } from "../integration/http2/http2-peer.js";
import { CHECK } from "./harness/malformed-calls.js";
import { CHECK_PATH, frame } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const PRIORITY = 0x20;
const MESSAGE = frame(CHECK);
const PSEUDO = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", CHECK_PATH],
  [":authority", "a"],
] as const;
const REGULAR = [
  ["te", "trailers"],
  ["content-type", "application/grpc"],
] as const;
const PLAIN: Fields = [...PSEUDO, ...REGULAR];

const without = (name: string) => PLAIN.filter((field) => field[0] !== name);
const instead = (name: string, value: string): Fields =>
  PLAIN.map((field) => (field[0] === name ? [name, value] : field));

const UNUSUAL_HEADERS: readonly (readonly [name: string, fields: Fields])[] = [
  ["plain", PLAIN],
  ["a name in capitals", [...PLAIN, ["X-Request-Id", "1"]]],
  ["a name with a space", [...PLAIN, ["x request", "1"]]],
  ["a name with a colon", [...PLAIN, ["x:request", "1"]]],
  ["a name that is no text", [...PLAIN, ["x\u0000", "1"]]],
  ["a name of no letters", [...PLAIN, ["", "1"]]],
  ["an underscore in a name", [...PLAIN, ["x_request", "1"]]],
  ["an apostrophe in a name", [...PLAIN, ["x'request", "1"]]],
  ["a value of nothing", [...PLAIN, ["x-request", ""]]],
  ["a value with a line's end", [...PLAIN, ["x-request", "a\r\nb: c"]]],
  ["a value with a zero", [...PLAIN, ["x-request", "a\u0000b"]]],
  ["a value with a tab", [...PLAIN, ["x-request", "a\tb"]]],
  ["a value that begins with a space", [...PLAIN, ["x-request", " a"]]],
  ["a value that ends with a space", [...PLAIN, ["x-request", "a "]]],
  ["a value beyond ASCII", [...PLAIN, ["x-request", "\u00e9"]]],
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map(
    (name) => [name, [...PLAIN, [name, "close"] as const]] as const,
  ),
  ["te of something else", instead("te", "gzip")],
  ["te in capitals", instead("te", "Trailers")],
  ["te twice", [...PLAIN, ["te", "trailers"]]],
  ...[":method", ":scheme", ":path", ":authority", "content-type"].map(
    (name) => [`no ${name}`, without(name)] as const,
  ),
  ...PSEUDO.map((field) => [`${field[0]} twice`, [field, ...PLAIN]] as const),
  ...[":method", ":scheme", ":path"].map((name) => [`${name} of nothing`, instead(name, "")] as const),
  ...PSEUDO.map(([name, value]) => [`${name} behind the others`, [...without(name), [name, value]]] as const),
  ["a header of an answer", [[":status", "200"], ...PLAIN]],
  ["an unknown pseudo-header", [[":protocol", "websocket"], ...PLAIN]],
  ["a pseudo-header without a name", [[":", "a"], ...PLAIN]],
  ["the scheme in capitals", instead(":scheme", "HTTP")],
  ["the other scheme", instead(":scheme", "https")],
  ["a scheme that there is not", instead(":scheme", "gopher")],
  ["a method in small letters", instead(":method", "post")],
  ["a path without a slash", instead(":path", CHECK_PATH.slice(1))],
  ["a path with a space", instead(":path", `${CHECK_PATH} `)],
  ["an asterisk for a path", instead(":path", "*")],
  ...["", "a b", "user@a", "[::1]:80", "a_b.local"].map(
    (authority) => [`the authority ${JSON.stringify(authority)}`, instead(":authority", authority)] as const,
  ),
  ["an authority beyond ASCII", instead(":authority", "\u00e9")],
  ["a host as well", [...PLAIN, ["host", "a"]]],
  ["another host", [...PLAIN, ["host", "b"]]],
  ["two types", [...PLAIN, ["content-type", "application/grpc"]]],
  ["the right length", [...PLAIN, ["content-length", String(MESSAGE.length)]]],
  ["the right length, with zeros", [...PLAIN, ["content-length", `00${MESSAGE.length}`]]],
  ["the right length with a sign", [...PLAIN, ["content-length", `+${MESSAGE.length}`]]],
  [
    "the right length twice",
    [...PLAIN, ["content-length", String(MESSAGE.length)], ["content-length", String(MESSAGE.length)]],
  ],
  ["a length that is too short", [...PLAIN, ["content-length", String(MESSAGE.length - 1)]]],
  ["a length that is too long", [...PLAIN, ["content-length", String(MESSAGE.length + 1)]]],
  ["a length that is none", [...PLAIN, ["content-length", "x"]]],
  ["two lengths", [...PLAIN, ["content-length", String(MESSAGE.length)], ["content-length", String(MESSAGE.length)]]],
  ["an expectation", [...PLAIN, ["expect", "100-continue"]]],
  ["another expectation", [...PLAIN, ["expect", "nothing"]]],
  ["crumbs of a cookie", [...PLAIN, ["cookie", "a=b"], ["cookie", "c=d"]]],
  ["nothing", []],
  [
    "a hundred of them",
    [...PLAIN, ...Array.from({ length: 100 }, (_, index) => [`x-${index}`, String(index)] as const)],
  ],
];

const bytesOf = (bytes: Uint8Array) => [...bytes].map((byte) => Buffer.of(byte));
const inData = (stream: number, parts: readonly Uint8Array[]) =>
  parts.map((part, index) => data(stream, part, index === parts.length - 1 ? END_STREAM : 0));
const block = encodeLiteral(PLAIN);
const TRAILERS: Fields = [["x-trailer", "1"]];

const UNUSUAL_FRAMES: readonly (readonly [name: string, frames: (stream: number) => readonly Buffer[]])[] = [
  ["a message byte by byte", (stream) => [headers(stream, PLAIN), ...inData(stream, bytesOf(MESSAGE))]],
  ["a message, and then its end", (stream) => [headers(stream, PLAIN), ...inData(stream, [MESSAGE, Buffer.alloc(0)])]],
  [
    "empty frames before, within and after",
    (stream) => [
      headers(stream, PLAIN),
      ...inData(stream, [
        ...Array<Buffer>(20).fill(Buffer.alloc(0)),
        MESSAGE.subarray(0, 7),
        ...Array<Buffer>(20).fill(Buffer.alloc(0)),
        MESSAGE.subarray(7),
        Buffer.alloc(0),
      ]),
    ],
  ],
  ["no data at all", (stream) => [headers(stream, PLAIN, END_HEADERS | END_STREAM)]],
  ["an empty end", (stream) => [headers(stream, PLAIN), data(stream, Buffer.alloc(0), END_STREAM)]],
  [
    "padding",
    (stream) => [
      http2Frame(HEADERS, END_HEADERS | PADDED, stream, padded(block, 100)),
      http2Frame(0, END_STREAM | PADDED, stream, padded(MESSAGE, 200)),
    ],
  ],
  [
    "padding of nothing",
    (stream) => [
      http2Frame(HEADERS, END_HEADERS | PADDED, stream, padded(block, 0)),
      http2Frame(0, END_STREAM | PADDED, stream, padded(MESSAGE, 0)),
    ],
  ],
  [
    "headers of nothing but padding",
    (stream) => [
      http2Frame(HEADERS, END_HEADERS | PADDED, stream, padded(Buffer.alloc(0), 9)),
      data(stream, MESSAGE, END_STREAM),
    ],
  ],
  [
    "a priority",
    (stream) => [
      http2Frame(HEADERS, END_HEADERS | PRIORITY, stream, Buffer.concat([Buffer.from([0, 0, 0, 0, 16]), block])),
      data(stream, MESSAGE, END_STREAM),
    ],
  ],
  [
    "a priority and padding",
    (stream) => [
      http2Frame(
        HEADERS,
        END_HEADERS | PRIORITY | PADDED,
        stream,
        padded(Buffer.concat([Buffer.from([0x80, 0, 0, 0, 255]), block]), 7),
      ),
      data(stream, MESSAGE, END_STREAM),
    ],
  ],
  [
    "flags that mean nothing",
    (stream) => [
      http2Frame(HEADERS, END_HEADERS | 0xd2, stream, block),
      http2Frame(0, END_STREAM | 0xf6, stream, MESSAGE),
    ],
  ],
  [
    "headers in three frames",
    (stream) => [
      http2Frame(HEADERS, 0, stream, block.subarray(0, 5)),
      http2Frame(CONTINUATION, 0, stream, block.subarray(5, 30)),
      http2Frame(CONTINUATION, END_HEADERS, stream, block.subarray(30)),
      data(stream, MESSAGE, END_STREAM),
    ],
  ],
  [
    "trailers",
    (stream) => [headers(stream, PLAIN), data(stream, MESSAGE), headers(stream, TRAILERS, END_HEADERS | END_STREAM)],
  ],
  [
    "trailers in place of data",
    (stream) => [headers(stream, PLAIN), headers(stream, TRAILERS, END_HEADERS | END_STREAM)],
  ],
  [
    "trailers that do not end it",
    (stream) => [headers(stream, PLAIN), data(stream, MESSAGE), headers(stream, TRAILERS)],
  ],
  [
    "trailers with a pseudo-header",
    (stream) => [
      headers(stream, PLAIN),
      data(stream, MESSAGE),
      headers(stream, [[":path", "/"]], END_HEADERS | END_STREAM),
    ],
  ],
  [
    "trailers with a length",
    (stream) => [
      headers(stream, PLAIN),
      data(stream, MESSAGE),
      headers(stream, [["content-length", "3"]], END_HEADERS | END_STREAM),
    ],
  ],
  [
    "a message and more than a frame of the second",
    (stream) => [
      headers(stream, PLAIN),
      data(stream, MESSAGE),
      data(stream, Buffer.alloc(16_384)),
      data(stream, Buffer.alloc(16_384), END_STREAM),
    ],
  ],
];

let servers: readonly RpcServer[];
beforeAll(async () => {
  servers = await Promise.all([true, false].map((hasFastPath) => startRpcServer({ hasFastPath })));
});
beforeEach(() => {
  for (const { logger } of servers) logger.lines.splice(0);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

describe("with or without the fast path, the same comes of a request with", () => {
  let peers: readonly Http2Peer[] = [];
  beforeEach(async () => {
    peers = await Promise.all(servers.map(({ port }) => Http2Peer.open(port)));
  });
  afterEach(() => {
    for (const peer of peers) peer.destroy();
  });

  test.each(UNUSUAL_HEADERS)("headers: %s", async (_, fields) => {
    await sameOutcome((stream) => [headers(stream, fields), data(stream, MESSAGE, END_STREAM)]);
  });

  test.each(UNUSUAL_FRAMES)("frames: %s", async (_, frames) => {
    await sameOutcome(frames);
  });

  async function sameOutcome(frames: (stream: number) => readonly Buffer[]): Promise<void> {
    const outcomes = await Promise.all(peers.map((peer) => outcomeOf(peer, frames)));
    expect(outcomes[0]).toEqual(outcomes[1]);
    for (const [index, { logger }] of servers.entries()) {
      expect(logger.lines.filter(({ level }) => level !== "debug")).toEqual([]);
      expect(peers[index]!.violations).toEqual([]);
    }
  }
});

/**
 * All that a client sees, but for the date and what the fast path leaves out since it says nothing. Some versions of Node
 * take some faults so ill that they end the connection.
 */
async function outcomeOf(peer: Http2Peer, frames: (stream: number) => readonly Buffer[]) {
  const stream = peer.next();
  peer.write(...frames(stream));
  await peer.until(() => peer.isClosed || peer.isOver(stream));
  const { blocks, reset } = peer.on(stream);
  const meant = blocks.map((fields) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "date" && name !== "grpc-encoding")),
  );
  const next = peer.next();
  peer.write(headers(next, PLAIN), data(next, MESSAGE, END_STREAM));
  await peer.until(() => peer.isClosed || peer.isOver(next));
  if (!peer.isClosed) expect(peer.on(next).blocks[1]).toMatchObject({ "grpc-status": "0" });
  return { blocks: meant, body: peer.bodyOf(stream).toString("hex"), reset, goodbye: peer.goodbye };
}
