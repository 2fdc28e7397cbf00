import { execFile } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, connect as http2Connect, type SecureClientSessionOptions } from "node:http2";
import { get as httpsGet } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "@jest/globals";
import type { Exchange, ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import { MultiProtocolListener } from "../../../src/adapters/rpc/listener/multi-protocol-listener.js";
import { Certificates } from "./certificates.js";
import { echo, freed, getAndClose, RawClient, RecordingLogger, startListening, textOf } from "./listening.js";

const run = promisify(execFile);
const certificates = new Certificates();
afterAll(() => certificates.remove());
const server = certificates.selfSigned();
const authority = certificates.selfSigned();
const trusted = certificates.signedBy(authority);
const stranger = certificates.signedBy(certificates.selfSigned());

const SOON = 50;
const FOREVER = 3_600_000;
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async function getByHttp1(port: number, options: ConnectionOptions = {}): Promise<string> {
  const request = httpsGet({ port, host: "127.0.0.1", ca: server.cert, agent: false, ...options });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return textOf(response);
}

function http2Session(port: number, options: SecureClientSessionOptions = {}): ClientHttp2Session {
  return http2Connect(`https://127.0.0.1:${port}`, { ca: server.cert, ...options });
}

function getByHttp2(port: number, options: SecureClientSessionOptions = {}): Promise<string> {
  return getAndClose(http2Session(port, options));
}

async function secured(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: "127.0.0.1", ca: server.cert, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** The first message of a client, which begins its handshake. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = tlsConnect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  const [accepted] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(accepted, "data")) as [Buffer];
  accepted.destroy();
  server.close();
  return hello;
}

describe("one TLS port serves both protocols", () => {
  it("by what the handshake agrees on", async () => {
    const { port } = await startListening({ tls: server });
    expect(await getByHttp1(port)).toBe("1.1 GET / 0");
    expect(await getByHttp2(port)).toBe("2.0 GET / 0");
  });

  it("HTTP/1.1 for a client that names no protocol, also when it has ended its side", async () => {
    const { port } = await startListening({ tls: server });
    const socket = await secured(port);
    expect(socket.alpnProtocol).toBe(false);
    socket.end(GET);
    expect(await textOf(socket)).toContain("1.1 GET / 0");
  });

  it("a request in many records, which comes while the answer before is still on its way out", async () => {
    const large = "x".repeat(32 * 1024 * 1024);
    const onExchange: ExchangeHandler = async (exchange) => {
      if (exchange.target === "/large") exchange.send(200, [], large);
      else await echo(exchange);
    };
    const { port } = await startListening({ tls: server, onExchange });
    const socket = await secured(port);
    socket.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(socket, "readable");
    socket.setMaxSendFragment(512);
    socket.end(`POST /next HTTP/1.1\r\nhost: a\r\ncontent-length: 8192\r\n\r\n${"y".repeat(8192)}`);
    const answers = await textOf(socket);
    expect(answers.slice(-100)).toMatch(/1\.1 POST \/next 8192$/);
  });

  it("nobody who knows neither", async () => {
    const { port } = await startListening({ tls: server });
    await expect(secured(port, { ALPNProtocols: ["spdy/1"] })).rejects.toThrow(/alert no application protocol/);
  });

  it.each([
    ["--http1.1", "1.1"],
    ["--http2", "2"],
  ])("curl %s", async (option, version) => {
    const { port } = await startListening({ tls: server });
    const { stdout } = await run("curl", [
      "-sS",
      option,
      "--cacert",
      server.certFile,
      "-d",
      "abc",
      `https://localhost:${port}/curl`,
    ]);
    expect(stdout.startsWith(version)).toBe(true);
    expect(stdout).toMatch(/POST \/curl 3$/);
  });
});

describe("who cannot speak TLS", () => {
  it.each([
    ["garbage", "\0\0\0\0garbage"],
    ["a cleartext request", GET],
  ])("%s costs its connection only", async (_, bytes) => {
    const { port, listener } = await startListening({ tls: server });
    const { client, serverSocket } = await RawClient.connect(port);
    const isFreed = freed(serverSocket);
    client.socket.write(bytes);
    await Promise.all([isFreed, client.closed]);
    expect(listener.connections()).toBe(0);
    expect(await getByHttp2(port)).toBe("2.0 GET / 0");
  });

  it("one that never ends its handshake is put out", async () => {
    const { port, log } = await startListening({ tls: server, limits: { firstBytesTimeoutMs: SOON } });
    const { client } = await RawClient.connect(port);
    client.socket.write("\u0016\u0003\u0001");
    await client.closed;
    expect(log.count("a TLS handshake failed")).toBe(1);
  });

  it.each([
    ["nothing", () => Buffer.alloc(0)],
    ["the first bytes of its handshake", (hello: Buffer) => hello.subarray(0, 3)],
    ["half of its first message", (hello: Buffer) => hello.subarray(0, hello.length >> 1)],
    ["its first message", (hello: Buffer) => hello],
  ])("one that ends its side behind %s is freed at once", async (_, part) => {
    const { port, listener } = await startListening({ tls: server, limits: { firstBytesTimeoutMs: FOREVER } });
    const { client, serverSocket } = await RawClient.connect(port);
    const isFreed = freed(serverSocket);
    client.socket.end(part(await clientHello()));
    await Promise.all([isFreed, client.closed]);
    expect(listener.connections()).toBe(0);
  });

  it.each([["http/1.1"], ["h2"]])(
    "one that ends its side once its handshake is done is freed at once (%s)",
    async (protocol) => {
      const limits = { headersTimeoutMs: FOREVER, keepAliveTimeoutMs: FOREVER, requestTimeoutMs: FOREVER };
      const { port, listener } = await startListening({ tls: server, limits });
      const socket = await secured(port, { ALPNProtocols: [protocol] });
      socket.resume().end();
      await once(socket, "close");
      await listener.drain(FOREVER);
      expect(listener.connections()).toBe(0);
    },
  );

  it.each([["http/1.1"], ["h2"]])("one that says nothing after its handshake is put out (%s)", async (protocol) => {
    const { port, listener } = await startListening({ tls: server, limits: { headersTimeoutMs: SOON } });
    const socket = await secured(port, { ALPNProtocols: [protocol] });
    socket.resume();
    await once(socket, "close");
    await listener.drain(FOREVER);
  });
});

