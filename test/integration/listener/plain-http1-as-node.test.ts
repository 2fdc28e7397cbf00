import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { populate } from "../../conformance/harness/customers.js";
import { CHECK_PATH } from "../../conformance/harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "../../conformance/harness/rpc-server.js";
import { InMemoryUpstream } from "../../fakes/in-memory-upstream.js";

const LIST_PATH = "/stigg.sidecar.v1.SidecarService/GetEntitlements";
const OTHER_CUSTOMER = '{"customerId":"nobody","featureId":"a"}';
const FLAG = "/ofrep/v1/evaluate/flags/sso";
const FLAG_BODY = '{"context":{"targetingKey":"acme"}}';
const BODY = '{"customerId":"acme","featureId":"sso"}';

let server: RpcServer;
beforeAll(async () => {
  server = await startRpcServer({ upstream: populate(new InMemoryUpstream()) });
  // From now on it is cached: answered in the turn that brings the request.
  await answersTo([PLAIN, request({ body: OTHER_CUSTOMER })]);
});
afterAll(() => server.stop());

interface RequestParts {
  readonly line?: string;
  readonly headers?: readonly string[];
  /** Behind the length. */
  readonly last?: readonly string[];
  readonly body?: Buffer | string;
}

/** As a client library writes it, but for what is given. */
function request({ line = `POST ${CHECK_PATH} HTTP/1.1`, headers = [], last = [], body = BODY }: RequestParts): Buffer {
  const hasLength = headers.some((header) => /^(content-length|transfer-encoding)\b/i.test(header));
  const lines = [
    line,
    ...(headers.some((header) => /^host\b/i.test(header)) ? [] : ["Host: sidecar"]),
    ...(headers.some((header) => /^content-type\b/i.test(header)) ? [] : ["Content-Type: application/json"]),
    ...headers,
    ...(hasLength ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...last,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]);
}

/** Nothing of it is plain: whoever sends it first is served by Node's server from then on. */
const HAND_OVER = Buffer.from("GET /nothing HTTP/1.1\r\nhost: sidecar\r\n\r\n");

/** What a client reads that sends these writes and ends its side: all answers, and that the connection closes. */
async function answersTo(writes: readonly Buffer[], first?: Buffer): Promise<readonly string[]> {
  const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const received: Buffer[] = [];
  const whole = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  if (first !== undefined) {
    socket.write(first);
    await once(socket, "data");
    received.length = 0;
  }
  for (const bytes of writes) await written(socket, bytes);
  socket.end();
  await whole;
  return Buffer.concat(received)
    .toString("latin1")
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .map(withoutDate);
}

/** Each reaches the server by itself, as far as loopback lets it. */
async function written(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) return;
  socket.write(bytes);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
}

function withoutDate(answer: string): string {
  const [head = "", ...body] = answer.split("\r\n\r\n");
  const [status = "", ...headers] = head.split("\r\n");
  const kept = headers
    .map((header) =>
      header.replace(/^[^:]*/, (name) => name.toLowerCase()).replace(/^(x-entitlement-age-ms:).*/, "$1 some"),
    )
    .filter((header) => !header.startsWith("date:"))
    .sort();
  return [status, ...kept, "", body.join("\r\n\r\n")].join("\n");
}

/** The same bytes, served as plain as they are and by Node's server alone. */
async function expectAsNode(writes: readonly Buffer[]): Promise<readonly string[]> {
  const own = await answersTo(writes);
  expect(own).toEqual(await answersTo(writes, HAND_OVER));
  return own;
}

