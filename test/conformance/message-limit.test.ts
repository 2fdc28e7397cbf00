import { createConnection } from "node:net";
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "@jest/globals";
import { serveRawClients } from "./harness/raw-clients.js";
import { CHECK_PATH, frame } from "./harness/raw-http2.js";

const LIMIT = 4 * 1024 * 1024;
const json = (bytes: number) => Buffer.from('{"customerId":"acme","featureId":"sso"}'.padEnd(bytes));
const inParts = (body: Buffer) =>
  Array.from({ length: Math.ceil(body.length / 65_536) }, (_, part) =>
    body.subarray(part * 65_536, (part + 1) * 65_536),
  );
const JSON_TYPE = { "content-type": "application/json" };
const GRPC_WEB = { "content-type": "application/grpc-web+json" };

describe("a message of more than 4 MiB is refused, and the connection serves on", () => {
  const raw = serveRawClients();

  test("of exactly 4 MiB it is not", async () => {
    expect(await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body: json(LIMIT) })).toMatchObject({ status: 200 });
    expect(await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body: inParts(json(LIMIT)) })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ["with its length", JSON_TYPE, json(LIMIT + 1)],
    ["in chunks", JSON_TYPE, inParts(json(LIMIT + 1))],
    ["in chunks that go on", JSON_TYPE, inParts(json(3 * LIMIT))],
    ["compressed", { ...JSON_TYPE, "content-encoding": "gzip" }, gzipSync(json(LIMIT + 1))],
  ])("Connect over HTTP/1.1, %s", async (_, headers, body) => {
    const answer = await raw.http1.send(CHECK_PATH, { headers, body });
    expect(answer.status).toBe(429);
    expect(JSON.parse(answer.text)).toMatchObject({ code: "resource_exhausted" });
    expect(await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body: json(50) })).toMatchObject({ status: 200 });
  });

  test("the same HTTP/1.1 connection answers the next request", async () => {
    const socket = createConnection(raw.server.port, "127.0.0.1");
    const head = `POST ${CHECK_PATH} HTTP/1.1\r\nhost: sidecar\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    for (const part of inParts(json(3 * LIMIT)))
      socket.write(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]));
    socket.write(`0\r\n\r\n${head}connection: close\r\ncontent-length: 50\r\n\r\n${json(50).toString()}`);
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 429", "HTTP/1.1 200"]);
  });

  test.each([
    ["in chunks", GRPC_WEB, frame(json(LIMIT + 1))],
    ["compressed", { ...GRPC_WEB, "grpc-encoding": "gzip" }, frame(gzipSync(json(LIMIT + 1)), 1)],
  ])("gRPC-web over HTTP/1.1, %s", async (_, headers, body) => {
    const answer = await raw.http1.send(CHECK_PATH, { headers, body: inParts(body) });
    expect(answer.text).toContain(`grpc-status: ${Code.ResourceExhausted}\r\n`);
    expect(await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body: json(50) })).toMatchObject({ status: 200 });
  });

  test("gRPC over HTTP/2", async () => {
    const headers = { "content-type": "application/grpc+json", te: "trailers" };
    expect(await raw.http2.post(CHECK_PATH, headers, frame(json(LIMIT + 1)))).toMatchObject({
      grpcStatus: Code.ResourceExhausted,
    });
    expect(await raw.http2.post(CHECK_PATH, headers, frame(json(50)))).toMatchObject({ grpcStatus: 0 });
  });

  test("Connect over HTTP/2", async () => {
    expect(await raw.http2.post(CHECK_PATH, JSON_TYPE, json(LIMIT + 1))).toMatchObject({ headers: { ":status": 429 } });
    expect(await raw.http2.post(CHECK_PATH, JSON_TYPE, json(50))).toMatchObject({ headers: { ":status": 200 } });
  });
});
