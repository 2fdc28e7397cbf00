import { once } from "node:events";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { CHECK, GRPC, MALFORMED_CALLS, MAX_MESSAGE_BYTES } from "./harness/malformed-calls.js";
import { CHECK_PATH, frame, RawHttp2 } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

describe("a gRPC request that no client library sends", () => {
  let server: RpcServer;
  let client: RawHttp2;
  beforeAll(async () => {
    server = await startRpcServer({ maxMessageBytes: MAX_MESSAGE_BYTES });
    client = new RawHttp2(server.url);
  });
  beforeEach(() => void server.logger.lines.splice(0));
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  test.each(MALFORMED_CALLS)("$name", async ({ body, headers, status, message = "" }) => {
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
    for (const byte of frame(CHECK)) stream.write(Buffer.from([byte]));
    stream.end();
    stream.resume();
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
  });

  test.each([
    "/stigg.sidecar.v1.SidecarService/GetNothing",
    "/stigg.sidecar.v9.Sidecar/GetBooleanEntitlement",
    "/",
    "//",
    "/%",
    "/?",
  ])("the method %s", async (path) => {
    const answer = await client.post(path, GRPC, frame(CHECK));
    expect(answer).toMatchObject({
      grpcStatus: Code.Unimplemented,
      headers: { ":status": 200, "content-type": "application/grpc" },
    });
    await stillAnswers();
  });

  test("text in JSON that is no text, by the message that tells of it", async () => {
    const body = frame(Buffer.from('{"customerId": "\\ud800", "\\ud800": 1, "options": "\\ud800"}'));
    const answer = await client.post(CHECK_PATH, { ...GRPC, "content-type": "application/grpc+json" }, body);
    expect(answer.grpcStatus).toBe(Code.InvalidArgument);
    await stillAnswers();
  });

  async function stillAnswers(): Promise<void> {
    expect(await client.post(CHECK_PATH, GRPC, frame(CHECK))).toMatchObject({ grpcStatus: 0 });
  }
});