const UNUSUAL: readonly (readonly [string, RequestParts])[] = [
  [
    "a length and a transfer coding",
    { headers: ["Content-Length: 5", "Transfer-Encoding: chunked"], body: "0\r\n\r\n" },
  ],
  ["a transfer coding", { headers: ["Transfer-Encoding: chunked"], body: `27\r\n${BODY}\r\n0\r\n\r\n` }],
  [
    "a transfer coding with a space before its colon",
    { headers: ["Transfer-Encoding : chunked", "Content-Length: 39"] },
  ],
  ["a transfer coding behind a fold", { headers: ["X-A: b\r\n Transfer-Encoding: chunked", "Content-Length: 39"] }],
  ["a transfer coding behind a bare LF", { headers: ["X-A: b\nTransfer-Encoding: chunked", "Content-Length: 39"] }],
  ["a transfer coding behind a bare CR", { headers: ["X-A: b\rTransfer-Encoding: chunked", "Content-Length: 39"] }],
  ["two lengths that differ", { headers: ["Content-Length: 39", "Content-Length: 2"] }],
  ["two lengths that agree", { headers: ["Content-Length: 39", "Content-Length: 39"] }],
  ["two lengths in one", { headers: ["Content-Length: 39, 39"] }],
  ["a length with a sign", { headers: ["Content-Length: +39"] }],
  ["a length below zero", { headers: ["Content-Length: -1"] }],
  ["a length in hexadecimal", { headers: ["Content-Length: 0x27"] }],
  ["a length with a fraction", { headers: ["Content-Length: 39.0"] }],
  ["no length", { headers: ["Content-Length:"] }],
  ["a length with zeros before it", { headers: ["Content-Length: 00039"] }],
  ["a length with many zeros before it", { headers: [`Content-Length: ${"0".repeat(40)}39`] }],
  ["a length with spaces around it", { headers: ["Content-Length:   39  "] }],
  ["a length beyond all numbers", { headers: [`Content-Length: ${"9".repeat(30)}`] }],
  ["a length shorter than its body", { headers: ["Content-Length: 2"] }],
  ["a length longer than its body", { headers: ["Content-Length: 400"] }],
  ["no host", { headers: ["Host:"] }],
  ["two hosts", { headers: ["Host: a", "Host: b"] }],
  ["a host that is none", { headers: ["Host: a/b"] }],
  ["a header without a name", { headers: [": b"] }],
  ["a header without a colon", { headers: ["nonsense"] }],
  ["a name with a space", { headers: ["x y: b"] }],
  ["a name that all objects have", { headers: ["__proto__: b", "constructor: c"] }],
  ["a value with NUL", { headers: ["x-a: \0"] }],
  ["a value outside ASCII", { headers: ["x-a: ü"] }],
  ["a value of a tab", { headers: ["x-a:\t"] }],
  ["a very long value of spaces", { headers: [`x-a: ${" ".repeat(3_000)}\x01`] }],
  ["more than all headers may have", { headers: [`x-a: ${"a".repeat(20_000)}`] }],
  ["very many headers", { headers: Array.from({ length: 300 }, (_, index) => `x-${index}: b`) }],
  ["a content type twice", { headers: ["Content-Type: application/json", "Content-Type: text/plain"] }],
  ["another content type first", { headers: ["Content-Type: text/plain", "Content-Type: application/json"] }],
  ["a transfer coding behind the length", { last: ["Transfer-Encoding: chunked"] }],
  ["a second length behind the first", { last: ["Content-Length: 3"] }],
  ["the age asked for behind the length", { last: ["X-Entitlement-Detail: 1"] }],
  ["another content type", { headers: ["Content-Type: text/plain"] }],
  ["an origin", { headers: ["Origin: https://a.example"] }],
  ["an upgrade", { headers: ["Connection: Upgrade", "Upgrade: websocket"] }],
  [
    "an upgrade to HTTP/2",
    { headers: ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"] },
  ],
  ["what is expected", { headers: ["Expect: 100-continue"] }],
  ["what nobody expects", { headers: ["Expect: 200-maybe"] }],
  ["a connection that closes", { headers: ["Connection: close"] }],
  ["a connection that is kept", { headers: ["Connection: keep-alive"] }],
  ["a connection that is kept, in capitals", { headers: ["CONNECTION: Keep-Alive"] }],
  ["HTTP/1.0", { line: `POST ${CHECK_PATH} HTTP/1.0` }],
  ["HTTP/1.2", { line: `POST ${CHECK_PATH} HTTP/1.2` }],
  ["HTTP/2.0", { line: `POST ${CHECK_PATH} HTTP/2.0` }],
  ["no version", { line: `POST ${CHECK_PATH}` }],
  ["two spaces", { line: `POST  ${CHECK_PATH} HTTP/1.1` }],
  ["a tab", { line: `POST\t${CHECK_PATH} HTTP/1.1` }],
  ["a verb in small letters", { line: `post ${CHECK_PATH} HTTP/1.1` }],
  ["an empty line before it", { line: `\r\nPOST ${CHECK_PATH} HTTP/1.1` }],
  ["another verb", { line: `PUT ${CHECK_PATH} HTTP/1.1` }],
  ["a verb that is none", { line: `POSTED ${CHECK_PATH} HTTP/1.1` }],
  ["a query", { line: `POST ${CHECK_PATH}?a=b HTTP/1.1` }],
  ["a whole URL", { line: `POST http://sidecar${CHECK_PATH} HTTP/1.1` }],
  ["another path", { line: "POST /nowhere HTTP/1.1" }],
  ["a path outside ASCII", { line: "POST /ü HTTP/1.1" }],
  ["a body that is no JSON", { body: "{" }],
  ["an empty body", { body: "" }],
  ["a body in gzip", { headers: ["Content-Encoding: gzip"], body: gzipSync(BODY) }],
  ["a body that is not what its encoding says", { headers: ["Content-Encoding: gzip"] }],
  ["a body in another encoding", { headers: ["Content-Encoding: br"] }],
  ["an id outside ASCII", { body: '{"customerId":"acme","featureId":"über 日本 😀"}' }],
  ["an unknown method's body", { body: '{"unknown":1}' }],
  ["a body of 20 kB", { body: `{"customerId":"${"a".repeat(20_000)}","featureId":"sso"}` }],
  ["a deadline that is none", { headers: ["Connect-Timeout-Ms: soon"] }],
  ["another version of the protocol", { headers: ["Connect-Protocol-Version: 2"] }],
  ["the age asked for", { headers: ["X-Entitlement-Detail: 1"] }],
  ["a flag", { line: `POST ${FLAG} HTTP/1.1`, body: FLAG_BODY }],
  ["a flag that there is not", { line: `POST ${FLAG}-not HTTP/1.1`, body: FLAG_BODY }],
  ["a flag of no customer", { line: `POST ${FLAG} HTTP/1.1`, body: "{}" }],
  ["gRPC", { headers: ["Content-Type: application/grpc"] }],
  ["the binary form", { headers: ["Content-Type: application/proto"], body: Buffer.from("\n\x04acme\x12\x03sso") }],
  [
    "gRPC-web",
    { headers: ["Content-Type: application/grpc-web+proto"], body: Buffer.from("\0\0\0\0\x0b\n\x04acme\x12\x03sso") },
  ],
];

const PLAIN = request({});
const OTHER = request({ line: `POST ${LIST_PATH} HTTP/1.1`, body: '{"customerId":"acme"}' });

describe("plain requests over HTTP/1.1 are answered as Node's server has them answered", () => {
  test.each(UNUSUAL)("%s", async (_, parts) => {
    await expectAsNode([request(parts)]);
  });

  test.each(UNUSUAL)("%s, between two plain ones", async (_, parts) => {
    await expectAsNode([Buffer.concat([PLAIN, request(parts), OTHER])]);
  });

  test("a plain one, and whatever its head is repeated with", async () => {
    const answers = await expectAsNode([PLAIN, OTHER, PLAIN, request({ body: OTHER_CUSTOMER }), OTHER]);
    expect(answers.map((answer) => answer.slice(0, 12))).toEqual(Array.from({ length: 5 }, () => "HTTP/1.1 200"));
  });

  test("two whose heads differ behind the length alone", async () => {
    const answers = await expectAsNode([
      request({ last: ["X-Entitlement-Other_: 1"] }),
      request({ last: ["X-Entitlement-Detail: 1"] }),
    ]);
    expect(answers.map((answer) => answer.includes("x-entitlement-age-ms"))).toEqual([false, true]);
  });

  const pair = Buffer.concat([PLAIN, OTHER]);
  test.each(Array.from({ length: Math.floor(pair.length / 7) }, (_, index) => 1 + index * 7))(
    "two in one go, cut after byte %i",
    async (cut) => {
      expect(await answersTo([pair.subarray(0, cut), pair.subarray(cut)])).toEqual(await answersTo([pair]));
    },
  );

  test("in any order, cut anywhere, with whatever is unusual among them", async () => {
    const parts = [PLAIN, OTHER, ...UNUSUAL.map(([, unusual]) => request(unusual))];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant(PLAIN), fc.constant(OTHER), fc.constantFrom(...parts)), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.array(fc.nat(), { maxLength: 4 }),
        async (requests, cuts) => {
          const bytes = Buffer.concat(requests);
          const places = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
          const writes = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
          await expectAsNode(writes.filter(({ length }) => length > 0));
        },
      ),
      { numRuns: 100 },
    );
  }, 120_000);
});
