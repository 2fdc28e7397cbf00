import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  GetBooleanEntitlementResponseSchema,
  SidecarService,
} from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { plainGrpcTransport } from "../../../src/adapters/rpc/shadow/plain-grpc-transport.js";

const METHOD = SidecarService.method.getBooleanEntitlement;
const servers: Server[] = [];
const sockets: Socket[] = [];
const places: Record<string, string> = {};

async function at(server: Server): Promise<string> {
  servers.push(server);
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  places["a service"] = await at(
    createServer(
      { maxSessionMemory: 1_000 },
      connectNodeAdapter({
        routes: (router) =>
          router.service(SidecarService, {
            getBooleanEntitlement({ customerId, featureId }, { requestHeader, responseHeader, signal }) {
              if (featureId === "refused") throw new ConnectError("no, ü", Code.FailedPrecondition, { why: "because" });
              if (featureId === "silent")
                return new Promise((_, reject) =>
                  signal.addEventListener("abort", () => reject(signal.reason as Error)),
                );
              responseHeader.set("x-asked", requestHeader.get("x-caller") ?? "nobody");
              return create(GetBooleanEntitlementResponseSchema, { hasAccess: customerId === "acme" });
            },
          }),
      }),
    ),
  );
  places["a server that is no service"] = await at(
    createServer((_, response) => {
      response.writeHead(503, { "content-type": "text/plain" });
      response.end("away");
    }),
  );
  places["a server that hangs up"] = await at(createServer((_, response) => response.stream.close(2)));
  places["a server of HTTP/1.1"] = await at(createHttpServer((_, response) => void response.end("hello")));
  const gone = createHttpServer();
  places["nobody"] = await at(gone);
  gone.close();
});
afterAll(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** What came of one call, as far as callers and comparisons see it. */
async function outcome(transport: Transport, request: object, timeoutMs?: number, signal?: AbortSignal) {
  try {
    const { message, header } = await transport.unary(METHOD, signal, timeoutMs, { "x-caller": "test" }, request);
    return { message, asked: header.get("x-asked") };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { code: Code[error.code], why: error.metadata.get("why") };
  }
}

const both = (place: string): readonly [plain: Transport, ofConnect: Transport] => {
  const baseUrl = places[place] as string;
  return [plainGrpcTransport(baseUrl, {}), createGrpcTransport({ baseUrl })];
};

describe("the plain transport says what Connect's says", () => {
  it.each<[what: string, place: string, request: object]>([
    ["of an answer", "a service", { customerId: "acme", featureId: "sso" }],
    ["of an answer with an empty message", "a service", { customerId: "other", featureId: "sso" }],
    ["of a refusal", "a service", { customerId: "acme", featureId: "refused" }],
    ["of a server that speaks no gRPC", "a server that is no service", {}],
    ["of a server that hangs up", "a server that hangs up", {}],
    ["of a server of HTTP/1.1", "a server of HTTP/1.1", {}],
    ["where nobody listens", "nobody", {}],
  ])("%s", async (_, place, request) => {
    const [plain, ofConnect] = both(place);
    expect(await outcome(plain, request)).toEqual(await outcome(ofConnect, request));
  });

  it("of a call that takes too long, and of one whose caller goes away", async () => {
    const request = { customerId: "acme", featureId: "silent" };
    for (const transport of both("a service")) {
      expect(await outcome(transport, request, 20)).toMatchObject({ code: "DeadlineExceeded" });
      const gone = new AbortController();
      const asked = outcome(transport, request, undefined, gone.signal);
      gone.abort();
      expect(await asked).toMatchObject({ code: "Canceled" });
      expect(await outcome(transport, request, undefined, gone.signal)).toMatchObject({ code: "Canceled" });
    }
  });
});

it("the plain transport has more calls open at a time than Node lets a connection have by itself", async () => {
  const [plain] = both("a service");
  const request = { customerId: "acme", featureId: "x".repeat(8_000) };
  const outcomes = await Promise.all(Array.from({ length: 3_000 }, () => outcome(plain, request)));
  expect(outcomes.filter((each) => !("message" in each))).toEqual([]);
});
