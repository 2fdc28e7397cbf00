import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { CodedError, errorCodeOf } from "../../../domain/errors.js";
import type { CancelSignal } from "../../../ports/cancel-signal.js";
import type { RequestResult, UpstreamRequests } from "../../../ports/telemetry.js";
import type { Span, TraceContext } from "../../../ports/tracer.js";
import { proxyAgentFor } from "../../outbound/proxy.js";
import { abortErrorOf } from "../resilience/operation.js";
import { parseRetryAfter } from "../resilience/upstream-failure.js";
import { decoderOf } from "./content-encodings.js";

export interface HttpJsonOptions {
  /** How the server is named in errors, for example "Edge". */
  readonly name: string;
  /** http or https; a path in it comes before the path of each request, a user and password in it go with each. */
  readonly baseUrl: string;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** The largest answer that is read, bytes. */
  readonly maxBodyBytes: number;
  /** Where requests are counted. */
  readonly requests?: UpstreamRequests | undefined;
}

export interface JsonAnswer {
  readonly status: number;
  /**
   * Parsed when it is asked for; undefined where it is not JSON and the status is an error's.
   *
   * @throws CodedError `internal` where success is told with what is not JSON
   */
  readonly body: unknown;
  /** What a Retry-After header asks for, milliseconds; undefined where there is none. */
  readonly retryAfterMs: number | undefined;
}

/** An answer whose text may tell enough without being parsed. */
export class TextAnswer implements JsonAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
  readonly #from: string;

  /** @param from who answers, as errors name it */
  constructor(
    from: string,
    { statusCode = 0, headers }: Pick<IncomingMessage, "statusCode" | "headers">,
    text: string,
  ) {
    this.#from = from;
    this.status = statusCode;
    this.text = text;
    const retryAfter = headers["retry-after"];
    this.retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, Date.now());
  }

  get isSuccess(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): unknown {
    try {
      return JSON.parse(this.text) as unknown;
    } catch (error) {
      if (!this.isSuccess) return undefined;
      throw new CodedError("internal", `${this.#from} answered HTTP ${this.status} with what is not JSON`, {
        cause: error,
      });
    }
  }
}

/** Idle connections kept for later requests. */
const MAX_IDLE_SOCKETS = 64;

/**
 * Exchanges JSON with one server over connections that are kept. Bounded by each call's signal alone: a call
 * whose signal never aborts waits for ever.
 */
export class HttpJson {
  readonly #options: HttpJsonOptions;
  readonly #base: URL;
  readonly #basePath: string;
  /** As HTTP's basic authentication takes it; undefined: none. */
  readonly #auth: string | undefined;
  readonly #agent: HttpAgent;
  readonly #request: typeof requestHttp;

  constructor(options: HttpJsonOptions) {
    this.#options = options;
    this.#base = new URL(options.baseUrl);
    this.#basePath = this.#base.pathname.replace(/\/+$/, "");
    this.#auth = credentialsOf(this.#base);
    const isSecure = this.#base.protocol === "https:";
    const agentOptions = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS, scheduling: "lifo" } as const;
    this.#agent =
      proxyAgentFor(this.#base.href, agentOptions) ??
      (isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions));
    this.#request = isSecure ? requestHttps : requestHttp;
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
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  /** Breaks off what is under way and closes all connections. */
  close(): void {
    this.#agent.destroy();
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
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortErrorOf(signal));
        return;
      }
      const startedAt = performance.now();
      const request = this.#request(this.#requestOptions(method, path, headers, body));
      let hasEnded = false;
      const onAbort = () => fail(abortErrorOf(signal), "abandoned");
      const finish = (result: RequestResult) => {
        signal.removeEventListener("abort", onAbort);
        // Destroying a request that failed makes it fail once more.
        if (!hasEnded) this.#options.requests?.ended(result, performance.now() - startedAt);
        hasEnded = true;
      };
      const fail = (error: CodedError, result: RequestResult = "unreachable") => {
        finish(result);
        reject(error);
        request.destroy();
        // What broke one kept connection has most likely broken those that idle beside it.
        this.dropIdleConnections();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      request.on("error", (error) => fail(this.#unreachable(error)));
      // Else what the proxy says of itself would be taken for the server's answer.
      request.on("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
        if (statusCode !== 200) fail(this.#unreachable(new Error(`its proxy answers HTTP ${statusCode} to CONNECT`)));
      });
      request.on("response", (response) => {
        this.#read(request, response).then(
          (answer) => {
            finish(resultOf(answer.status));
            resolve(answer);
          },
          (error: unknown) =>
            fail(
              error instanceof CodedError ? error : new CodedError("internal", String(error)),
              errorCodeOf(error) === "internal" ? resultOf(response.statusCode ?? 0) : undefined,
            ),
        );
      });
      request.end(body);
    });
  }

  #requestOptions(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
  ): RequestOptions {
    const ofBody =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return {
      method,
      agent: this.#agent,
      protocol: this.#base.protocol,
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ""),
      port: this.#base.port,
      path: this.#basePath + path,
      auth: this.#auth,
      headers: { accept: "application/json", ...this.#options.headers, ...headers, ...ofBody },
    };
  }

  #read(request: ClientRequest, response: IncomingMessage): Promise<TextAnswer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= this.#options.maxBodyBytes) chunks.push(chunk);
        else {
          reject(
            new CodedError("internal", `${this.#options.name} answered more than ${this.#options.maxBodyBytes} bytes`),
          );
          request.destroy();
        }
      });
      response.on("error", (error) => reject(this.#unreachable(error)));
      response.on("close", () => {
        if (!response.complete) reject(this.#unreachable(new Error("the connection broke off within the answer")));
      });
      response.on("end", () => {
        const [first] = chunks;
        const whole = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
        const answer = (text: Buffer) => resolve(new TextAnswer(this.#options.name, response, textOf(text)));
        const encoding = response.headers["content-encoding"];
        const decode = decoderOf(encoding);
        if (decode === undefined) answer(whole);
        else
          decode(whole, { maxOutputLength: this.#options.maxBodyBytes }).then(answer, (cause: unknown) =>
            reject(this.#undecodable(encoding, cause)),
          );
      });
    });
  }

  #undecodable(encoding: string | undefined, cause: unknown): CodedError {
    const { name, maxBodyBytes } = this.#options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new CodedError(
      "internal",
      `${name} answered with the content-encoding ${JSON.stringify(encoding)}, which cannot be decoded into at most ${maxBodyBytes} bytes (${reason})`,
      { cause },
    );
  }

  #unreachable(error: Error): CodedError {
    const { code } = error as NodeJS.ErrnoException;
    return new CodedError(
      "unavailable",
      `${this.#options.name} at ${this.#base.origin} cannot be reached (${code ?? error.message})`,
      { cause: error },
    );
  }
}

/** Without the mark of its byte order, which some editors and stores put before it, and JSON does not have. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
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

function resultOf(status: number): RequestResult {
  if (status < 300) return "2xx";
  if (status < 400) return "3xx";
  return status < 500 ? "4xx" : "5xx";
}
