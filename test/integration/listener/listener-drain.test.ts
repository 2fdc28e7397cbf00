import { once } from "node:events";
import { connect as http2Connect } from "node:http2";
import { describe, expect, it } from "@jest/globals";
import type { Exchange, ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import {
  ACK,
  bodyOf,
  frame,
  framesIn,
  get,
  GOAWAY,
  hasEnded,
  OPENING,
  PING,
  WINDOW_UPDATE,
} from "../http2/http2-frames.js";
import { answerWith, echo, freed, RawClient, startListening, textOf, turns, untilRead } from "./listening.js";

/** Longer than any test may take: a drain that needs it fails. */
const FOREVER = 3_600_000;
/** As far as a client may open a window at once. */
const WIDE = Buffer.from([0x7f, 0, 0, 0]);
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/** What GOAWAY names while requests may be on their way. */
const ANY_STREAM = 2 ** 31 - 1;

function lastServedIn(received: Buffer): number[] {
  return framesIn(received)
    .filter((each) => each.type === GOAWAY)
    .map((each) => each.payload.readUInt32BE(0));
}

/** A handler whose answers wait for the test. */
class HeldRequests {
  readonly #held: Exchange[] = [];
  #arrived: () => void = () => undefined;

  readonly onExchange: ExchangeHandler = (exchange) => {
    this.#held.push(exchange);
    this.#arrived();
    return Promise.resolve();
  };

  async count(count: number): Promise<Exchange[]> {
    while (this.#held.length < count) await new Promise<void>((resolve) => (this.#arrived = resolve));
    return this.#held;
  }

  answer(): void {
    for (const exchange of this.#held) void echo(exchange);
  }
}

describe("a drain lets requests under way finish", () => {
  it("on HTTP/1.1, whose answer says that the connection closes", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(GET);
    await held.count(1);
    const drained = listener.drain(FOREVER);
    held.answer();
    await Promise.all([drained, client.closed]);
    expect(client.text).toMatch(/connection: close[\s\S]*1\.1 GET \/ 0/i);
    expect(listener.connections()).toBe(0);
  });

  it("on HTTP/1.1, also when its headers promised to keep the connection", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(GET);
    const [exchange] = await held.count(1);
    exchange!.respond(200, [], false);
    void exchange!.write(Buffer.from("first"));
    await client.untilText("first");
    const drained = listener.drain(FOREVER);
    void exchange!.write(Buffer.from("last"));
    exchange!.end([]);
    await Promise.all([drained, client.closed]);
    expect(client.text).toMatch(/keep-alive[\s\S]*first[\s\S]*last/i);
  });

  it("on HTTP/1.1, every one of a pipeline", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(GET.repeat(3));
    await held.count(3);
    const drained = listener.drain(FOREVER);
    held.answer();
    await Promise.all([drained, client.closed]);
    expect(client.text.match(/1\.1 GET \/ 0/g)).toHaveLength(3);
    expect(client.text.match(/connection: close/gi)).toHaveLength(1);
  });

  it.each(["before", "after"])(
    "on HTTP/1.1, one that was answered before it was whole, whose rest came %s the drain began",
    async (order) => {
      const onExchange: ExchangeHandler = (exchange) => {
        exchange.send(200, [], "too large");
        return Promise.resolve();
      };
      const { port, listener } = await startListening({ onExchange });
      const { client, serverSocket } = await RawClient.connect(port);
      client.socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nhalf");
      await client.untilText("too large");
      const sendRest = async () => {
        const read = serverSocket.bytesRead;
        client.socket.write("half");
        await untilRead(serverSocket, read + 4);
      };
      if (order === "before") await sendRest();
      const drained = listener.drain(FOREVER);
      if (order === "after") await sendRest();
      await Promise.all([drained, client.closed]);
      expect(listener.connections()).toBe(0);
    },
  );

  it("on HTTP/2, whose client is told to go", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const session = http2Connect(`http://127.0.0.1:${port}`);
    const answer = textOf(session.request().setEncoding("utf8"));
    await held.count(1);
    const goaway = once(session, "goaway");
    const drained = listener.drain(FOREVER);
    expect((await goaway)[0]).toBe(0);
    held.answer();
    expect(await answer).toBe("2.0 GET / 0");
    await Promise.all([drained, once(session, "close")]);
  });

  it("on HTTP/2, also those sent before the client could know, and tells which it does not serve any more", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(Buffer.concat([OPENING, get(1)]));
    await held.count(1);

    const drained = listener.drain(FOREVER);
    const pinged = () => framesIn(client.bytes).find((each) => each.type === PING && each.flags !== ACK);
    await client.until(() => pinged() !== undefined);
    expect(lastServedIn(client.bytes)).toEqual([ANY_STREAM]);
    client.socket.write(Buffer.concat([get(3), frame(PING, ACK, 0, pinged()!.payload)]));
    await client.until((received) => lastServedIn(received).length === 2);
    expect(lastServedIn(client.bytes)).toEqual([ANY_STREAM, 3]);
    client.socket.write(get(5));
    await held.count(2);
    held.answer();
    await Promise.all([drained, client.closed]);
    expect([bodyOf(client.bytes, 1), bodyOf(client.bytes, 3), bodyOf(client.bytes, 5)]).toEqual([
      "2.0 GET / 0",
      "2.0 GET / 0",
      "",
    ]);
  });

  it("on HTTP/2, also of a client that does not answer", async () => {
    const { port, listener } = await startListening({ limits: { refusalTimeoutMs: 50 } });
    const { client } = await RawClient.connect(port);
    client.socket.write(Buffer.concat([OPENING, get(1)]));
    await client.until((received) => hasEnded(received, 1));
    await Promise.all([listener.drain(FOREVER), client.closed]);
    expect(lastServedIn(client.bytes)).toEqual([ANY_STREAM, 1]);
  });

  it.each([
    ["HTTP/1.1", Buffer.from(GET)],
    ["HTTP/2", Buffer.concat([OPENING, frame(WINDOW_UPDATE, 0, 0, WIDE), get(1), frame(WINDOW_UPDATE, 0, 1, WIDE)])],
  ])("on %s, also when the answer is given and its client has yet to read it", async (_, bytes) => {
    const size = 32 * 1024 * 1024;
    const onExchange = answerWith(Buffer.alloc(size));
    const { port, listener } = await startListening({ onExchange });
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.pause();
    client.socket.write(bytes);
    await untilRead(serverSocket, bytes.length);
    await turns(10);
    const drained = listener.drain(FOREVER);
    await turns(10);
    client.socket.resume();
    await Promise.all([drained, client.closed]);
    expect(client.size).toBeGreaterThan(size);
  });

  it("on a connection whose first request is not whole yet", async () => {
    const { port, listener } = await startListening();
    const http1 = await RawClient.connect(port);
    const http2 = await RawClient.connect(port);
    http1.client.socket.write(GET.slice(0, 20));
    http2.client.socket.write(OPENING.subarray(0, 10));
    await Promise.all([http1, http2].map(({ serverSocket }) => once(serverSocket, "readable")));

    const drained = listener.drain(FOREVER);
    http1.client.socket.write(GET.slice(20));
    http2.client.socket.write(Buffer.concat([OPENING.subarray(10), get(1)]));
    await http1.client.closed;
    expect(http1.client.text).toMatch(/connection: close[\s\S]*1\.1 GET \/ 0/i);
    await http2.client.until((received) => hasEnded(received, 1));
    await Promise.all([drained, http2.client.closed]);
  });
});

