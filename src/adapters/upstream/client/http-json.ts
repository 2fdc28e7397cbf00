import type { Span, TraceContext } from "../../../ports/tracer.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { abortErrorOf } from "../resilience/operation.js";
import { HttpConnections } from "./http-connections.js";
import { Exchange, type ExchangeOptions } from "./http-exchange.js";
import type { TextAnswer } from "./text-answer.js";

export interface HttpJsonOptions extends ExchangeOptions {
  /** http or https; a path in it comes before the path of each request, a user and password in it go with each. */
  readonly baseUrl: string;
  /** Sent with each request, as they are when it is sent: the API key may be replaced. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Exchanges JSON with one server over connections that are kept. Bounded by each call's signal alone: a call
 * whose signal never aborts waits for ever.
 */
export class HttpJson {
  readonly #options: HttpJsonOptions;
  readonly #base: URL;
  readonly #basePath: string;
  /** Names and values in turn, the same in each request. */
  readonly #ownHeaders: readonly string[];
  readonly #connections: HttpConnections;

  constructor(options: HttpJsonOptions) {
    this.#options = options;
    this.#base = new URL(options.baseUrl);
    this.#basePath = this.#base.pathname.replace(/\/+$/, "");
    const auth = credentialsOf(this.#base);
    this.#ownHeaders = [
      ...(auth === undefined ? [] : ["authorization", `Basic ${Buffer.from(auth).toString("base64")}`]),
      "accept",
      "application/json",
    ];
    this.#connections = new HttpConnections(this.#base);
  }

  /**
   * @param path begins with a slash, already encoded
   * @param span the exchange's own, which ends with it; its trace context is sent along
   * @throws CodedError `unavailable` where the server cannot be reached or the connection breaks, `internal` where
   * its answer is too large, and the signal's own reason once it aborts
   */
  get(path: string, signal: CancelSignal, span?: Span): Promise<TextAnswer> {
    return this.#traced("GET", path, undefined, {}, signal, span);
  }

  /** @throws CodedError as `get` does */
  post(
    path: string,
    body: object,
    headers: Readonly<Record<string, string>>,
    signal: CancelSignal,
    span?: Span,
  ): Promise<TextAnswer> {
    return this.#traced("POST", path, JSON.stringify(body), headers, signal, span);
  }

  /**
   * What is asked from here on gets new connections: those that are kept may be dead, as after a change of the
   * network, and asking on each would take its time to show.
   */
  dropIdleConnections(): void {
    this.#connections.endIdle();
  }

  /** Breaks off what is under way and closes all connections. */
  close(): void {
    this.#connections.endAll();
  }

  #traced(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: CancelSignal,
    span: Span | undefined,
  ): Promise<TextAnswer> {
    if (span === undefined) return this.exchange(method, path, body, headers, signal);
    const { hostname, port, protocol } = this.#base;
    span.set({
      "http.request.method": method,
      "server.address": hostname,
      "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
    });
    return this.exchange(method, path, body, { ...headers, ...traceHeaders(span) }, signal).then(
      (answer) => {
        span.set({ "http.response.status_code": answer.status });
        span.end(answer.status >= 400 ? `HTTP ${answer.status}` : undefined);
        return answer;
      },
      (error: unknown) => {
        span.end(error instanceof Error ? error.message : String(error));
        throw error;
      },
    );
  }

  /** One request and its answer, whoever traces it. */
  protected exchange(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: CancelSignal,
  ): Promise<TextAnswer> {
    if (signal.aborted) return Promise.reject(abortErrorOf(signal));
    const sent = [...this.#ownHeaders];
    for (const name in this.#options.headers) sent.push(name, this.#options.headers[name] as string);
    for (const name in headers) sent.push(name, headers[name] as string);
    if (body !== undefined) sent.push("content-type", "application/json");
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(this.#options, this.#base.origin, this.#connections, signal, resolve, reject);
      exchange.send({ method, path: this.#basePath + path, headers: sent, body: body ?? null });
    });
  }
}

/** What is no percent-encoding stands for itself. */
function credentialsOf({ username, password }: URL): string | undefined {
  return username === "" && password === "" ? undefined : [username, password].map(decoded).join(":");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function traceHeaders({ traceparent, tracestate }: TraceContext): Readonly<Record<string, string>> {
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
