import { once } from "node:events";
import { constants } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  GetBooleanEntitlementRequestSchema,
  ReportUsageRequestSchema,
} from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { InMemoryUpstream } from "../fakes/in-memory-upstream.js";
import {
  ACK,
  DATA,
  END_HEADERS,
  frame as http2Frame,
  framesIn,
  HEADERS,
  OPENING,
  PING,
  RST_STREAM,
} from "../integration/http2-frames.js";
import { populate } from "./customers.js";
import { CHECK_PATH, frame, RawHttp2 } from "./raw-http2.js";
import { startRpcServer, type RpcServer } from "./rpc-server.js";

const MAX_MESSAGE_BYTES = 1024;
const GRPC = { "content-type": "application/grpc", te: "trailers" };
const check = toBinary(GetBooleanEntitlementRequestSchema, create(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" }));
const report = toBinary(ReportUsageRequestSchema, create(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats", value: 1 }));
const sized = (bytes: number) => Buffer.concat([check, Buffer.from([0x1a, 0x80 | ((bytes - check.length - 3) & 0x7f), (bytes - check.length - 3) >> 7]), Buffer.alloc(bytes - check.length - 3, "x")]);

interface Malformed {
  readonly name: string;
  readonly body: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: Code | 0;
  readonly message?: string;
}

const CASES: readonly Malformed[] = [
  { name: "no message", body: undefined, status: Code.Unimplemented, message: "missing input message" },
  { name: "a prefix that is cut off", body: frame(check).subarray(0, 3), status: Code.InvalidArgument, message: "cut off" },
  { name: "a prefix without its message", body: frame(check).subarray(0, 5), status: Code.InvalidArgument, message: "cut off" },
  { name: "a message that is cut off", body: frame(check).subarray(0, 9), status: Code.InvalidArgument, message: "cut off" },
  { name: "bytes after the message", body: Buffer.concat([frame(check), Buffer.alloc(2)]), status: Code.InvalidArgument, message: "cut off" },
  { name: "two messages", body: Buffer.concat([frame(check), frame(check)]), status: Code.Unimplemented, message: "extra input message" },
  { name: "unknown flags", body: frame(check, 0b10), status: Code.InvalidArgument, message: "begins with 0x02" },
  { name: "the flag of a trailer", body: frame(check, 0x80), status: Code.InvalidArgument, message: "begins with 0x80" },
  { name: "compressed by nothing", body: frame(gzipSync(check), 1), status: Code.Internal, message: "do not know how to decompress" },
  { name: "an unknown compression", body: frame(check, 1), headers: { "grpc-encoding": "snappy" }, status: Code.Unimplemented, message: "supported encodings are gzip" },
  { name: "what gzip did not write", body: frame(check, 1), headers: { "grpc-encoding": "gzip" }, status: Code.InvalidArgument, message: "decompression failed" },
  { name: "a message that is large only once it is decompressed", body: frame(gzipSync(sized(8192)), 1), headers: { "grpc-encoding": "gzip" }, status: Code.ResourceExhausted, message: "larger than" },
  { name: "a length beyond all bounds", body: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), status: Code.ResourceExhausted, message: "larger than" },
  { name: "a message one byte too large", body: frame(sized(MAX_MESSAGE_BYTES + 1)), status: Code.ResourceExhausted, message: "larger than" },
  { name: "a message just small enough", body: frame(sized(MAX_MESSAGE_BYTES)), status: 0 },
  { name: "what is no protobuf", body: frame(Buffer.from("ffffffff", "hex")), status: Code.Internal, message: "parse binary" },
  { name: "a deadline that is none", body: frame(check), headers: { "grpc-timeout": "soon" }, status: Code.InvalidArgument, message: "soon" },
  { name: "a deadline in a thousand years", body: frame(check), headers: { "grpc-timeout": "8766000H" }, status: 0 },
];

const RESET = http2Frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]));
const REPORT_HEADERS = Buffer.concat([
  hpack(":method", "POST"),
  hpack(":scheme", "http"),
  hpack(":path", "/stigg.sidecar.v1.SidecarService/ReportUsage"),
  hpack(":authority", "sidecar"),
  hpack("content-type", "application/grpc"),
]);

