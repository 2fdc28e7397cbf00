import { once } from "node:events";
import { type ClientHttp2Stream, connect as http2Connect } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import {
  END_HEADERS,
  END_STREAM,
  frame,
  framesIn,
  get,
  GOAWAY,
  hasEnded,
  HEADERS,
  OPENING,
  PING,
  PREFACE,
  RST_STREAM,
} from "../http2/http2-frames.js";
import { answerWith, echo, freed, RawClient, startListening, textOf, turns, untilRead } from "./listening.js";

const SOON = 50;
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/** Both protocols still answer. */
async function expectServing(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toBe("1.1 GET / 0");
  const session = http2Connect(`http://127.0.0.1:${port}`);
  expect(await textOf(session.request().setEncoding("utf8"))).toBe("2.0 GET / 0");
  session.close();
  await once(session, "close");
}

describe("bytes that are no request", () => {
  it.each([
    ["garbage", "\0\u0001\u0002 nonsense", /^HTTP\/1\.1 400 [\s\S]*this port speaks gRPC/],
    ["a TLS handshake", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001", /^HTTP\/1\.1 400 [\s\S]*use the TLS port/],
    ["a request without a host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
    [
      "headers without end",
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}`,
      /^HTTP\/1\.1 431 [\s\S]*exceed 16384 bytes/,
    ],
    ["a damaged chunk", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", /^HTTP\/1\.1 400 /],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
      /^HTTP\/1\.1 400 /,
    ],
  ])("%s: refused with a reason, and the connection closed", async (_, bytes, refusal) => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    client.socket.write(bytes, "latin1");
    await client.closed;
    expect(client.text).toMatch(refusal);
    await expectServing(port);
  });

  it("a refusal is read whole by a client that was still sending", async () => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    client.socket.end(Buffer.alloc(4 * 1024 * 1024, "\0"));
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 400 [\s\S]*over either\.\n$/);
  });

  it("a refused client that stays is put out", async () => {
    const { port } = await startListening({ limits: { refusalTimeoutMs: SOON } });
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.allowHalfOpen = true;
    client.socket.write("\0");
    await freed(serverSocket);
    client.socket.destroy();
  });

  it.each([
    ["garbage", "\0\0\0", 400],
    ["headers without end", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}`, 431],
    ["a damaged chunk", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400],
  ])("%s behind whole requests: those are answered, and then it is refused", async (_, bytes, status) => {
    let answer: () => void = () => undefined;
    const isTime = new Promise<void>((resolve) => (answer = resolve));
    const onExchange: ExchangeHandler = async (exchange) => {
      await isTime;
      await echo(exchange);
    };
    const { port } = await startListening({ onExchange });
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.write(`${GET}${GET}${bytes}`);
    await untilRead(serverSocket, 2 * GET.length + bytes.length);
    await turns(3);
    expect(client.text).toBe("");
    answer();
    await client.closed;
    expect(client.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", `HTTP/1.1 ${status}`]);
    await expectServing(port);
  });

  it("garbage inside a request whose answer has begun ends the connection, and is not taken for the answer", async () => {
    const onExchange: ExchangeHandler = async (exchange) => {
      exchange.respond(200, [], false);
      await exchange.write(Buffer.from("begun"));
    };
    const { port } = await startListening({ onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    await client.untilText("begun");
    client.socket.write("zz\r\n");
    await client.closed;
    expect(client.text).not.toContain("400");
  });

  it("whatever comes, the connection ends with the client's side and others are served", async () => {
    const { port, listener } = await startListening({ limits: { pingIntervalMs: SOON } });
    const opening = fc.constantFrom<Buffer>(Buffer.alloc(0), Buffer.from("PRI"), PREFACE, OPENING, Buffer.from(GET));
    await fc.assert(
      fc.asyncProperty(opening, fc.uint8Array({ maxLength: 500 }), async (start, bytes) => {
        const { client, serverSocket } = await RawClient.connect(port);
        const isFreed = freed(serverSocket);
        client.socket.end(Buffer.concat([start, bytes]));
        await Promise.all([isFreed, client.closed]);
      }),
      { numRuns: 200 },
    );
    expect(listener.connections()).toBe(0);
    await expectServing(port);
  });

  it("CONNECT is refused on either protocol", async () => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    client.socket.write("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 405 .*\r\nconnection: close\r\n/);
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const [headers] = (await once(session.request({ ":method": "CONNECT", ":authority": "a:1" }), "response")) as [
      Record<string, unknown>,
    ];
    expect(headers[":status"]).toBe(405);
    session.close();
  });

  it("CONNECT behind requests is refused behind their answers, and a reset there harms nobody", async () => {
    const { port } = await startListening();
    const requests = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc".repeat(2);
    const { client } = await RawClient.connect(port);
    client.socket.write(`${requests}CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\nmore`);
    await client.closed;
    expect(client.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 405"]);
    const another = await RawClient.connect(port);
    another.client.socket.write("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n");
    another.client.socket.resetAndDestroy();
    await freed(another.serverSocket);
    await expectServing(port);
  });

  it.each(["gzip, chunked", "identity, chunked"])(
    "a body in the transfer-encoding %s is refused, and the next request on the connection is served",
    async (encoding) => {
      const { port } = await startListening();
      const { client } = await RawClient.connect(port);
      const head = `POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: ${encoding}\r\n\r\n`;
      client.socket.write(
        `${head}3\r\nabc\r\n0\r\n\r\nPOST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n`,
      );
      await client.untilText("1.1 POST /b 0");
      expect(client.text).toMatch(/^HTTP\/1\.1 501 /);
      expect(client.text).not.toContain("POST /a");
    },
  );

  it("a handler that throws costs its own request", async () => {
    const onExchange: ExchangeHandler = async (exchange) => {
      if (exchange.target === "/fault") throw new Error("a fault");
      await echo(exchange);
    };
    const { port, log } = await startListening({ onExchange });
    expect((await fetch(`http://127.0.0.1:${port}/fault`)).status).toBe(500);
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const [headers] = (await once(session.request({ ":path": "/fault" }), "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(500);
    session.close();
    expect(log.count("unexpected error in a request handler")).toBe(2);
    await expectServing(port);
  });
});

describe("clients that take their time", () => {
  it.each([
    ["says nothing", "", /^$/],
    ["sends half a preface", "PRI * HT", /^HTTP\/1\.1 408 /],
    ["sends half its headers", "GET / HTTP/1.1\r\nhost: a\r\nx-a", /^HTTP\/1\.1 408 /],
    ["sends half its body", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc", /^HTTP\/1\.1 408 /],
    ["sends no more requests", GET, /^HTTP\/1\.1 200 [\s\S]*1\.1 GET \/ 0/],
  ])("one that %s is put out", async (_, bytes, received) => {
    const { port } = await startListening({
      limits: { firstBytesTimeoutMs: SOON, headersTimeoutMs: SOON, requestTimeoutMs: SOON, keepAliveTimeoutMs: SOON },
    });
    const { client } = await RawClient.connect(port);
    if (bytes.length > 0) client.socket.write(bytes);
    await client.closed;
    expect(client.text).toMatch(received);
    await expectServing(port);
  });

  it("one that opens HTTP/2 and sends no settings is put out", async () => {
    const { port } = await startListening({ limits: { headersTimeoutMs: SOON } });
    const { client } = await RawClient.connect(port);
    client.socket.write(PREFACE);
    await client.closed;
  });

  it("one that never ends an HTTP/2 header block is put out", async () => {
    const { port } = await startListening({ limits: { pingIntervalMs: SOON } });
    const { client } = await RawClient.connect(port);
    client.socket.write(Buffer.concat([OPENING, frame(HEADERS, END_STREAM, 1, Buffer.from([0x82]))]));
    await client.closed;
  });

  it("one that answers pings stays", async () => {
    const { port } = await startListening({ limits: { pingIntervalMs: SOON } });
    const session = http2Connect(`http://127.0.0.1:${port}`);
    for (let ping = 0; ping < 5; ping++) await once(session, "ping");
    expect(await textOf(session.request().setEncoding("utf8"))).toBe("2.0 GET / 0");
    session.close();
  });

  it.each([
    ["HTTP/1.1", GET],
    ["HTTP/2", Buffer.concat([OPENING, get(1)])],
  ])("one that never reads its answer is put out (%s)", async (_, bytes) => {
    const onExchange = answerWith(Buffer.alloc(64 * 1024 * 1024));
    const { port } = await startListening({ onExchange, limits: { stalledTimeoutMs: SOON, pingIntervalMs: SOON } });
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.pause();
    client.socket.write(bytes);
    await freed(serverSocket);
    client.socket.destroy();
  });
});

describe("clients that ask for too much", () => {
  it("streams opened and reset without end cost the connection", async () => {
    let requests = 0;
    const onExchange: ExchangeHandler = async (exchange) => {
      requests++;
      await echo(exchange);
    };
    const { port } = await startListening({ onExchange, limits: { pingIntervalMs: SOON } });
    const { client } = await RawClient.connect(port);
    const resets = Array.from({ length: 20_000 }, (_, index) =>
      Buffer.concat([get(2 * index + 1), frame(RST_STREAM, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8]))]),
    );
    client.socket.write(Buffer.concat([OPENING, ...resets]));
    await client.closed;
    expect(requests).toBeLessThan(5_000);
    await expectServing(port);
  });

  it("pings without end by a client that reads no answer cost the connection", async () => {
    const { port } = await startListening({ limits: { pingIntervalMs: SOON } });
    const { client, serverSocket } = await RawClient.connect(port);
    const isFreed = freed(serverSocket);
    client.socket.pause();
    client.socket.write(OPENING);
    const pings = Buffer.concat(Array.from({ length: 4_000 }, () => frame(PING, 0, 0, Buffer.alloc(8))));
    const flood = (failure?: Error | null) => {
      if (failure === undefined || failure === null) client.socket.write(pings, flood);
    };
    flood();
    await isFreed;
    client.socket.destroy();
    await expectServing(port);
  });

  it("an HTTP/2 request with too large headers is refused, others on its connection are not", async () => {
    const { port } = await startListening();
    const session = http2Connect(`http://127.0.0.1:${port}`);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.maxHeaderListSize).toBe(16 * 1024);
    const tooLarge = session.request({ "x-large": "y".repeat(20_000) });
    await expect(once(tooLarge, "response")).rejects.toThrow(/NGHTTP2_/);
    expect(await textOf(session.request().setEncoding("utf8"))).toBe("2.0 GET / 0");
    session.close();
  });

  it("streams beyond the limit are refused", async () => {
    const { port } = await startListening({
      onExchange: () => new Promise(() => undefined),
      limits: { maxConcurrentStreams: 3 },
    });
    const { client } = await RawClient.connect(port);
    client.socket.write(Buffer.concat([OPENING, ...[1, 3, 5, 7].map(get)]));
    await client.until((received) => framesIn(received).some((each) => each.type === RST_STREAM));
    expect(
      framesIn(client.bytes)
        .filter((each) => each.type === RST_STREAM)
        .map((each) => each.stream),
    ).toEqual([7]);
    client.socket.destroy();
  });

  it("frames that break the protocol cost their connection", async () => {
    const { port } = await startListening();
    const { client } = await RawClient.connect(port);
    client.socket.write(Buffer.concat([OPENING, frame(HEADERS, END_STREAM | END_HEADERS, 2, Buffer.from([0x82]))]));
    await client.closed;
    expect(framesIn(client.bytes).some((each) => each.type === GOAWAY)).toBe(true);
    await expectServing(port);
  });

  it("connections beyond the limit are closed, and said so once", async () => {
    const { port, log } = await startListening({ limits: { maxConnections: 2 } });
    const kept = [await RawClient.connect(port), await RawClient.connect(port)];
    for (let extra = 0; extra < 3; extra++) await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect(log.count("connections are refused: there are as many as there may be")).toBe(1);
    for (const { client, serverSocket } of kept) {
      const isFreed = freed(serverSocket);
      client.socket.destroy();
      await isFreed;
    }
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("1.1 GET / 0");
  });

  it("a client's reset of a request under way harms nothing", async () => {
    const streams: ClientHttp2Stream[] = [];
    const onExchange: ExchangeHandler = async (exchange) => {
      if (exchange.target !== "/slow") await echo(exchange);
      else streams[0]?.close(8);
    };
    const { port } = await startListening({ onExchange });
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":path": "/slow", ":method": "POST" });
    streams.push(stream);
    stream.on("error", () => undefined);
    await once(stream, "close");
    expect(await textOf(session.request().setEncoding("utf8"))).toBe("2.0 GET / 0");
    session.close();
  });
});

describe("a thousand idle connections", () => {
  it("leave others served, and everything they held is freed after", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const { port, listener } = await startListening();

    const held: WeakRef<object>[] = [];
    await holdIdle(port, held, async () => {
      expect(listener.connections()).toBe(1_000);
      for (let call = 0; call < 20; call++) await expectServing(port);
    });
    await expectServing(port);

    for (let attempt = 0; attempt < 200 && held.some((reference) => reference.deref() !== undefined); attempt++) {
      await turns(10);
      collectGarbage();
    }
    expect(held).toHaveLength(1_000);
    expect(held.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(10);
  });

  /** A fifth each: silent, half a preface, half a request, served by HTTP/1.1, served by HTTP/2. */
  async function holdIdle(port: number, held: WeakRef<object>[], meanwhile: () => Promise<void>): Promise<void> {
    const openings = ["", PREFACE.subarray(0, 5), "GET / HTTP/1.1\r\n", GET, Buffer.concat([OPENING, get(1)])];
    const clients: RawClient[] = [];
    const allFreed: Promise<void>[] = [];
    for (let index = 0; index < 1_000; index++) {
      const { client, serverSocket } = await RawClient.connect(port);
      const opening = openings[index % openings.length]!;
      if (opening.length > 0) client.socket.write(opening);
      await untilRead(serverSocket, opening.length);
      if (index % openings.length === 3) await client.untilText("1.1 GET / 0");
      if (index % openings.length === 4) await client.until((received) => hasEnded(received, 1));
      clients.push(client);
      allFreed.push(freed(serverSocket));
      held.push(new WeakRef(serverSocket));
    }
    await meanwhile();
    for (const client of clients) client.socket.destroy();
    await Promise.all(allFreed);
  }
});
