import { gzipSync } from "node:zlib";
import { create, fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CONFORMANCE_CALLS, type ConformanceCall } from "./harness/calls.js";
import { RawHttp1 } from "./harness/raw-http1.js";
import { frame, RawHttp2 } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

interface Server {
  readonly server: RpcServer;
  readonly http1: RawHttp1;
  readonly http2: RawHttp2;
}

let fast: Server;
let general: Server;
beforeAll(async () => {
  [fast, general] = (await Promise.all(
    [true, false].map(async (hasFastPath) => {
      const server = await startRpcServer({ hasFastPath });
      return { server, http1: new RawHttp1(server.url), http2: new RawHttp2(server.url) };
    }),
  )) as [Server, Server];
});
afterAll(async () => {
  for (const { server, http1, http2 } of [fast, general]) {
    http1.close();
    http2.close();
    await server.stop();
  }
});

type Method = ConformanceCall["method"];
type Headers = Record<string, string>;
type Encode = (method: Method, request: JsonObject, isGzip: boolean) => { headers: Headers; body: Buffer };

const binary = (method: Method, request: JsonObject) => {
  const { input } = SidecarService.method[method];
  return Buffer.from(toBinary(input, create(input, fromJson(input, request))));
};
const PROTOCOLS: Readonly<Record<string, Encode>> = {
  "gRPC-web": (method, request, isGzip) => ({
    headers: { "content-type": "application/grpc-web+proto", ...(isGzip ? { "grpc-encoding": "gzip" } : {}) },
    body: isGzip ? frame(gzipSync(binary(method, request)), 1) : frame(binary(method, request)),
  }),
  "Connect, binary": (method, request, isGzip) => ({
    headers: {
      "content-type": "application/proto",
      "connect-protocol-version": "1",
      ...(isGzip ? { "content-encoding": "gzip" } : {}),
    },
    body: isGzip ? gzipSync(binary(method, request)) : binary(method, request),
  }),
  "Connect, JSON": (_, request, isGzip) => ({
    headers: { "content-type": "application/json", ...(isGzip ? { "content-encoding": "gzip" } : {}) },
    body: isGzip ? gzipSync(JSON.stringify(request)) : Buffer.from(JSON.stringify(request)),
  }),
};

async function send({ http1, http2 }: Server, version: 1 | 2, path: string, headers: Headers, body: Buffer) {
  if (version === 2) {
    const answer = await http2.post(path, headers, body);
    return { status: answer.headers[":status"], headers: answer.headers, body: answer.body };
  }
  const answer = await http1.send(path, { headers, body });
  return { status: answer.status, headers: answer.headers, body: answer.body };
}

/** All that its client learns, in a form that does not depend on the order of fields. */
function meaningOf(method: Method, { status, headers, body }: Awaited<ReturnType<typeof send>>): unknown {
  const type = String(headers["content-type"]);
  return { status, type, source: headers["x-entitlement-source"], body: withoutIds(contentOf(method, type, body)) };
}

function contentOf(method: Method, type: string, body: Buffer): unknown {
  const { output } = SidecarService.method[method];
  if (type === "application/proto") return toJson(output, fromBinary(output, body));
  if (type === "application/json") return JSON.parse(body.toString());
  const contents: unknown[] = [];
  for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
    const content = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    contents.push(body[at] === 0x80 ? trailersIn(content) : toJson(output, fromBinary(output, content)));
  }
  return contents;
}

/** The status and the message, with no more escaped than has to be; Connect adds details that nobody here sends. */
function trailersIn(content: Buffer): unknown {
  const lines = content
    .toString()
    .trim()
    .split(/\r?\n/)
    .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
  return lines
    .filter(([name]) => name === "grpc-status" || name === "grpc-message")
    .map(([name, value]) => [name, decodeURIComponent(value)])
    .sort();
}

function withoutIds(content: unknown): unknown {
  return JSON.parse(JSON.stringify(content).replace(/"measurementId":"[^"]+"/g, '"measurementId":"…"'));
}

describe.each(Object.entries(PROTOCOLS))(
  "%s, on the fast path and the general path, is answered alike",
  (_, encode) => {
    describe.each([1, 2] as const)("over HTTP/%d", (version) => {
      test.each(CONFORMANCE_CALLS)("$method: $name", async ({ method, request }) => {
        const { name, parent } = SidecarService.method[method];
        for (const isGzip of [false, true]) {
          const { headers, body } = encode(method, request, isGzip);
          const [byFast, byGeneral] = await Promise.all(
            [fast, general].map((server) => send(server, version, `/${parent.typeName}/${name}`, headers, body)),
          );
          expect(meaningOf(method, byFast!)).toEqual(meaningOf(method, byGeneral!));
        }
      });
    });
  },
);

describe("Connect's GET", () => {
  const query = (request: object) => `connect=v1&encoding=json&message=${encodeURIComponent(JSON.stringify(request))}`;
  const check = (method: string, request: object) =>
    `${fast.server.url}/stigg.sidecar.v1.SidecarService/${method}?${query(request)}`;

  test("reads what a POST reads", async () => {
    const response = await fetch(check("GetBooleanEntitlement", { customerId: "acme", featureId: "sso" }));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ hasAccess: true, entitlement: { feature: { id: "sso" } } });
  });

  test("of a method that writes is refused, with the verb that it takes", async () => {
    const response = await fetch(check("ReportUsage", { customerId: "acme", featureId: "seats", value: 1 }));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("names what is wrong with its message", async () => {
    const response = await fetch(check("GetBooleanEntitlement", { customerId: "", featureId: "sso" }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("customer_id"),
    });
  });
});
