import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ResponseHeaders } from "../../src/adapters/rpc/exchange/exchange.js";
import { GetEntitlementsRequestSchema } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { HeaderWriter } from "../../src/adapters/rpc/http2/hpack/header-writer.js";
import {
  CONTINUATION,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame as http2Frame,
  grpcFields,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  PADDED,
  padded,
  ping,
  reset,
  settings,
  windowUpdate,
} from "../integration/http2/http2-frames.js";
import { Http2Peer, inPieces } from "../integration/http2/http2-peer.js";
import { freed } from "../integration/listener/listening.js";
import { CHECK } from "./harness/malformed-calls.js";
import { CHECK_PATH, frame } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

interface Request {
  readonly fields: Fields;
  readonly body: Buffer;
}

/** How a request is sent. */
interface Manner {
  readonly request: Request;
  /** Where its headers and its body are cut. */
  readonly cuts: readonly number[];
  readonly padding: number | undefined;
  readonly hasTrailers: boolean;
}

const LIST_PATH = CHECK_PATH.replace("GetBooleanEntitlement", "GetEntitlements");
const LIST = toBinary(GetEntitlementsRequestSchema, create(GetEntitlementsRequestSchema, { customerId: "acme" }));
const grpc = (path: string, body: Buffer, ...more: Fields): Request => ({
  fields: [...grpcFields(path), ...more],
  body,
});

const PLAIN = grpc(CHECK_PATH, frame(CHECK));
/** Some are the fast path's, some Node's, and some pass from the one to the other. */
const REQUESTS: readonly Request[] = [
  PLAIN,
  grpc(CHECK_PATH, frame(CHECK), ["authorization", "Bearer x"], ["x-request-id", "1"]),
  grpc(CHECK_PATH, frame(CHECK), ["grpc-timeout", "20S"]),
  grpc(LIST_PATH, frame(LIST)),
  grpc(CHECK_PATH, Buffer.concat([frame(CHECK), frame(CHECK)])),
  grpc(CHECK_PATH, frame(CHECK).subarray(0, 9)),
  grpc(CHECK_PATH, frame(CHECK, 1), ["grpc-encoding", "gzip"]),
  grpc(CHECK_PATH, Buffer.alloc(0)),
  grpc(CHECK_PATH, frame(Buffer.alloc(3_000, 0xff))),
  grpc(`${CHECK_PATH}s`, frame(CHECK)),
  grpc("/", Buffer.from("nothing"), ["x-large", "y".repeat(3_000)]),
];
/** A block that neither uses nor changes a table: "x: y". */
const TRAILERS = Buffer.from([0x00, 0x01, 0x78, 0x01, 0x79]);

const manner: fc.Arbitrary<Manner> = fc.record({
  request: fc.constantFrom(...REQUESTS),
  cuts: fc.array(fc.nat({ max: 100 }), { maxLength: 4 }),
  padding: fc.option(fc.nat({ max: 255 }), { nil: undefined, freq: 3 }),
  hasTrailers: fc.boolean(),
});
/** Which of those that are under way sends its next frame. */
const turnsOf = fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 50 });
const pieces = fc.array(fc.nat({ max: 4_000 }), { maxLength: 6 });

/** Its frames; those that nothing may come in between are one. */
function framesOf(stream: number, { request, cuts, padding, hasTrailers }: Manner, writer: HeaderWriter): Buffer[] {
  const block = inPieces(writer.blockOf(new ResponseHeaders(undefined, request.fields)), cuts);
  const body = inPieces(request.body, cuts);
  return [
    Buffer.concat(
      block.map((part, index) =>
        http2Frame(index === 0 ? HEADERS : CONTINUATION, index === block.length - 1 ? END_HEADERS : 0, stream, part),
      ),
    ),
    ...body.map((part, index) => {
      const end = index === body.length - 1 && !hasTrailers ? END_STREAM : 0;
      return padding === undefined
        ? data(stream, part, end)
        : http2Frame(DATA, end | PADDED, stream, padded(part, padding));
    }),
    ...(hasTrailers ? [http2Frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)] : []),
  ];
}

/** What is sent on one connection, in the order in which the requests take turns. */
function mixed(
  manners: readonly Manner[],
  turns: readonly number[],
  next: () => number,
): { frames: readonly Buffer[]; streams: readonly number[] } {
  const writer = new HeaderWriter();
  const waiting = [...manners];
  const open: Buffer[][] = [];
  const streams: number[] = [];
  const sent: Buffer[] = [];
  for (let turn = 0; waiting.length + open.length > 0; turn++) {
    const choice = turns[turn % turns.length]! % (open.length + 1);
    const begun = choice === open.length ? waiting.shift() : undefined;
    if (begun !== undefined) {
      const stream = next();
      streams.push(stream);
      const [first, ...rest] = framesOf(stream, begun, writer);
      sent.push(first!);
      open.push(rest);
    } else if (open.length > 0) {
      const frames = open[choice % open.length]!;
      sent.push(frames.shift()!);
      if (frames.length === 0) open.splice(open.indexOf(frames), 1);
    }
  }
  return { frames: sent, streams };
}

