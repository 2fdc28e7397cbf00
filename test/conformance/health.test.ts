import { once } from "node:events";
import { createConnection } from "node:net";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const SERVICES = ["", "stigg.sidecar.v1.SidecarService"];

const TRANSPORTS: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-web over HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect over HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
];

describe.each(TRANSPORTS)("grpc.health.v1, by %s", (_, transport) => {
  let server: RpcServer;
  let client: Client<typeof Health>;
  async function start(options?: Parameters<typeof startRpcServer>[0]): Promise<void> {
    server = await startRpcServer(options);
    client = createClient(Health, transport(server.url));
  }
  afterEach(() => server.stop());

  describe("Check", () => {
    beforeEach(() => start({ isReady: false }));

    test.each(SERVICES)('"%s" is not served before the service is ready and while it drains', async (service) => {
      expect(await client.check({ service })).toMatchObject({ status: ServingStatus.NOT_SERVING });
      server.readiness.ready();
      expect(await client.check({ service })).toMatchObject({ status: ServingStatus.SERVING });
      server.readiness.drain();
      expect(await client.check({ service })).toMatchObject({ status: ServingStatus.NOT_SERVING });
    });

    test("a service that is not here is not found", async () => {
      const failure = await client
        .check({ service: "other.Service" })
        .catch((error: unknown) => ConnectError.from(error));
      expect(failure).toMatchObject({ code: Code.NotFound, rawMessage: expect.stringContaining('"other.Service"') });
    });

    test("List tells of all", async () => {
      const { statuses } = await client.list({});
      expect(Object.keys(statuses)).toEqual(SERVICES);
    });
  });

  describe("Watch", () => {
    beforeEach(() => start({ isReady: false }));

    test("tells each change, and ends when the server shuts down", async () => {
      const seen: ServingStatus[] = [];
      const ended = (async () => {
        for await (const { status } of client.watch({})) {
          seen.push(status);
          if (seen.length === 1) server.readiness.ready();
          if (seen.length === 2) server.readiness.drain();
          if (seen.length === 3) server.shutDown();
        }
      })();
      await expect(ended).rejects.toMatchObject({ code: Code.Unavailable });
      expect(seen).toEqual([ServingStatus.NOT_SERVING, ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    });

    test("of a service that is not here says so, and goes on", async () => {
      const statuses = client.watch({ service: "other.Service" })[Symbol.asyncIterator]();
      expect((await statuses.next()).value).toMatchObject({ status: ServingStatus.SERVICE_UNKNOWN });
      server.readiness.ready();
      const next = statuses.next();
      server.shutDown();
      await expect(next).rejects.toMatchObject({ code: Code.Unavailable });
    });

    test("stops listening once its caller has gone", async () => {
      const caller = new AbortController();
      const statuses = client.watch({}, { signal: caller.signal })[Symbol.asyncIterator]();
      await statuses.next();
      caller.abort();
      await expect(statuses.next()).rejects.toMatchObject({ code: Code.Canceled });
      await server.stop(60_000);
      expect(server.logger.lines).toEqual([]);
    });

    test("does not keep the server from stopping", async () => {
      const statuses = client.watch({})[Symbol.asyncIterator]();
      await statuses.next();
      const end = statuses.next().catch((error: unknown) => ConnectError.from(error).code);
      await server.stop(60_000);
      expect(await end).toBe(Code.Unavailable);
    });
  });
});

test("a watcher whose HTTP/1.1 connection broke is no failure", async () => {
  const server = await startRpcServer({ isReady: false });
  const socket = createConnection(server.port, "127.0.0.1");
  const message = "\0\0\0\0\u0002{}";
  socket.write(
    `POST /grpc.health.v1.Health/Watch HTTP/1.1\r\nhost: sidecar\r\ncontent-type: application/connect+json\r\ncontent-length: ${message.length}\r\n\r\n${message}`,
  );
  await once(socket, "data");
  socket.resetAndDestroy();
  await once(socket, "close");
  server.readiness.ready();
  await server.stop(60_000);
  expect(server.logger.lines).toEqual([]);
});
