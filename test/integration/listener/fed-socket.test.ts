import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { FairQueue } from "../../../src/adapters/rpc/exchange/fair-queue.js";
import { FedSocket, type ReadBefore } from "../../../src/adapters/rpc/http1/fed-socket.js";
import { burn, LoopTurns } from "../../support/loop-turns.js";

const SLICE = 4_096;
const NOTHING_BEFORE: ReadBefore = { rest: Buffer.alloc(0), hasEnded: false };
const toClose: { destroy(): void }[] = [];

afterEach(() => {
  for (const each of toClose.splice(0)) each.destroy();
});

/** So many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/** A connection over loopback. */
async function connection(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  const client = connect({ port, host: "127.0.0.1", noDelay: true });
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  for (const socket of [client, accepted]) socket.on("error", () => undefined);
  toClose.push(client, accepted);
  return { client, accepted };
}

describe("a connection that Node's parser is fed", () => {
  it("comes in slices, whole and in order, and its end behind them", async () => {
    const sent = randomBytes(200_000);
    const { client, accepted } = await connection();
    const fed = new FedSocket(accepted, { rest: sent.subarray(0, 50_000), hasEnded: false }, new FairQueue());
    const slices: Buffer[] = [];
    fed.on("data", (slice: Buffer) => slices.push(slice));
    client.end(sent.subarray(50_000));
    await once(fed, "end");
    expect(Buffer.concat(slices).equals(sent)).toBe(true);
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(SLICE);
  });

  it("is whole where all of it was read before, and its end was heard", async () => {
    const sent = randomBytes(10_000);
    const { accepted } = await connection();
    const fed = new FedSocket(accepted, { rest: sent, hasEnded: true }, new FairQueue());
    const slices: Buffer[] = [];
    fed.on("data", (slice: Buffer) => slices.push(slice));
    await once(fed, "end");
    expect(Buffer.concat(slices).equals(sent)).toBe(true);
  });

  it("has one dear slice in a turn of the event loop, of all connections", async () => {
    const loop = new LoopTurns();
    const queue = new FairQueue();
    const ended = Array.from({ length: 4 }, async () => {
      const { client, accepted } = await connection();
      const fed = new FedSocket(accepted, NOTHING_BEFORE, queue);
      fed.on("data", () => {
        loop.count();
        burn();
      });
      client.end(Buffer.alloc(3 * SLICE));
      await once(fed, "end");
    });
    await Promise.all(ended);
    loop.end();
    expect(loop.most).toBe(1);
  });

  it("is not read on while whoever reads it is paused", async () => {
    const { client, accepted } = await connection();
    const fed = new FedSocket(accepted, NOTHING_BEFORE, new FairQueue());
    fed.on("data", () => undefined);
    fed.once("data", () => fed.pause());
    let isRead = false;
    const read = once(client, "drain").then(() => (isRead = true));
    client.write(Buffer.alloc(64 * 1024 * 1024));
    await once(fed, "data");
    await turns(200);
    expect(isRead).toBe(false);
    fed.resume();
    await read;
  });

  it("flows by once the rest of it is ignored, its end as well", async () => {
    const { client, accepted } = await connection();
    const fed = new FedSocket(accepted, { rest: Buffer.alloc(3 * SLICE), hasEnded: false }, new FairQueue());
    let slices = 0;
    fed.on("data", () => {
      slices++;
      fed.ignoreRest();
    });
    client.end(Buffer.alloc(16 * 1024 * 1024));
    await once(client, "finish");
    fed.end("an answer");
    const [answer] = (await once(client, "data")) as [Buffer];
    expect({ answer: answer.toString(), slices, hasEnded: fed.readableEnded }).toEqual({
      answer: "an answer",
      slices: 1,
      hasEnded: false,
    });
  });

  it("has not written what was still to be written when its socket was destroyed", async () => {
    const { client, accepted } = await connection();
    client.pause();
    const fed = new FedSocket(accepted, NOTHING_BEFORE, new FairQueue());
    let isWritten = false;
    fed.on("drain", () => (isWritten = true));
    fed.write(Buffer.alloc(64 * 1024 * 1024));
    const closed = once(fed, "close");
    accepted.destroy();
    await closed;
    expect(isWritten).toBe(false);
  });

  it("closes its socket once all that was written is on its way", async () => {
    const { client, accepted } = await connection();
    const fed = new FedSocket(accepted, NOTHING_BEFORE, new FairQueue());
    const received: Buffer[] = [];
    client.on("data", (chunk: Buffer) => received.push(chunk));
    fed.cork();
    for (let part = 0; part < 100; part++) fed.write(`${part},`);
    fed.uncork();
    fed.destroySoon();
    await Promise.all([once(client, "end"), once(accepted, "close")]);
    expect(Buffer.concat(received).toString()).toBe(Array.from({ length: 100 }, (_, part) => `${part},`).join(""));
  });
});