function outcomeOn(peer: Http2Peer, stream: number) {
  const { blocks, reset: code } = peer.on(stream);
  const meant = blocks.map((fields) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "date" && name !== "grpc-encoding")),
  );
  // Who is answered early may be told to send no more.
  return { blocks: meant, body: peer.bodyOf(stream).toString("hex"), code: code === 0 ? undefined : code };
}

/** On a connection of its own. */
async function outcomeOf(port: number, request: Request) {
  const peer = await Http2Peer.open(port);
  const stream = peer.next();
  peer.write(...framesOf(stream, { request, cuts: [], padding: undefined, hasTrailers: false }, new HeaderWriter()));
  await peer.untilOver(stream);
  const outcome = outcomeOn(peer, stream);
  peer.destroy();
  return outcome;
}

let fast: RpcServer;
let slow: RpcServer;
beforeAll(async () => {
  [fast, slow] = await Promise.all([startRpcServer(), startRpcServer({ hasFastPath: false })]);
  // From here on answers come from memory.
  await Promise.all([fast, slow].map(({ port }) => outcomeOf(port, PLAIN)));
});
afterAll(() => Promise.all([fast.stop(), slow.stop()]));

test("requests whose frames come in any order and in any pieces are answered as each is alone, without the fast path", async () => {
  const expected = new Map<Request, ReturnType<typeof outcomeOn>>();
  for (const request of REQUESTS) expected.set(request, await outcomeOf(slow.port, request));
  await fc.assert(
    fc.asyncProperty(
      fc.array(manner, { minLength: 1, maxLength: 15 }),
      turnsOf,
      pieces,
      async (manners, turns, cuts) => {
        const peer = await Http2Peer.open(fast.port);
        await peer.caughtUp();
        const { frames, streams } = mixed(manners, turns, () => peer.next());
        await peer.writeInPieces(Buffer.concat(frames), cuts);
        await peer.untilOver(...streams);
        await peer.caughtUp();
        expect(streams.map((stream) => outcomeOn(peer, stream))).toEqual(
          manners.map(({ request }) => expected.get(request)),
        );
        expect(peer.violations).toEqual([]);
        peer.destroy();
      },
    ),
    { numRuns: 150 },
  );
  expect(fast.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
});

const stream = fc.oneof(fc.nat({ max: 12 }), fc.constantFrom(2 ** 31 - 1, 2 ** 32 - 1));
const anyFrame = fc
  .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), stream, fc.uint8Array({ maxLength: 40 }))
  .map(([type, flags, on, payload]) => {
    const bytes = http2Frame(type, flags, 0, Buffer.from(payload));
    bytes.writeUInt32BE(on, 5);
    return bytes;
  });
const control = fc.oneof(
  stream.map((on) => reset(on)),
  fc.tuple(stream, fc.nat({ max: 2 ** 31 })).map(([on, bytes]) => windowUpdate(on, bytes)),
  fc.nat({ max: 100_000 }).map((bytes) => settings([INITIAL_WINDOW_SIZE, bytes])),
  fc.constant(ping("any")),
  anyFrame,
);
/** One byte becomes another, or some are left out, or come twice. */
const damage = fc.tuple(fc.constantFrom("change", "drop", "repeat"), fc.nat(), fc.nat({ max: 255 }));

function damaged(bytes: Buffer, damages: readonly (readonly [what: string, at: number, amount: number])[]): Buffer {
  let result = Buffer.from(bytes);
  for (const [what, position, amount] of damages) {
    if (result.length === 0) return result;
    const at = position % result.length;
    if (what === "change") result[at] = amount;
    else if (what === "drop") result = Buffer.concat([result.subarray(0, at), result.subarray(at + amount)]);
    else result = Buffer.concat([result.subarray(0, at + amount), result.subarray(at)]);
  }
  return result;
}

test("whatever frames come, however damaged and cut, cost their connection at most, and nobody an alarm", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(manner, { maxLength: 6 }),
      turnsOf,
      fc.array(fc.tuple(fc.nat(), control), { maxLength: 6 }),
      fc.array(damage, { maxLength: 3 }),
      pieces,
      async (manners, turns, controls, damages, cuts) => {
        const peer = await Http2Peer.open(fast.port);
        const isFreed = freed(peer.serverSocket);
        const frames = [...mixed(manners, turns, () => peer.next()).frames];
        for (const [at, frameToo] of controls) frames.splice(at % (frames.length + 1), 0, frameToo);
        await peer.writeInPieces(damaged(Buffer.concat(frames), damages), cuts);
        peer.client.socket.end();
        await Promise.all([isFreed, peer.client.closed]);
      },
    ),
    { numRuns: 400 },
  );
  expect(fast.logger.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  expect(await outcomeOf(fast.port, PLAIN)).toMatchObject({ blocks: [{ ":status": "200" }, { "grpc-status": "0" }] });
});
