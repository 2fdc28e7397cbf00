import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "../../ports/logger.js";
import type { Exposition } from "./metrics/metrics.js";

/** As many as probes, collectors and people have open by far: more are closed as they come. */
const MAX_CONNECTIONS = 1_000;
/** Requests that wait for their turns; more are refused. */
const MAX_WAITING = 100;
/** Requests of one connection that may wait for their answers. Probes and collectors send the next one once they have one. */
const MAX_PIPELINED = 10;
/** A connection on which nothing moves, for example as its peer reads nothing, milliseconds. Longer than any answer takes. */
const STALLED_MS = 120_000;

export interface OpsServerOptions {
  /** Paths with or without a leading slash, no two alike, none of them another route's. */
  readonly livenessPath: string;
  readonly readinessPath: string;
  readonly readiness: {
    readonly isReady: boolean;
    /** What else is said of it, beside the status. */
    readonly details?: object;
  };
  /** Not given: it has none. */
  readonly metrics?: { render(accept: string | undefined): Promise<Exposition> };
  /** What else is served, by path with its leading slash. */
  readonly routes?: ReadonlyMap<string, OpsRoute> | undefined;
  /** What can be done by POST, by path; the query says with what. */
  readonly actions?: ReadonlyMap<string, OpsRoute> | undefined;
  readonly logger: Logger;
}

export interface OpsReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Answers GET, or POST, of one path. */
export type OpsRoute = (query: URLSearchParams, request: IncomingMessage) => OpsReply | Promise<OpsReply>;

/** The path of the metrics; the settings for the other two refuse it. */
const METRICS_PATH = "/metrics";

/** Tells those who run the service how it is, over plain HTTP. */
export class OpsServer {
  readonly #server: Server;
  readonly #logger: Logger;
  readonly #routes: ReadonlyMap<string, OpsRoute>;
  readonly #actions: ReadonlyMap<string, OpsRoute>;
  readonly #probes: ReadonlySet<string>;
  readonly #turns = new Turns();
  readonly #unanswered = new WeakMap<Socket, number>();

  constructor({
    livenessPath,
    readinessPath,
    readiness,
    metrics,
    routes = new Map(),
    actions = new Map(),
    logger,
  }: OpsServerOptions) {
    this.#logger = logger;
    this.#actions = actions;
    this.#routes = new Map<string, OpsRoute>([
      ...(metrics === undefined ? [] : [[METRICS_PATH, metricsRoute(metrics)] as const]),
      ...routes,
      // Last: what a deployment probes has to answer as a probe.
      [withLeadingSlash(livenessPath), () => status(true)],
      [withLeadingSlash(readinessPath), () => status(readiness.isReady, readiness.details)],
    ]);
    this.#probes = new Set([withLeadingSlash(livenessPath), withLeadingSlash(readinessPath)]);
    for (const path of this.#probes) {
      if (routes.has(path) || actions.has(path))
        logger.warn(
          "a probe answers at a path at which this service would tell something else: choose another one by HEALTH_ENDPOINT_URL or READY_ENDPOINT_URL to have both",
          { path },
        );
    }
    // Whoever asks for health asks briefly; a connection that dawdles must not hold on to anything.
    this.#server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 15_000 });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(STALLED_MS);
    this.#server.on("request", (request, response) => {
      if (this.#isInTime(request, response)) void this.#answer(request, response);
    });
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
    const [path = "/", ...afterwards] = (request.url ?? "/").split("?");
    // A query may have question marks of its own.
    const query = afterwards.join("?");
    try {
      // A probe costs nothing, and must not wait behind what does.
      if (!this.#probes.has(path)) {
        if (this.#turns.areTaken) {
          send(request, response, BUSY);
          return;
        }
        await this.#turns.next();
        if (response.destroyed) return;
      }
      send(request, response, await this.#replyTo(path, query, request, response));
    } catch (error) {
      this.#logger.error("a request for operations failed", { path, error });
      send(request, response, explain(500, `${path} could not be answered; the log says why.`));
    }
  }

  /** Node begins all that a connection sent at once in one turn of the event loop. It closes behind the last that is answered. */
  #isInTime({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const unanswered = (this.#unanswered.get(socket) ?? 0) + 1;
    if (unanswered > MAX_PIPELINED) return false;
    this.#unanswered.set(socket, unanswered);
    if (unanswered === MAX_PIPELINED) response.shouldKeepAlive = false;
    else response.once("close", () => this.#answered(socket));
    return true;
  }

  #answered(socket: Socket): void {
    const unanswered = this.#unanswered.get(socket) ?? MAX_PIPELINED;
    // Its last answer is under way: what comes behind it gets none.
    if (unanswered < MAX_PIPELINED) this.#unanswered.set(socket, unanswered - 1);
  }

  #replyTo(
    path: string,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): OpsReply | Promise<OpsReply> {
    const action = this.#actions.get(path);
    if (action !== undefined && request.method === "POST") return action(new URLSearchParams(query), request);
    const route = this.#routes.get(path);
    if (route === undefined && action !== undefined) {
      response.setHeader("allow", "POST");
      return explain(405, "This path answers POST only.");
    }
    if (route === undefined)
      return explain(404, `There is nothing at this path. There is: ${[...this.#routes.keys()].join(", ")}`);
    if (request.method === "GET" || request.method === "HEAD") return route(new URLSearchParams(query), request);
    response.setHeader("allow", "GET, HEAD");
    return explain(405, "This path answers GET and HEAD only.");
  }
}

/** Lets requests begin one at a time, and checks come between them: however many are asked for at once, none of these is cheap. */
class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Whether no more may wait. */
  get areTaken(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#begin);
    });
  }

  readonly #begin = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#begin);
  };
}

function metricsRoute(metrics: NonNullable<OpsServerOptions["metrics"]>): OpsRoute {
  return async (_, { headers }) => ({ status: 200, ...(await metrics.render(headers.accept)) });
}

function withLeadingSlash(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

function status(isUp: boolean, details?: object): OpsReply {
  return json(isUp ? 200 : 503, { status: isUp ? "UP" : "DOWN", ...details });
}

export function json(status: number, body: unknown): OpsReply {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}

/** What is wrong with a request, and what to do about it. */
export function explain(status: number, error: string): OpsReply {
  return json(status, { error });
}

const BUSY: OpsReply = {
  ...explain(503, "Too much is asked of this port at once: ask less often."),
  headers: { "retry-after": "1" },
};

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, headers }: OpsReply,
): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
