import { createConnection } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { serveRawClients } from "./harness/raw-clients.js";
import { CHECK_PATH } from "./harness/raw-http2.js";

const JSON_TYPE = { "content-type": "application/json" };
const CHECK = '{"customerId":"acme","featureId":"sso"}';

const REPORT_PATH = "/stigg.sidecar.v1.SidecarService/ReportUsage";

describe("a request that is no call", () => {
  const raw = serveRawClients();

  test.each([
    ["gRPC over HTTP/1.1", CHECK_PATH, { headers: { "content-type": "application/grpc" } }, 505, "gRPC needs HTTP/2"],
    [
      "gRPC over HTTP/1.1, of no method",
      "/x",
      { headers: { "content-type": "application/grpc+proto" } },
      505,
      "gRPC needs HTTP/2",
    ],
    ["a page", "/", { method: "GET" }, 404, 'there is no method "/"'],
    ["a method that writes, by GET", REPORT_PATH, { method: "GET", headers: JSON_TYPE }, 405, "call methods by POST"],
    ["no content type", CHECK_PATH, {}, 415, "there is no content-type: send application/json"],
    [
      "a form",
      CHECK_PATH,
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=b" },
      415,
      '"application/x-www-form-urlencoded": send application/json',
    ],
    [
      "a stream's content type for a unary method",
      CHECK_PATH,
      { headers: { "content-type": "application/connect+json" } },
      415,
      "send application/json",
    ],
    [
      "a unary content type for a stream",
      "/grpc.health.v1.Health/Watch",
      { headers: JSON_TYPE, body: "{}" },
      415,
      "send application/connect+json",
    ],
    [
      "a stream in both directions over HTTP/1.1",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      { headers: { "content-type": "application/grpc-web+proto" } },
      505,
      "needs HTTP/2",
    ],
  ])("%s is refused with a remedy", async (_, path, request, status, text) => {
    const answer = await raw.http1.send(path, request);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
    expect(answer.text).toContain(text);
    expect(await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body: CHECK })).toMatchObject({ status: 200 });
  });

  test("a method refused for its verb tells which it takes", async () => {
    expect((await raw.http1.send(REPORT_PATH, { method: "GET" })).headers.allow).toBe("POST");
  });

  test.each([
    ["application/json", "/stigg.sidecar.v1.SidecarService/GetNothing"],
    ["application/proto", "/a.b.C/D"],
    ["application/connect+json", "/a.b.C/D"],
  ])("an unknown method is unimplemented in Connect (%s), over both HTTP versions", async (contentType, path) => {
    const headers = { "content-type": contentType };
    const first = await raw.http1.send(path, { headers, body: "{}" });
    const second = await raw.http2.post(path, headers, Buffer.from("{}"));
    expect([first.status, second.headers[":status"]]).toEqual([404, 404]);
    for (const { body } of [first, second])
      expect(JSON.parse(body.toString())).toMatchObject({ code: "unimplemented" });
  });

  test.each(["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"])(
    "an unknown method is unimplemented in gRPC-web (%s), over both HTTP versions",
    async (contentType) => {
      const headers = { "content-type": contentType };
      expect((await raw.http1.send("/a.b.C/D", { headers })).headers).toMatchObject({
        ...headers,
        "grpc-status": "12",
      });
      expect((await raw.http2.post("/a.b.C/D", headers)).headers).toMatchObject({ ...headers, "grpc-status": "12" });
    },
  );

  test("a request of HTTP/1.0 without a host is told to name one", async () => {
    const socket = createConnection(raw.server.port, "127.0.0.1");
    socket.write(`POST ${CHECK_PATH} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received).toMatch(/^HTTP\/1\.1 400 [^]*send a host header/);
  });

  test.each([
    ["names two hosts", "host: a\r\nHost: b\r\n"],
    ["names one host twice", "Host: a\r\nHost: a\r\n"],
  ])("a request that %s is refused, and its connection closed", async (_, hosts) => {
    const socket = createConnection(raw.server.port, "127.0.0.1");
    const request = `POST ${CHECK_PATH} HTTP/1.1\r\n${hosts}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
    socket.write(request + request);
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received).toMatch(/^HTTP\/1\.1 400 [^]*send one host header/);
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test.each([
    ["names no encoding", "", 415, "there is no encoding in the query: send encoding=json"],
    ["names another encoding", "?encoding=xml&message=a", 415, 'the encoding "xml" is not served: send encoding=json'],
    ["has a message that is not base64", "?encoding=json&base64=1&message=!!!", 400, "the message is not base64"],
    ["has a message that is half of base64", "?encoding=proto&base64=1&message=a", 400, "the message is not base64"],
  ])("a call by GET that %s is told so, over both HTTP versions", async (_, query, status, message) => {
    const first = await raw.http1.send(`${CHECK_PATH}${query}`, { method: "GET" });
    const second = await raw.http2.post(`${CHECK_PATH}${query}`, { ":method": "GET" });
    expect([first.status, second.headers[":status"]]).toEqual([status, status]);
    for (const { body } of [first, second]) expect(body.toString()).toContain(message);
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "customerId=acme"],
    ["JSON of another shape", "[]"],
    ["a field of another type", '{"customerId": 7}'],
    ["a field that there is not", '{"customerId": "acme", "featureId": "sso", "requestedUsage": 3}'],
    ["half a character", '{"customerId": "\\ud800", "featureId": 7}'],
  ])("a body of %s is an invalid argument", async (_, body) => {
    const answer = await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ code: "invalid_argument" });
  });

  describe("bytes that are not UTF-8, of which several ids would be one", () => {
    const LATIN1 = Buffer.from('{"customerId":"caf\xe9","featureId":"sso"}', "latin1");
    const refusal = { code: "invalid_argument", message: "the text is not UTF-8: encode JSON so" };
    const CUT = Buffer.from('{"customerId":"café"').subarray(0, 19);
    const QUERY = `${CHECK_PATH}?encoding=json`;

    test.each([
      ["a request", JSON_TYPE, LATIN1],
      ["a report", JSON_TYPE, Buffer.from('{"customerId":"caf\xe9","featureId":"sso","value":1}', "latin1")],
      ["a gzipped request", { ...JSON_TYPE, "content-encoding": "gzip" }, gzipSync(LATIN1)],
      ["a request off the fast path", { ...JSON_TYPE, "connect-timeout-ms": "0005000" }, LATIN1],
      ["half a character at the end", JSON_TYPE, CUT],
    ])("are refused in %s, over both HTTP versions", async (name, headers, body) => {
      const path = name === "a report" ? REPORT_PATH : CHECK_PATH;
      const first = await raw.http1.send(path, { headers, body });
      const second = await raw.http2.post(path, headers, body, [Math.max(0, body.indexOf(0xe9))]);
      for (const answer of [first, second]) expect(JSON.parse(answer.body.toString())).toEqual(refusal);
    });

    test.each([
      ["percent-encoded", `${QUERY}&message=%7B%22customerId%22:%22caf%E9%22,%22featureId%22:%22sso%22%7D`],
      ["in base64", `${QUERY}&base64=1&message=${LATIN1.toString("base64url")}`],
    ])("are refused in a call by GET, %s", async (_, target) => {
      const answer = await raw.http1.send(target, { method: "GET" });
      expect(JSON.parse(answer.text)).toEqual(refusal);
    });

    test("are refused by OFREP", async () => {
      const body = Buffer.from('{"context":{"targetingKey":"caf\xe9"}}', "latin1");
      const answer = await raw.http1.send("/ofrep/v1/evaluate/flags/sso", { headers: JSON_TYPE, body });
      expect({ status: answer.status, body: JSON.parse(answer.text) as unknown }).toMatchObject({
        status: 400,
        body: { errorCode: "PARSE_ERROR", errorDetails: refusal.message },
      });
    });

    test("are no fault of a body in an encoding that is not known: that is what is said", async () => {
      const body = brotliCompressSync('{"customerId":"acme","featureId":"sso"}');
      const headers = { ...JSON_TYPE, "content-encoding": "br" };
      const answer = await raw.http1.send(CHECK_PATH, { headers, body });
      expect(JSON.parse(answer.text)).toMatchObject({
        code: "unimplemented",
        message: expect.stringContaining("br") as unknown,
      });
    });

    test("are not taken for the character that stands for them", async () => {
      const body = '{"customerId":"caf\ufffd","featureId":"sso"}';
      expect((await raw.http1.send(CHECK_PATH, { headers: JSON_TYPE, body })).status).toBe(200);
    });
  });

  test("a value that an enum has not is an invalid argument, and nothing is counted for it", async () => {
    const body = '{"customerId": "acme", "featureId": "sso", "value": 3, "updateBehavior": "SET"}';
    const answer = await raw.http1.send("/stigg.sidecar.v1.SidecarService/ReportUsage", { headers: JSON_TYPE, body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("UsageUpdateBehavior") as unknown as string,
    });
  });
});
