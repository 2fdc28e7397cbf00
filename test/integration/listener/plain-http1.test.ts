import { describe, expect, it } from "@jest/globals";
import type { ListenerOptions } from "../../../src/adapters/rpc/listener/multi-protocol-listener.js";
import { FAULTY, PASSED_ON, pattern, PatternFastPath } from "../http2/http2-answering.js";
import { freed, RawClient, startListening, turns, untilRead } from "./listening.js";

/** Longer than any test may take: a drain that needs it fails. */
const FOREVER = 3_600_000;

function post(path: string, body: Buffer | string = ""): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes.length}\r\n\r\n`),
    bytes,
  ]);
}

async function start(options: Partial<ListenerOptions> = {}) {
  const fastPath = new PatternFastPath();
  const { listener, port, log } = await startListening({ fastPath, ...options });
  const { client, serverSocket } = await RawClient.connect(port);
  return { fastPath, listener, client, serverSocket, log };
}

const answersIn = (received: Buffer) => received.toString("latin1").split("HTTP/1.1 200 OK").length - 1;

describe("plain requests over HTTP/1.1", () => {
  it("are answered with all octets, whatever they are", async () => {
    const { client } = await start();
    client.socket.write(post("/fast/300000"));
    await client.until((received) => received.subarray(-300_000).equals(pattern(300_000)));
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\nx-from: fast\r\n/);
  });

  it("wait for the one before, and are answered in their order", async () => {
    const { client, fastPath, serverSocket } = await start();
    const requests = Buffer.concat([post("/fast/1?held"), post("/fast/2"), post("/fast/3?held")]);
    client.socket.write(requests);
    await untilRead(serverSocket, requests.length);
    client.socket.write(post("/fast/4"));
    await turns(5);
    expect(fastPath.begun).toBe(1);
    fastPath.answerHeld();
    await client.until((received) => answersIn(received) === 4);
    expect(client.text.match(/content-length: \d/g)).toEqual([1, 2, 3, 4].map((bytes) => `content-length: ${bytes}`));
  });

  it("are given up when their caller goes away", async () => {
    const { client, fastPath, serverSocket } = await start();
    client.socket.write(post("/fast/1?held"));
    await turnsUntil(() => fastPath.held.size === 1);
    client.socket.resetAndDestroy();
    await freed(serverSocket);
    expect(fastPath).toMatchObject({ abandoned: 1, answered: 0 });
  });

  it("are answered to a caller who has ended its side", async () => {
    const { client, fastPath } = await start();
    client.socket.end(post("/fast/1?held"));
    await turnsUntil(() => fastPath.held.size === 1);
    await turns(5);
    fastPath.answerHeld();
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("are Node's from the first one that is not for the fast path", async () => {
    const { client, fastPath } = await start();
    client.socket.write(
      Buffer.concat([post("/fast/1"), post("/fast/2", PASSED_ON), post("/slow", "abc"), post("/fast/3")]),
    );
    await client.until((received) => answersIn(received) === 4);
    expect(client.text).toMatch(/x-from: fast[^]*1\.1 POST \/slow 3[^]*x-from: fast/);
    expect(fastPath).toMatchObject({ answered: 2, abandoned: 2 });
  });

  it("are Node's when they do not arrive, which says so", async () => {
    const { client } = await start({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } });
    client.socket.write(post("/fast/1", "abc").subarray(0, -1));
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("are refused when their connection ends in the middle", async () => {
    const { client } = await start();
    client.socket.end(Buffer.concat([post("/fast/1"), post("/fast/2", "abc").subarray(0, -1)]));
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 400 [^]*in the middle of a request/);
  });

  it("are not read on while their answers are not read", async () => {
    const { client, fastPath, serverSocket } = await start();
    client.socket.pause();
    const requests = Buffer.concat(Array.from({ length: 100 }, () => post("/fast/300000")));
    client.socket.write(requests);
    await turnsUntil(() => serverSocket.writableNeedDrain && serverSocket.isPaused());
    await turns(50);
    const { answered } = fastPath;
    expect(answered).toBeLessThan(100);
    client.socket.resume();
    await turnsUntil(() => client.size > 100 * 300_000);
    expect(fastPath.answered).toBe(100);
  });

  it.each([
    ["answering", "by ourselves", [], post("/fast/2", FAULTY)],
    ["answering", "by Node", [post("/slow")], post("/fast/2", FAULTY)],
    ["beginning", "by ourselves", [], post("/fast/fault")],
    ["beginning", "by Node", [post("/slow")], post("/fast/fault")],
  ])("cost their connection alone where %s them fails, read %s", async (_, _by, before, faulty) => {
    const { client, log } = await start();
    client.socket.write(Buffer.concat([...before, post("/fast/1"), faulty]));
    await client.closed;
    expect(client.text).toMatch(/HTTP\/1\.1 200 [^]*HTTP\/1\.1 500 [^]*internal error: see the sidecar's log/);
    expect(log.count("unexpected error in a call")).toBe(1);
  });

  it("leave an idle connection that is closed in its time", async () => {
    const { client } = await start({ limits: { keepAliveTimeoutMs: 50 } });
    client.socket.write(post("/fast/1"));
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("finish in a drain, with an answer that says that the connection closes", async () => {
    const { client, fastPath, listener } = await start();
    client.socket.write(post("/fast/1?held"));
    await turnsUntil(() => fastPath.held.size === 1);
    const drained = listener.drain(FOREVER);
    fastPath.answerHeld();
    await drained;
    await client.closed;
    expect(client.text).toMatch(/connection: close/);
  });

  it("do not hold up a drain once they are answered", async () => {
    const { client, listener } = await start();
    client.socket.write(post("/fast/1"));
    await client.until((received) => answersIn(received) === 1);
    await listener.drain(FOREVER);
    await client.closed;
  });

  it("hear from an old connection with its next answer that it closes", async () => {
    const { client } = await start({ limits: { maxConnectionAgeMs: 1 } });
    do {
      client.socket.write(post("/fast/1"));
      const before = answersIn(client.bytes);
      await client.until((received) => answersIn(received) > before);
    } while (!client.text.includes("connection: close"));
    await client.closed;
  });
});

async function turnsUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turns(1);
}
