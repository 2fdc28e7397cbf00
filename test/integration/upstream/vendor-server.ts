import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body of a POST. */
  readonly body:
    | { readonly operationName: string; readonly query: string; readonly variables: Readonly<Record<string, unknown>> }
    | undefined;
}

/** What becomes of a request: an answer, or a fault. */
export type Reaction =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string }
  | "hang"
  | "reset"
  | "half an answer";

/** An HTTP server on a real port that does to each request what the test says. */
export class VendorServer {
  readonly seen: SeenRequest[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  /** Requests that are being answered at this time, and the most there ever were. */
  pending = 0;
  maxPending = 0;
  /** Connections on which nothing is answered any more, though they stay open. */
  readonly deadSockets = new Set<Socket>();
  react: (request: SeenRequest) => Reaction | Promise<Reaction> = () => ({ json: {} });
  readonly #waiting = new Set<() => void>();
  readonly #http: Server;

  constructor() {
    this.#http = createServer((request, response) => void this.#serve(request, response));
    this.#http.on("connection", (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Resolves once so many requests have come. */
  untilSeen(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.seen.length < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.maxPending = Math.max(this.maxPending, ++this.pending);
    response.on("close", () => this.pending--);
    this.seen.push(seen);
    for (const check of [...this.#waiting]) check();
    answer(this.deadSockets.has(request.socket) ? "hang" : await this.react(seen), response);
  }
}

function answer(reaction: Reaction, response: ServerResponse): void {
  if (reaction === "hang") return;
  if (reaction === "reset") {
    response.socket?.resetAndDestroy();
  } else if (reaction === "half an answer") {
    response.writeHead(200, { "content-type": "application/json", "content-length": 1_000 });
    response.write('{"data":', () => response.socket?.destroy());
  } else {
    const body = "text" in reaction ? reaction.text : JSON.stringify(reaction.json);
    response.writeHead(reaction.status ?? 200, { "content-type": "application/json" });
    response.end(body);
  }
}
