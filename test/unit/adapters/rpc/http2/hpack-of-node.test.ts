import { once } from "node:events";
import { type ClientHttp2Session, connect, sensitiveHeaders } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { HeaderDecoder } from "../../../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { STATIC_TABLE } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { decodeBlock } from "../../../../builders/header-blocks.js";
import { because } from "../../../../support/expectations.js";

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const PRIORITY_BYTES = 5;
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PRIORITY = 32;
const HEADER_TABLE_SIZE = 1;
const STATUS_200 = Buffer.of(0x88);

type Fields = readonly (readonly [name: string, value: string])[];

const PSEUDO_HEADERS: Fields = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "localhost"],
];
const CHECK = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";

const octets = fc
  .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 1, max: 255 }))
  .map((octet) => String.fromCharCode(octet));
const values = fc.string({ unit: octets, maxLength: 60 });
const ownNames = fc
  .string({ unit: fc.constantFrom("a", "z", "-", "0", "9"), minLength: 1, maxLength: 12 })
  .map((name) => `x-${name}`);
const names = fc.oneof(
  ownNames,
  fc.constantFrom(
    "content-type",
    "user-agent",
    "authorization",
    "cookie",
    "grpc-timeout",
    "traceparent",
    "content-length",
    "accept",
  ),
);
const requests = fc.record({
  path: fc.constantFrom("/", "/index.html", CHECK, "/stigg.sidecar.v1.SidecarService/GetEntitlements"),
  fields: fc.oneof(
    fc.uniqueArray(fc.tuple(names, values), { maxLength: 10, selector: ([name]) => name }),
    fc.constant<Fields>([
      ["te", "trailers"],
      ["content-type", "application/grpc"],
    ]),
  ),
  areSensitive: fc.boolean(),
});

/** As the headers of a request. */
const UNSENDABLE = new Set([":status", "transfer-encoding"]);

let server: Server;
let sockets: Socket[];
let client: ClientHttp2Session;
let decoder: HeaderDecoder;
/** Of all requests, in order. */
let blocks: Buffer[];

beforeEach(async () => {
  [sockets, blocks, decoder] = [[], [], new HeaderDecoder(65_536)];
  server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.write(frame(SETTINGS, 0, 0, Buffer.of()));
    answerEach(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, "remoteSettings");
});

afterEach(async () => {
  client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});

describe("what node:http2 sends is read as it was meant", () => {
  test("for every octet that a header may hold", async () => {
    const all = Array.from(
      { length: 255 },
      (_, i) => [`x-${i + 1}`, `${"a".repeat(40)}${String.fromCharCode(i + 1)}`] as const,
    );
    for (let from = 0; from < all.length; from += 50) {
      const fields = all.slice(from, from + 50);
      expect(await sent("/", fields)).toEqual(withPseudoHeaders("/", fields));
      because("without Huffman's code", () => expect(blocks.at(-1)?.includes("aaaa")).toBe(false));
    }
  });

  test.each(
    STATIC_TABLE.flatMap((header) =>
      header === undefined || UNSENDABLE.has(header.name) ? [] : [[header.name, header.value]],
    ),
  )("for what both know from the beginning: %s %s", async (name, value) => {
    const [path, fields]: [string, Fields] = name === ":path" ? [value, []] : ["/", [[name, value || "x"]]];
    expect(Object.fromEntries(await sent(path, fields))).toEqual(Object.fromEntries(withPseudoHeaders(path, fields)));
    // The longest that spells out nothing but "localhost" and "x".
    expect(blocks.at(-1)?.length).toBeLessThanOrEqual(3 + 2 + 7 + 2 + 2);
  });

  test("for any headers, with a table of any size", async () => {
    const sizes = fc.option(fc.integer({ min: 0, max: 4_096 }), { freq: 9 });
    await fc.assert(
      fc.asyncProperty(requests, sizes, async ({ path, fields, areSensitive }, tableBytes) => {
        if (tableBytes !== null) await limitTable(tableBytes);
        expect(await sent(path, fields, areSensitive)).toEqual(withPseudoHeaders(path, fields));
      }),
      { numRuns: 300 },
    );
  });

  test("for the same call again and again, with a deadline that changes now and then", async () => {
    for (let call = 0; call < 100; call++) {
      const fields = [
        ["te", "trailers"],
        ["grpc-timeout", `${1_000 + Math.floor(call / 10)}m`],
      ] as const;
      expect(await sent(CHECK, fields)).toEqual(withPseudoHeaders(CHECK, fields));
    }
  });
});

/** @returns what was read of a request */
async function sent(path: string, fields: Fields, areSensitive = false): Promise<Fields> {
  const sensitive = areSensitive ? fields.map(([name]) => name) : [];
  const stream = client.request(
    { ...Object.fromEntries(withPseudoHeaders(path, fields)), [sensitiveHeaders]: sensitive },
    { endStream: true },
  );
  stream.resume();
  await once(stream, "close");
  return decodeBlock(decoder, blocks.at(-1)!).headers.map(({ name, value }) => [name, value]);
}

function withPseudoHeaders(path: string, fields: Fields): Fields {
  return [...PSEUDO_HEADERS, [":path", path], ...fields];
}

async function limitTable(bytes: number): Promise<void> {
  const setting = Buffer.alloc(6);
  setting.writeUInt16BE(HEADER_TABLE_SIZE, 0);
  setting.writeUInt32BE(bytes, 2);
  const isKnown = once(client, "remoteSettings");
  for (const socket of sockets) socket.write(frame(SETTINGS, 0, 0, setting));
  await isKnown;
}

function answerEach(socket: Socket): void {
  let unread = Buffer.alloc(0);
  let isBegun = false;
  socket.on("data", (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    if (!isBegun && unread.length >= PREFACE_BYTES) {
      unread = unread.subarray(PREFACE_BYTES);
      isBegun = true;
    }
    while (isBegun && unread.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + unread.readUIntBE(0, 3);
      if (unread.length < end) return;
      answer(socket, unread, end);
      unread = unread.subarray(end);
    }
  });
}

function answer(socket: Socket, bytes: Buffer, end: number): void {
  const [type, flags] = [bytes[3]!, bytes[4]!];
  if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.of()));
  if (type !== HEADERS) return;
  const from = FRAME_HEADER_BYTES + ((flags & PRIORITY) === 0 ? 0 : PRIORITY_BYTES);
  blocks.push(Buffer.from(bytes.subarray(from, end)));
  socket.write(frame(HEADERS, END_STREAM | END_HEADERS, bytes.readInt32BE(5), STATUS_200));
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
