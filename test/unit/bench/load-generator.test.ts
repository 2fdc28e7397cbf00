import { once } from "node:events";
import { createServer, type ServerHttp2Stream, type Settings } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { LoadJob } from "../../../bench/load/load-job.js";
import { runJob } from "../../../bench/load/run-job.js";
import { customerIdOf } from "../../../bench/world/customers.js";
import { GetBooleanEntitlementResponseSchema } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

type Answer = (stream: ServerHttp2Stream, request: Buffer) => void;

const REQUESTS = 500;
const HEADERS = { "content-type": "application/grpc", "x-entitlement-source": "memory" };

const servers: (() => void)[] = [];
afterEach(() => {
  for (const stop of servers.splice(0)) stop();
});

describe("the load generator", () => {
  it("asks for each customer once, and counts every answer", async () => {
    const asked = new Set<string>();
    const port = await serving((stream, request) => {
      asked.add(/customer-\d{7}/.exec(request.toString("latin1"))?.[0] ?? "");
      grant(stream);
    });
    const { answers, verified, errors } = await runJob(jobFor(port));
    expect({ answers, errors }).toEqual({ answers: REQUESTS, errors: {} });
    expect(asked).toEqual(new Set(Array.from({ length: REQUESTS }, (_, customer) => customerIdOf(customer))));
    // One of 64 is looked into.
    expect(verified).toBe(Math.floor(REQUESTS / 64));
  });

  it("reads headers however they are encoded", async () => {
    let number = 0;
    const port = await serving((stream) =>
      grant(stream, { "x-changing": `Value ${number++} ~ {"*"} <${"é".length}>`, "x-first": "a".repeat(number % 200) }),
    );
    const { answers, errors } = await runJob(jobFor(port));
    expect({ answers, errors }).toEqual({ answers: REQUESTS, errors: {} });
  });

  it.each<[string, string, Answer]>([
    ["an error status", "grpc-status 14", (stream) => respond(stream, undefined, "14")],
    ["no message", "an answer without a message", (stream) => respond(stream, undefined, "0")],
    [
      "no trailers",
      "an answer without trailers",
      (stream) => {
        stream.respond(HEADERS);
        stream.end(frameOf({ hasAccess: true }));
      },
    ],
    ["an HTTP error", "HTTP 503", (stream) => stream.respond({ ":status": 503 }, { endStream: true })],
    ["a reset", "a stream was reset (2)", (stream) => stream.close(2)],
  ])("takes %s for a failure", async (_, error, answer) => {
    const port = await serving(answer);
    const { answers, errors } = await runJob(jobFor(port));
    expect({ answers, errors }).toEqual({ answers: 0, errors: { [error]: REQUESTS } });
  });

  it.each([
    ["the wrong decision", { hasAccess: false }],
    ["a fallback", { hasAccess: true, isFallback: true }],
  ])("finds %s among the answers that it looks into", async (fault, message) => {
    const port = await serving((stream) => respond(stream, frameOf(message), "0"));
    const { verified, errors } = await runJob(jobFor(port));
    expect(verified).toBe(0);
    expect(errors).toEqual({
      [`${fault} from /stigg.sidecar.v1.SidecarService/GetBooleanEntitlement`]: Math.floor(REQUESTS / 64),
    });
  });

  it("asks for no more at a time than the server takes", async () => {
    const port = await serving((stream) => setImmediate(() => grant(stream)), { maxConcurrentStreams: 2 });
    const { answers, errors } = await runJob({ ...jobFor(port), connections: 1, streams: 100 });
    expect({ answers, errors }).toEqual({ answers: REQUESTS, errors: {} });
  });

  it("sends steadily in windows that follow each other, and loses nothing between them", async () => {
    const port = await serving((stream) => grant(stream));
    const shape = { kind: "steady", perSecond: REQUESTS, warmUpMs: 0, windowMs: 100, windows: 3 } as const;
    const { answers, errors, windows, latency } = await runJob({ ...jobFor(port), shape });
    expect({ answers, errors, windows: windows.length }).toEqual({
      answers: (REQUESTS * 3) / 10,
      errors: {},
      windows: 3,
    });
    expect(latency.max).toBeGreaterThanOrEqual(Math.max(...windows.map(({ max }) => max)));
  });

  it("tells that a connection was lost", async () => {
    const port = await serving((stream) => stream.session?.destroy());
    const { answers, errors } = await runJob(jobFor(port));
    expect(answers).toBe(0);
    expect(errors).toHaveProperty("the connection was lost");
  });
});

function jobFor(port: number): LoadJob {
  return {
    port,
    serverPid: process.pid,
    protocol: "grpc",
    connections: 3,
    streams: 7,
    calls: ["boolean"],
    keys: "each-once",
    customers: REQUESTS,
    areAnswersDecoded: true,
    shape: { kind: "once" },
  };
}

async function serving(answer: Answer, settings: Settings = {}): Promise<number> {
  const server = createServer({ settings });
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => answer(stream, Buffer.concat(chunks)));
  });
  server.on("session", (session) => servers.push(() => session.destroy()));
  server.listen(0, "127.0.0.1");
  servers.push(() => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function grant(stream: ServerHttp2Stream, headers: Readonly<Record<string, string>> = {}): void {
  respond(stream, frameOf({ hasAccess: true }), "0", headers);
}

function respond(
  stream: ServerHttp2Stream,
  frame: Buffer | undefined,
  status: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.respond({ ...HEADERS, ...headers }, { waitForTrailers: true });
  stream.end(frame);
}

function frameOf(message: MessageInitShape<typeof GetBooleanEntitlementResponseSchema>): Buffer {
  const bytes = toBinary(GetBooleanEntitlementResponseSchema, create(GetBooleanEntitlementResponseSchema, message));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}