describe("a drain waits for nobody else", () => {
  it("closes silent and idle connections at once", async () => {
    const { port, listener } = await startListening();
    const silent = await RawClient.connect(port);
    const idle = await RawClient.connect(port);
    idle.client.socket.write(GET);
    await idle.client.untilText("1.1 GET / 0");
    const session = http2Connect(`http://127.0.0.1:${port}`);
    expect(await textOf(session.request().setEncoding("utf8"))).toBe("2.0 GET / 0");
    await Promise.all([listener.drain(FOREVER), silent.client.closed, idle.client.closed, once(session, "close")]);
    expect(listener.connections()).toBe(0);
  });

  it.each([
    ["HTTP/1.1", Buffer.from(GET)],
    ["HTTP/2", Buffer.concat([OPENING, get(1)])],
  ])("puts out who never reads, after the grace (%s)", async (_, bytes) => {
    let closedResponses = 0;
    const onExchange: ExchangeHandler = async (exchange) => {
      exchange.respond(200, [], false);
      if (!(await exchange.write(Buffer.alloc(64 * 1024 * 1024)))) closedResponses++;
    };
    const { port, listener } = await startListening({ onExchange });
    const { client, serverSocket } = await RawClient.connect(port);
    client.socket.pause();
    const written = once(serverSocket, "drain").catch(() => undefined);
    client.socket.write(bytes);
    await Promise.race([written, turns(100)]);
    await Promise.all([listener.drain(50), freed(serverSocket)]);
    expect(listener.connections()).toBe(0);
    await turns(2);
    expect(closedResponses).toBe(1);
    client.socket.destroy();
  });

  it.each([
    ["HTTP/1.1", Buffer.from(GET)],
    ["HTTP/2", Buffer.concat([OPENING, get(1)])],
  ])("ends requests that are not answered within the grace (%s)", async (_, bytes) => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(bytes);
    const [exchange] = await held.count(1);
    await Promise.all([listener.drain(50), once(exchange!.signal, "abort"), client.closed]);
    expect(listener.connections()).toBe(0);
  });

  it("accepts nobody any more", async () => {
    const held = new HeldRequests();
    const { port, listener } = await startListening({ onExchange: held.onExchange });
    const { client } = await RawClient.connect(port);
    client.socket.write(GET);
    await held.count(1);
    const drained = listener.drain(FOREVER);
    await expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);
    held.answer();
    await drained;
  });

  it("is the same drain when asked for twice, and nothing before it listens", async () => {
    const { listener } = await startListening();
    expect(listener.drain(FOREVER)).toBe(listener.drain(0));
    await listener.drain(0);
  });
});

describe("a port that cannot be had", () => {
  it("is named, with the remedy", async () => {
    const { port, listener } = await startListening();
    const other = await startListening();
    await other.listener.drain(0);
    await expect(other.listener.listen(port, "127.0.0.1")).rejects.toMatchObject({
      code: "failed-precondition",
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1, port ${port} .*EADDRINUSE.*choose another`)),
    });
    await listener.drain(0);
  });
});
