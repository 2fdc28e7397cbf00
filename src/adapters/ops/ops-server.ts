import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../../ports/logger.js";

export interface OpsServerOptions {
  /** Paths with or without a leading slash, no two alike, none of them /metrics. */
  readonly livenessPath: string;
  readonly readinessPath: string;
  readonly readiness: {
    readonly isReady: boolean;
    /** What else is told of it, beside the status. */
    readonly details?: object;
  };
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly logger: Logger;
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const METRICS_PATH = "/metrics";

/** Tells those who run the service how it is: liveness, readiness and metrics over plain HTTP. */
export class OpsServer {
  readonly #server: Server;
  readonly #logger: Logger;
  readonly #replies: ReadonlyMap<string, () => Reply | Promise<Reply>>;

  constructor({ livenessPath, readinessPath, readiness, metrics, logger }: OpsServerOptions) {
    this.#logger = logger;
    this.#replies = new Map<string, () => Reply | Promise<Reply>>([
      [METRICS_PATH, async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() })],
      [withLeadingSlash(livenessPath), () => status(true)],
      [withLeadingSlash(readinessPath), () => status(readiness.isReady, readiness.details)],
    ]);
    // Whoever asks for health asks briefly; a connection that dawdles must not hold on to anything.
    this.#server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 15_000 });
    this.#server.on("request", (request, response) => void this.#answer(request, response));
  }

  /** @throws Error as node:net gives it, for example with code EADDRINUSE */
  async listen(port: number, host: string | undefined): Promise<AddressInfo> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return this.#server.address() as AddressInfo;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(request, response, await this.#replyTo(request, response));
    } catch (error) {
      this.#logger.error("a request for metrics failed", { error });
      send(request, response, explain(500, "The metrics could not be read; the log says why."));
    }
  }

  #replyTo(request: IncomingMessage, response: ServerResponse): Reply | Promise<Reply> {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const reply = this.#replies.get(path);
    if (reply === undefined) return explain(404, `There is nothing at this path. There is: ${[...this.#replies.keys()].join(", ")}`);
    if (request.method === "GET" || request.method === "HEAD") return reply();
    response.setHeader("allow", "GET, HEAD");
    return explain(405, "This path answers GET and HEAD only.");
  }
}

function withLeadingSlash(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

function status(isUp: boolean, details?: object): Reply {
  return json(isUp ? 200 : 503, JSON.stringify({ status: isUp ? "UP" : "DOWN", ...details }));
}

function json(status: number, body: string): Reply {
  return { status, contentType: "application/json", body };
}

function explain(status: number, error: string): Reply {
  return json(status, JSON.stringify({ error }));
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Reply): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