describe("a gRPC request that no client library sends", () => {
  const upstream = populate(new InMemoryUpstream());
  let server: RpcServer;
  let client: RawHttp2;
  beforeAll(async () => {
    server = await startRpcServer({ upstream, maxMessageBytes: MAX_MESSAGE_BYTES });
    client = new RawHttp2(server.url);
  });
  beforeEach(() => server.logger.lines.splice(0));
  afterAll(async () => {
    client.close();
    await server.stop();
    expect(upstream.counted, "reports of callers who went away").toEqual([]);
  });

  test.each(CASES)("$name", async ({ body, headers, status, message = "" }) => {
    const answer = await client.post(CHECK_PATH, { ...GRPC, ...headers }, body);
    expect(answer.headers[":status"]).toBe(200);
    expect(answer.grpcStatus).toBe(status);
    expect(answer.grpcMessage ?? "").toContain(message);
    await stillAnswers();
    expect(server.logger.lines).toEqual([]);
  });

  test("a message that arrives byte by byte", async () => {
    const stream = client.session.request({ ":method": "POST", ":path": CHECK_PATH, ...GRPC });
    const trailers = once(stream, "trailers");
    for (const byte of frame(check)) stream.write(Buffer.from([byte]));
    stream.end();
    stream.resume();
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
  });

  test.each([
    ["in the middle of its message, by a reset", frame(report).subarray(0, 9), RESET],
    ["before it said that this was all, by a reset", frame(report), RESET],
    ["in the middle of its message, for good", frame(report).subarray(0, 9), undefined],
    ["before it said that this was all, for good", frame(report), undefined],
  ])("a report whose caller goes away %s is not counted", async (_, body, reset) => {
    const socket = createConnection(server.port, "127.0.0.1");
    const request = [OPENING, http2Frame(HEADERS, END_HEADERS, 1, REPORT_HEADERS), http2Frame(DATA, 0, 1, body)];
    socket.write(Buffer.concat([...request, ...(reset === undefined ? [] : [reset]), http2Frame(PING, 0, 0, Buffer.alloc(8))]));
    await pingAnswered(socket);
    socket.destroy();
    await stillAnswers();
    expect(upstream.counted).toEqual([]);
    expect(server.logger.lines).toEqual([]);
  });

  test.each(["/stigg.sidecar.v1.SidecarService/GetNothing", "/stigg.sidecar.v9.Sidecar/GetBooleanEntitlement", "/", "//", "/%", "/?"])(
    "the method %s",
    async (path) => {
      const answer = await client.post(path, GRPC, frame(check));
      expect(answer).toMatchObject({ grpcStatus: Code.Unimplemented, headers: { ":status": 200, "content-type": "application/grpc" } });
      await stillAnswers();
    },
  );

  test("text in JSON that is no text, by the message that tells of it", async () => {
    const body = frame(Buffer.from('{"customerId": "\\ud800", "\\ud800": 1, "options": "\\ud800"}'));
    const answer = await client.post(CHECK_PATH, { ...GRPC, "content-type": "application/grpc+json" }, body);
    expect(answer.grpcStatus).toBe(Code.InvalidArgument);
    await stillAnswers();
  });

  async function stillAnswers(): Promise<void> {
    expect(await client.post(CHECK_PATH, GRPC, frame(check))).toMatchObject({ grpcStatus: 0 });
  }
});

/** A header in HPACK, spelled out. */
function hpack(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
}

/** What was sent before the ping has been read by then. */
async function pingAnswered(socket: Socket): Promise<void> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (framesIn(received).some(({ type, flags }) => type === PING && (flags & ACK) !== 0)) return;
  }
}
