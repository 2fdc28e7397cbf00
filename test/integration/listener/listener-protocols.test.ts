import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, get as httpGet, type IncomingMessage } from "node:http";
import { connect as http2Connect } from "node:http2";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import { detectProtocol } from "../../../src/adapters/rpc/listener/fronts.js";
import { bodyOf, get, hasEnded, OPENING, PREFACE } from "../http2/http2-frames.js";
import { echo, freed, RawClient, startListening, textOf, turns, untilRead } from "./listening.js";

const run = promisify(execFile);
const HTTP1_REQUEST = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
const HTTP2_REQUEST = Buffer.concat([OPENING, get(1)]);

describe("the first bytes tell the protocol, however they are cut", () => {
  it.each(Array.from({ length: 30 }, (_, index) => index + 1))("HTTP/2, cut after byte %i", async (cut) => {
    const { port } = await startListening();
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.write(HTTP2_REQUEST.subarray(0, cut));
    await untilRead(serverSocket, cut);
    client.socket.write(HTTP2_REQUEST.subarray(cut));
    await client.until((received) => hasEnded(received, 1));
    expect(bodyOf(client.bytes, 1)).toBe("2.0 GET / 0");
  });

  it.each(Array.from({ length: 20 }, (_, index) => index + 1))("HTTP/1.1, cut after byte %i", async (cut) => {
    const { port } = await startListening();
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.write(HTTP1_REQUEST.slice(0, cut));
    await untilRead(serverSocket, cut);
    client.socket.write(HTTP1_REQUEST.slice(cut));
    await client.untilText("1.1 POST /a 3");
  });

  it.each([
    ["HTTP/2", HTTP2_REQUEST, "2.0 GET / 0"],
    ["HTTP/1.1", Buffer.from(HTTP1_REQUEST), "1.1 POST /a 3"],
  ])("%s, one byte at a time", async (_, request, answer) => {
    const { port } = await startListening();
    const { client, serverSocket } = await RawClient.connect(port);
    for (let sent = 1; sent <= request.length; sent++) {
      client.socket.write(request.subarray(sent - 1, sent));
      await untilRead(serverSocket, sent);
    }
    await client.untilText(answer);
  });

  it.each(["PRI", "PRI * HTTP/1.1\r\n", `${PREFACE.toString("latin1").slice(0, 20)}x`])(
    "what only begins like HTTP/2 is refused: %j",
    async (bytes) => {
      const { port } = await startListening();
      const { client } = await RawClient.connect(port);
      client.socket.end(bytes);
      await client.closed;
      expect(client.text).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  it("undecided bytes wake nobody until more come", async () => {
    let wakes = 0;
    const server = createServer((socket) => {
      detectProtocol(socket, 60_000, { decided: () => socket.destroy(), undecided: () => socket.destroy() });
      // What spins between two turns would starve the test as well.
      socket.on("readable", () => {
        if (++wakes > 100) socket.destroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { client, serverSocket } = await RawClient.connect((server.address() as { port: number }).port);

    for (const [index, byte] of ["P", "R", "I"].entries()) {
      client.socket.write(byte);
      await untilRead(serverSocket, index + 1);
      await turns(1_000);
      expect(wakes).toBeLessThanOrEqual(index + 1);
    }
    client.socket.write("X");
    await client.closed;
    server.close();
  });
});

describe("one handler serves every client", () => {
  it("node:http keeps its connection", async () => {
    const { port, listener } = await startListening();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let call = 0; call < 5; call++) {
      const [response] = (await once(httpGet({ port, host: "127.0.0.1", path: `/${call}`, agent }), "response")) as [
        IncomingMessage,
      ];
      expect(await textOf(response)).toBe(`1.1 GET /${call} 0`);
    }
    expect(listener.connections()).toBe(1);
    agent.destroy();
  });

  it.each([
    ["http://here:1/path?a=b", "/path?a=b", "here:1"],
    ["HTTPS://here", "/", "here"],
    ["http://here?a", "/?a", "here"],
    ["http://[::1]:80//x", "//x", "[::1]:80"],
    ["/http://here/", "/http://here/", "elsewhere"],
    ["*", "*", "elsewhere"],
  ])("HTTP/1.1 for %s, as of a proxy, is for %s of %s", async (asked, target, authority) => {
    const onExchange: ExchangeHandler = (exchange) => {
      exchange.send(200, [], `${exchange.target} ${exchange.authority}`);
      return Promise.resolve();
    };
    const { port } = await startListening({ onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.end(`OPTIONS ${asked} HTTP/1.1\r\nhost: elsewhere\r\n\r\n`);
    await client.closed;
    expect(client.text.split("\r\n\r\n")[1]).toBe(`${target} ${authority}`);
  });

  it("pipelined requests are answered in order", async () => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
    client.socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""));
    await client.untilText("1.1 GET /49 0");
    expect([...client.text.matchAll(/1\.1 GET (\/\d+) 0/g)].map((match) => match[1])).toEqual(paths);
  });

  it("more pipelined requests than any client sends are answered up to a bound, and the connection closes", async () => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    const paths = Array.from({ length: 1_000 }, (_, index) => `/${index}`);
    client.socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""));
    await client.closed;
    const answered = [...client.text.matchAll(/1\.1 GET (\/\d+) 0/g)].map((match) => match[1]);
    expect(answered).toEqual(paths.slice(0, 100));
    expect(client.text.match(/connection: close/gi)).toHaveLength(1);
  });

  it("node:http2 sends many requests at a time by one connection", async () => {
    const { port, listener } = await startListening();
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => textOf(session.request({ ":path": `/${index}` }).setEncoding("utf8"))),
    );
    expect(answers).toEqual(answers.map((_, index) => `2.0 GET /${index} 0`));
    expect(listener.connections()).toBe(1);
    session.close();
  });

  it.each([
    ["--http1.1", "1.1"],
    ["--http2-prior-knowledge", "2.0"],
    // An upgrade to h2c is an offer that the server may ignore.
    ["--http2", "1.1"],
  ])("curl %s", async (option, version) => {
    const { port } = await startListening();
    const { stdout } = await run("curl", ["-sS", option, "--data", "abc", `http://127.0.0.1:${port}/curl`]);
    expect(stdout).toBe(`${version} POST /curl 3`);
  });
});

describe("half-open connections", () => {
  it("an HTTP/1.1 client that has ended its side gets its answers, and the connection closes", async () => {
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    const onExchange: ExchangeHandler = async (exchange) => {
      await asked;
      await echo(exchange);
    };
    const { port } = await startListening({ onExchange });
    const { client, serverSocket } = await RawClient.connect(port);
    serverSocket.once("end", answer);
    client.socket.end("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.closed;
    expect(client.text).toContain("1.1 GET /1 0");
    expect(client.text).toContain("1.1 GET /2 0");
  });

  it.each([
    ["nothing", ""],
    ["an idle HTTP/1.1 connection", HTTP1_REQUEST],
    ["half a request", HTTP1_REQUEST.slice(0, 30)],
    ["an HTTP/2 connection", HTTP2_REQUEST],
  ])("is freed when the client ends its side of %s", async (_, bytes) => {
    const { port, listener } = await startListening();
    const { client, serverSocket } = await RawClient.connect(port);
    const isFreed = freed(serverSocket);
    if (bytes.length > 0) client.socket.write(bytes);
    await untilRead(serverSocket, bytes.length);
    client.socket.end();
    await Promise.all([isFreed, client.closed]);
    expect(listener.connections()).toBe(0);
  });
});
