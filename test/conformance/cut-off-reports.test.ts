import { once } from "node:events";
import { constants } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ReportUsageRequestSchema } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { ControllableUpstream } from "../fakes/controllable-upstream.js";
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame as http2Frame,
  framesIn,
  HEADERS,
  OPENING,
  PING,
  RST_STREAM,
} from "../integration/http2/http2-frames.js";
import { frame } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const report = frame(
  toBinary(
    ReportUsageRequestSchema,
    create(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats", value: 1 }),
  ),
);
const RESET = http2Frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]));
const REPORT_HEADERS = Buffer.concat([
  hpack(":method", "POST"),
  hpack(":scheme", "http"),
  hpack(":path", "/stigg.sidecar.v1.SidecarService/ReportUsage"),
  hpack(":authority", "sidecar"),
  hpack("content-type", "application/grpc"),
]);

/** An HTTP/2 stream that is reset ends, in Node, as one that was whole: usage would be counted that its caller took back. */
describe("a report whose caller goes away", () => {
  let upstream: ControllableUpstream;
  let server: RpcServer;
  let socket: Socket;
  beforeEach(async () => {
    upstream = new ControllableUpstream();
    server = await startRpcServer({ upstream });
    socket = createConnection(server.port, "127.0.0.1");
    socket.write(Buffer.concat([OPENING, http2Frame(HEADERS, END_HEADERS, 1, REPORT_HEADERS)]));
  });
  afterEach(async () => {
    socket.destroy();
    await server.stop();
  });

  test.each([
    ["in the middle of its message", report.subarray(0, 9)],
    ["before it said that this was all", report],
  ])("%s never gets upstream", async (_, body) => {
    socket.write(http2Frame(DATA, 0, 1, body));
    await allRead(socket);
    socket.write(RESET);
    await allRead(socket);
    await server.stop(60_000);
    expect(upstream.reports.count).toBe(0);
    expect(server.logger.lines).toEqual([]);
  });

  test("after all of it was there does", async () => {
    socket.write(http2Frame(DATA, END_STREAM, 1, report));
    const { question, signal } = await upstream.reports.at(0);
    expect(question).toMatchObject({ featureId: "seats", value: 1 });
    socket.write(RESET);
    await new Promise<void>((resolve) => signal.addEventListener("abort", resolve));
  });
});

/** A header in HPACK, spelled out. */
function hpack(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** Settles when the server has read what was sent before: it answers pings in turn. */
async function allRead(socket: Socket): Promise<void> {
  let received = Buffer.alloc(0);
  const collect = (chunk: Buffer) => (received = Buffer.concat([received, chunk]));
  socket.on("data", collect);
  socket.write(http2Frame(PING, 0, 0, Buffer.alloc(8)));
  while (!framesIn(received).some(({ type, flags }) => type === PING && (flags & ACK) !== 0))
    await once(socket, "data");
  socket.off("data", collect);
}
