import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface SentryEvent {
  readonly release?: string;
  readonly environment?: string;
  readonly message?: string;
  readonly exception?: { readonly values: readonly { readonly type: string; readonly value: string }[] };
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Takes what Sentry's clients send, as Sentry does. */
export class SentryServer {
  readonly events: SentryEvent[] = [];
  /** Everything that was sent, as it was sent. */
  received = "";
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        this.received += body;
        this.events.push(...eventsIn(body));
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  static async start(): Promise<SentryServer> {
    const server = new SentryServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get dsn(): string {
    return `http://public@127.0.0.1:${(this.#server.address() as AddressInfo).port}/42`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

/** An envelope is a header, and then items of a header and a body each, one a line. */
function eventsIn(envelope: string): SentryEvent[] {
  const [, ...lines] = envelope.trim().split("\n");
  const events: SentryEvent[] = [];
  for (let item = 0; item + 1 < lines.length; item += 2) {
    if ((JSON.parse(lines[item]!) as { type: string }).type === "event")
      events.push(JSON.parse(lines[item + 1]!) as SentryEvent);
  }
  return events;
}
