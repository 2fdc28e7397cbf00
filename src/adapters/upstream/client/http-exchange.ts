import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { CodedError } from "../../../domain/errors.js";
import type { RequestResult, UpstreamRequests } from "../../../ports/telemetry.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { abortErrorOf, StaleConnectionError } from "../resilience/operation.js";
import type { HttpConnection, HttpConnections } from "./http-connections.js";
import { decoderOf, TextAnswer } from "./text-answer.js";

export interface ExchangeOptions {
  /** How the server is named in errors, for example "Edge". */
  readonly name: string;
  /** The largest answer that is read, bytes. */
  readonly maxBodyBytes: number;
  /** Where requests are counted. */
  readonly requests?: UpstreamRequests | undefined;
}

/** One request and what comes of it. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #origin: string;
  readonly #connections: HttpConnections;
  readonly #signal: CancelSignal;
  readonly #resolve: (answer: TextAnswer) => void;
  readonly #reject: (error: CodedError) => void;
  readonly #startedAt = performance.now();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #connection: HttpConnection | undefined;
  #hasEnded = false;

  constructor(
    options: ExchangeOptions,
    origin: string,
    connections: HttpConnections,
    signal: CancelSignal,
    resolve: (answer: TextAnswer) => void,
    reject: (error: CodedError) => void,
  ) {
    this.#options = options;
    this.#origin = origin;
    this.#connections = connections;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  send(request: Dispatcher.DispatchOptions): void {
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    const connection = this.#connections.send(request, this);
    // It may have failed already.
    if (this.#hasEnded) this.#connections.end(connection);
    else this.#connection = connection;
  }

  onRequestStart(): void {
    // Of no interest: what is sent, and when, is the connection's matter.
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const { name, maxBodyBytes } = this.#options;
    this.#bytes += chunk.length;
    if (this.#bytes <= maxBodyBytes) this.#chunks.push(chunk);
    else this.#answeredBadly(new CodedError("internal", `${name} answered more than ${maxBodyBytes} bytes`));
  }

  onResponseEnd(): void {
    if (this.#hasEnded) return;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#connections.release(connection);
    const [first] = this.#chunks;
    const whole = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    const encoding = this.#headers["content-encoding"];
    const decode = decoderOf(encoding);
    if (decode === undefined) this.#answered(whole);
    else
      decode(whole, { maxOutputLength: this.#options.maxBodyBytes }).then(
        (text) => this.#answered(text),
        (cause: unknown) => this.#answeredBadly(this.#undecodable(encoding, cause)),
      );
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#unreachable(error), "unreachable");
  }

  readonly #onAbort = (): void => this.#fail(abortErrorOf(this.#signal), "abandoned");

  #answered(text: Buffer): void {
    if (!this.#end(resultOf(this.#status))) return;
    this.#resolve(new TextAnswer(this.#options.name, this.#status, textOf(text), this.#headers["retry-after"]));
  }

  #answeredBadly(error: CodedError): void {
    this.#fail(error, resultOf(this.#status));
  }

  #fail(error: CodedError, result: RequestResult): void {
    if (!this.#end(result)) return;
    this.#reject(error);
    if (this.#connection !== undefined) this.#connections.end(this.#connection);
    // What broke one kept connection has most likely broken those that idle beside it.
    this.#connections.endIdle();
  }

  /** @returns whether it has not ended before */
  #end(result: RequestResult): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#options.requests?.ended(result, performance.now() - this.#startedAt);
    return true;
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
    // The client's own codes name no fault that anybody knows.
    const reason = code === undefined || code.startsWith("UND_ERR") ? error.message : code;
    const where = this.#bytes > 0 ? `${reason}, within the answer` : reason;
    const message = `${this.#options.name} at ${this.#origin} cannot be reached (${where})`;
    return this.#connection?.isReused === true && this.#status === 0
      ? new StaleConnectionError(message, error)
      : new CodedError("unavailable", message, { cause: error });
  }
}

/** Without the mark of its byte order, which some editors and stores put before it, and JSON does not have. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function resultOf(status: number): RequestResult {
  if (status < 300) return "2xx";
  if (status < 400) return "3xx";
  return status < 500 ? "4xx" : "5xx";
}
