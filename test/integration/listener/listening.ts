import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach } from "@jest/globals";
import type { ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import {
  type ListenerOptions,
  MultiProtocolListener,
} from "../../../src/adapters/rpc/listener/multi-protocol-listener.js";
import type { LogFields, Logger } from "../../../src/ports/logger.js";

export interface Listening {
  readonly listener: MultiProtocolListener;
  readonly port: number;
  readonly log: RecordingLogger;
}

const started: MultiProtocolListener[] = [];
afterEach(() => Promise.all(started.splice(0).map((listener) => listener.drain(0))));

/** A listener on a free port of the loopback interface, gone after the test. */
export async function startListening(options: Partial<ListenerOptions> = {}): Promise<Listening> {
  const log = new RecordingLogger();
  const listener = new MultiProtocolListener({ onExchange: echo, logger: log, ...options });
  started.push(listener);
  const { port } = await listener.listen(0, "127.0.0.1");
  return { listener, port, log };
}

/** Answers "<HTTP version> <method> <path> <length of the body>". */
export const echo: ExchangeHandler = async (exchange) => {
  let length = 0;
  for await (const chunk of exchange.body) length += chunk.length;
  exchange.send(
    200,
    [["content-type", "text/plain"]],
    `${exchange.httpVersion} ${exchange.method} ${exchange.target} ${length}`,
  );
};

/** Answers every request with the same. */
export function answerWith(body: Buffer): ExchangeHandler {
  return async (exchange) => {
    exchange.respond(200, [], false);
    if (await exchange.write(body)) exchange.end([]);
  };
}

export class RecordingLogger implements Logger {
  readonly entries: { level: string; message: string; fields: LogFields | undefined }[] = [];
  readonly #waiting = new Set<() => void>();

  error = (message: string, fields?: LogFields) => this.#record("error", message, fields);
  warn = (message: string, fields?: LogFields) => this.#record("warn", message, fields);
  info = (message: string, fields?: LogFields) => this.#record("info", message, fields);
  debug = (message: string, fields?: LogFields) => this.#record("debug", message, fields);

  count(message: string): number {
    return this.entries.filter((entry) => entry.message === message).length;
  }

  /** Settles when the message is there for the `times`th time. */
  async said(message: string, times = 1): Promise<void> {
    while (this.count(message) < times) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #record(level: string, message: string, fields: LogFields | undefined): void {
    this.entries.push({ level, message, fields });
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A client of bare bytes. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #arrived: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#arrived();
    });
    socket.on("close", () => this.#arrived());
  }

  /** The client, and the listener's end of its connection. */
  static async connect(port: number): Promise<{ client: RawClient; serverSocket: Socket }> {
    const accepted = acceptedSockets();
    try {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      const { localPort } = socket;
      const serverSocket = await accepted.find((candidate) => candidate.remotePort === localPort);
      return { client: new RawClient(socket), serverSocket };
    } finally {
      accepted.stop();
    }
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** How many bytes it received. */
  get size(): number {
    return this.#size;
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** Settles when what was received makes it true; fails when the connection ends before. */
  async until(isReached: (received: Buffer) => boolean): Promise<void> {
    while (!isReached(this.bytes)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  untilText(expected: string): Promise<void> {
    return this.until((received) => received.includes(expected, 0, "latin1"));
  }
}

/** The sockets which servers of this process accept from now on. */
function acceptedSockets() {
  const sockets: Socket[] = [];
  let arrived: () => void = () => undefined;
  const onSocket = (message: unknown) => {
    sockets.push((message as { socket: Socket }).socket);
    arrived();
  };
  subscribe("net.server.socket", onSocket);
  return {
    stop: () => unsubscribe("net.server.socket", onSocket),
    async find(isIt: (socket: Socket) => boolean): Promise<Socket> {
      for (;;) {
        const found = sockets.find(isIt);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (arrived = resolve));
      }
    },
  };
}

/** Settles when the server's end is closed, be it by a failure. */
export function freed(serverSocket: Socket): Promise<void> {
  return new Promise((resolve) => serverSocket.once("close", () => resolve()));
}

/** Settles when the server's end has read as many bytes. */
export async function untilRead(serverSocket: Socket, bytes: number): Promise<void> {
  while (serverSocket.bytesRead < bytes) await turns(1);
}

/** So many turns of the event loop, in which whatever spins would show. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** What the server answers; fails when it answers nothing. */
export async function getAndClose(session: ClientHttp2Session): Promise<string> {
  const stream = session.request();
  const failure = Promise.race([
    new Promise<never>((_, reject) => session.on("error", reject)),
    once(stream, "close").then(() => Promise.reject(new Error("no response"))),
  ]);
  await Promise.race([once(stream, "response"), failure]);
  const text = await textOf(stream);
  session.close();
  return text;
}

export async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
