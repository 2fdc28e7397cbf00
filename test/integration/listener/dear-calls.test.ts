import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { describe, expect, it } from "@jest/globals";
import type { FastPathCall, FastPathStream } from "../../../src/adapters/rpc/exchange/request-handlers.js";
import { startRpcServer } from "../../conformance/harness/rpc-server.js";
import { burn, LoopTurns } from "../../support/loop-turns.js";
import { PatternFastPath } from "../http2/http2-answering.js";
import { startListening } from "./listening.js";

const CONNECTIONS = 12;
const DEAR = "/fast/9?dear";

/** Calls of DEAR take more than a turn of the event loop may. */
class DearFastPath extends PatternFastPath {
  readonly turns = new LoopTurns();
  waited = 0;

  override callOf(stream: FastPathStream, path: string): FastPathCall {
    const call = super.callOf(stream, path);
    if (path !== DEAR) return call;
    return {
      ...call,
      isDear: true,
      wait: () => {
        this.waited++;
      },
      answer: (bytes, from, to) => {
        this.turns.count();
        burn();
        return call.answer(bytes, from, to);
      },
    };
  }
}

/** Opens a connection. @returns sends a dear call on it, and resolves with its status */
type Call = (port: number) => Promise<() => Promise<number>>;

/** @param head without the line of the request */
function overHttp1(head: string, body: string): Call {
  return async (port) => {
    const socket = connect(port, "127.0.0.1");
    const ask = async (path: string) => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: localhost\r\n${head}\r\n\r\n${body}`);
      const [answer] = (await once(socket, "data")) as [Buffer];
      return Number(/^HTTP\/1.1 (\d+)/.exec(answer.toString("latin1"))?.[1]);
    };
    // Accepted is a connection that was answered: one in a turn, and else each call would come in another.
    await ask("/fast/9");
    return async () => {
      const status = await ask(DEAR);
      socket.destroy();
      return status;
    };
  };
}

const overHttp2: Call = async (port) => {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, "remoteSettings");
  return async () => {
    const stream = session.request({ ":method": "POST", ":path": DEAR });
    stream.resume().end("body");
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    await once(stream, "close");
    session.destroy();
    return Number(headers[":status"]);
  };
};

describe.each([
  ["HTTP/2", overHttp2],
  ["HTTP/1.1", overHttp1("content-length: 4", "body")],
  ["HTTP/1.1 by Node's parser", overHttp1("transfer-encoding: chunked", "4\r\nbody\r\n0\r\n\r\n")],
])("dear calls of many connections at once, %s", (_, call) => {
  it("are answered one in a turn of the event loop", async () => {
    const fastPath = new DearFastPath();
    const { port } = await startListening({ fastPath });
    const begin = await Promise.all(Array.from({ length: CONNECTIONS }, () => call(port)));
    const statuses = await Promise.all(begin.map((send) => send()));
    fastPath.turns.end();
    expect(statuses).toEqual(Array.from({ length: CONNECTIONS }, () => 200));
    expect(fastPath.waited).toBeGreaterThan(0);
    expect(fastPath.turns.most).toBe(1);
  });
});

describe("large messages of many connections whose last bytes come at once", () => {
  const JSON_PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
  const PADDING = " ".repeat(20_000);

  it.each([
    ["Connect", JSON_PATH, `{"customerId":"acme","featureId":"sso"${PADDING}}`],
    ["OFREP", "/ofrep/v1/evaluate/flags/sso", `{"context":{"targetingKey":"acme"}${PADDING}}`],
  ])("are decoded one in a turn of the event loop, %s", async (_, path, body) => {
    const turns = new LoopTurns();
    const server = await startRpcServer({
      check: (real) => ({
        feature: (...args) => {
          turns.count();
          burn();
          return real.feature(...args);
        },
        credit: (...args) => real.credit(...args),
      }),
    });
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const socket = connect(server.port, "127.0.0.1");
        socket.write(head + body.slice(0, -1));
        await once(socket, "connect");
        return socket;
      }),
    );
    while (server.callsInFlight() < CONNECTIONS) await new Promise((resolve) => setImmediate(resolve));
    const answers = sockets.map((socket) => once(socket, "data"));
    for (const socket of sockets) socket.write(body.slice(-1));
    await Promise.all(answers);
    turns.end();
    for (const socket of sockets) socket.destroy();
    await server.stop();
    expect(turns.most).toBe(1);
  });
});