describe("client certificates", () => {
  const tls = { ...server, clientCaFile: authority.certFile };

  it("of the authority are let in", async () => {
    const { port } = await startListening({ tls });
    const { cert, key } = trusted;
    expect(await getByHttp1(port, { cert, key })).toBe("1.1 GET / 0");
    expect(await getByHttp2(port, { cert, key })).toBe("2.0 GET / 0");
  });

  it.each([
    ["none", {}],
    ["one of another authority", { cert: stranger.cert, key: stranger.key }],
  ])("%s: refused before any request", async (_, credentials) => {
    let requests = 0;
    const onExchange: ExchangeHandler = () => {
      requests++;
      return Promise.resolve();
    };
    const { port, log } = await startListening({ tls, onExchange });
    await expect(getByHttp1(port, credentials)).rejects.toThrow();
    await expect(getByHttp2(port, credentials)).rejects.toThrow();
    await log.said("a TLS handshake failed", 2);
    expect(requests).toBe(0);
  });
});

describe("files that cannot serve are refused at the start", () => {
  const nothing = `${certificates.directory}/nothing.pem`;
  it.each([
    ["no certificate file", { ...server, certFile: nothing }, [nothing, "TLS_CERT_FILE", "ENOENT"]],
    ["no key file", { ...server, keyFile: nothing }, [nothing, "TLS_KEY_FILE", "ENOENT"]],
    ["no authorities file", { ...server, clientCaFile: nothing }, [nothing, "TLS_CLIENT_CA_FILE", "ENOENT"]],
    [
      "a directory",
      { ...server, certFile: certificates.directory },
      [certificates.directory, "TLS_CERT_FILE", "EISDIR"],
    ],
    [
      "a key as certificate",
      { ...server, certFile: server.keyFile },
      [server.keyFile, "TLS_CERT_FILE", "no certificate"],
    ],
    [
      "a certificate as key",
      { ...server, keyFile: server.certFile },
      [server.certFile, "TLS_KEY_FILE", "no usable private key"],
    ],
    ["an encrypted key", { ...server, keyFile: certificates.encrypted(server) }, ["TLS_KEY_FILE", "not encrypted"]],
    ["another's key", { ...server, keyFile: stranger.keyFile }, [stranger.keyFile, server.certFile, "does not belong"]],
    ["a key as authorities", { ...server, clientCaFile: server.keyFile }, ["TLS_CLIENT_CA_FILE", "no certificate"]],
  ])("%s", async (_, tls, named) => {
    const listener = new MultiProtocolListener({ onExchange: echo, tls, logger: new RecordingLogger() });
    const failure: unknown = await listener.listen(0, "127.0.0.1").catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "CodedError", code: "invalid-argument" });
    for (const part of named) expect((failure as Error).message).toContain(part);
    await listener.drain(0);
  });
});

describe("a drain over TLS", () => {
  it("lets requests under way finish, closes idle and silent connections, and then all are gone", async () => {
    const arrived: Exchange[] = [];
    let onArrived: () => void = () => undefined;
    const onExchange: ExchangeHandler = (exchange) => {
      arrived.push(exchange);
      onArrived();
      return Promise.resolve();
    };
    const { port, listener } = await startListening({ tls: server, onExchange });
    const silent = await RawClient.connect(port);
    const idle = await secured(port);
    idle.resume();
    const busy = http2Session(port);
    const answers = [getByHttp1(port), textOf(busy.request().setEncoding("utf8"))];
    while (arrived.length < 2) await new Promise<void>((resolve) => (onArrived = resolve));

    const drained = listener.drain(FOREVER);
    await Promise.all([silent.client.closed, once(idle, "close"), once(busy, "goaway")]);
    for (const exchange of arrived) void echo(exchange);
    expect(await Promise.all(answers)).toEqual(["1.1 GET / 0", "2.0 GET / 0"]);
    await drained;
    expect(listener.connections()).toBe(0);
  });
});
