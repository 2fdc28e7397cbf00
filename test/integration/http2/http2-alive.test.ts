import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "@jest/globals";
import { FairQueue } from "../../../src/adapters/rpc/exchange/fair-queue.js";
import { HalfSentBudget } from "../../../src/adapters/rpc/exchange/request-body.js";
import { inTurns } from "../../../src/adapters/rpc/exchange/request-handlers.js";
import { ReadTurns } from "../../../src/adapters/rpc/http2/frames/frame-reader.js";
import { Http2Connection } from "../../../src/adapters/rpc/http2/http2-connection.js";
import { DEFAULT_LISTENER_LIMITS } from "../../../src/adapters/rpc/listener/listener-limits.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { RawClient, RecordingLogger, turns } from "../listener/listening.js";
import { PatternFastPath } from "./http2-answering.js";
import {
  data,
  END_STREAM,
  grpcFields,
  headers,
  INITIAL_WINDOW_SIZE,
  PREFACE,
  settings,
  windowUpdate,
} from "./http2-frames.js";

const WIDE = 2 ** 30;
const REQUESTS = Array.from({ length: 300 }, (_, index) => 2 * index + 1);

/** A connection and a client of it that never answers a ping. */
async function connected(): Promise<{ connection: Http2Connection; client: RawClient; serverSocket: Socket }> {
  const server = createServer({ noDelay: true });
  const connections: Http2Connection[] = [];
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    connections.push(
      new Http2Connection(socket, {
        handlers: inTurns(
          { fastPath: new PatternFastPath(), onExchange: () => Promise.resolve() },
          new FairQueue(),
          new RecordingLogger(),
        ),
        limits: DEFAULT_LISTENER_LIMITS,
        logger: new RecordingLogger(),
        allotment: new HalfSentBudget().allotment(1_000),
        turns: new ReadTurns(),
        onTurn: () => undefined,
        onExceeded: () => undefined,
        onClosed: () => undefined,
      }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { client, serverSocket } = await RawClient.connect((server.address() as AddressInfo).port);
  onTestFinished(() => {
    client.socket.destroy();
    server.close();
  });
  return { connection: connections[0]!, client, serverSocket };
}

async function askForMuch(client: RawClient, serverSocket: Socket): Promise<void> {
  client.socket.pause();
  client.socket.write(Buffer.concat([PREFACE, settings([INITIAL_WINDOW_SIZE, WIDE]), windowUpdate(0, WIDE)]));
  client.socket.write(
    Buffer.concat(
      REQUESTS.flatMap((stream) => [
        headers(stream, grpcFields("/fast/300000")),
        data(stream, Buffer.alloc(5), END_STREAM),
      ]),
    ),
  );
  while (!serverSocket.writableNeedDrain) await turns(1);
}

it("a client that reads on is not gone, though the answer to a ping is yet to come", async () => {
  const { connection, client, serverSocket } = await connected();
  await askForMuch(client, serverSocket);
  connection.checkAlive();
  for (let check = 0; check < 3; check++) {
    const drained = once(serverSocket, "drain");
    client.socket.resume();
    await drained;
    client.socket.pause();
    connection.checkAlive();
    expect(serverSocket.destroyed).toBe(false);
    while (!serverSocket.writableNeedDrain) await turns(1);
  }
});

it("a client that reads no more is gone", async () => {
  const { connection, client, serverSocket } = await connected();
  await askForMuch(client, serverSocket);
  connection.checkAlive();
  await turns(10);
  connection.checkAlive();
  expect(serverSocket.destroyed).toBe(true);
});

it("a client that reads and does not answer is gone", async () => {
  const { connection, client, serverSocket } = await connected();
  client.socket.write(Buffer.concat([PREFACE, settings()]));
  await client.until((received) => received.length > 0);
  connection.checkAlive();
  await turns(10);
  connection.checkAlive();
  expect(serverSocket.destroyed).toBe(true);
});
