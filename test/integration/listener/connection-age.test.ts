import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { Exchange, ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import { echo, startListening, textOf } from "./listening.js";

const AGE = { maxConnectionAgeMs: 50 };
const agents: Agent[] = [];
afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
});

/** Answers wait for the test. */
function heldAnswers() {
  const held: Exchange[] = [];
  let arrived: () => void = () => undefined;
  const onExchange: ExchangeHandler = (exchange) => {
    held.push(exchange);
    arrived();
    return Promise.resolve();
  };
  const first = async () => {
    while (held.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
    return held[0] as Exchange;
  };
  return { onExchange, first };
}

async function getBy(agent: Agent, port: number): Promise<IncomingMessage> {
  const [response] = (await once(get({ port, host: "127.0.0.1", agent }), "response")) as [IncomingMessage];
  return response;
}

/** Two other connections, one after the other, take longer than one that was there before may grow: it is old then. */
async function outlive(port: number): Promise<void> {
  for (let others = 0; others < 2; others++) {
    const witness = connect(`http://127.0.0.1:${port}`);
    await once(witness, "goaway");
    await once(witness, "close");
  }
}

describe("a connection that is old", () => {
  it("is asked to go on HTTP/2, and its call finishes", async () => {
    const { onExchange, first } = heldAnswers();
    const { port } = await startListening({ onExchange, limits: AGE });
    const session = connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":path": "/late" });
    const exchange = await first();
    await once(session, "goaway");
    void echo(exchange);
    expect(await textOf(stream)).toBe("2.0 GET /late 0");
    await once(session, "close");
  });

  it("is asked to go on HTTP/2 while nothing is under way", async () => {
    const { port } = await startListening({ limits: AGE });
    const session = connect(`http://127.0.0.1:${port}`);
    const [code] = (await once(session, "goaway")) as [number];
    expect(code).toBe(0);
    await once(session, "close");
  });

  it("stays open on HTTP/1.1 while nothing is under way, and closes with its next answer", async () => {
    const { port } = await startListening({ limits: AGE });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    const first = await getBy(agent, port);
    const { localPort } = first.socket;
    expect(first.headers.connection).toBe("keep-alive");
    await textOf(first);
    await outlive(port);
    const second = await getBy(agent, port);
    expect(second.socket.localPort).toBe(localPort);
    expect(second.headers.connection).toBe("close");
    await textOf(second);
  });

  it("closes with the answer that is under way on HTTP/1.1", async () => {
    const { onExchange, first } = heldAnswers();
    const { port } = await startListening({ onExchange, limits: AGE });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    const answer = getBy(agent, port);
    const exchange = await first();
    await outlive(port);
    void echo(exchange);
    const response = await answer;
    expect(response.headers.connection).toBe("close");
    expect(await textOf(response)).toBe("1.1 GET / 0");
  });

  it("stays while ages are off", async () => {
    const { port } = await startListening();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    const response = await getBy(agent, port);
    expect(response.headers.connection).toBe("keep-alive");
    await textOf(response);
  });
});

it("is never over sooner than a timer can wait: the longest that can be configured is longer", async () => {
  const { port } = await startListening({ onExchange: echo, limits: { maxConnectionAgeMs: 30 * 86_400_000 } });
  const agent = new Agent({ keepAlive: true });
  agents.push(agent);
  for (let request = 0; request < 3; request++) {
    const response = await getBy(agent, port);
    await textOf(response);
    expect(response.headers.connection).toBe("keep-alive");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});
