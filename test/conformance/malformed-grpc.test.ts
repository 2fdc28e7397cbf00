import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GetBooleanEntitlementRequestSchema } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CHECK_PATH, frame, RawHttp2 } from "./raw-http2.js";
import { startRpcServer, type RpcServer } from "./rpc-server.js";

const MAX_MESSAGE_BYTES = 1024;
const GRPC = { "content-type": "application/grpc", te: "trailers" };
const check = toBinary(GetBooleanEntitlementRequestSchema, create(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" }));
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
];

describe("a gRPC request that no client library sends", () => {
  let server: RpcServer;
  let client: RawHttp2;
  beforeAll(async () => {
    server = await startRpcServer({ maxMessageBytes: MAX_MESSAGE_BYTES });
    client = new RawHttp2(server.url);
  });
  beforeEach(() => server.logger.lines.splice(0));
  afterAll(async () => {
    client.close();
    await server.stop();
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
