import { CodedError } from "../../../../domain/errors.js";
import type { HeaderField, Peer, QueuedExchange } from "../../exchange/exchange.js";
import { type Allotment, type BodyOwner, RequestBody } from "../../exchange/request-body.js";
import type { WhenLate } from "../../exchange/request-handlers.js";
import { DEFAULT_WINDOW } from "../frames/protocol.js";
import { encodeLiteral } from "../hpack/header-writer.js";
import type { RequestHead } from "./request-head.js";

/** Credit of a stream is returned once it is a quarter of its window: not for each byte that is read. */
const RETURN_FROM = DEFAULT_WINDOW >> 2;
/** So much of a body is handed on before its first message is there: its window would not take all of it. */
const ENOUGH_BYTES = DEFAULT_WINDOW >> 2;
/** What is of none of the protocols is refused without a look at its body. */
const CALL = /^application\/(?:grpc|connect|json|proto)\b/i;
/** The protocols in which a message says how long it is. */
const PREFIXED = /^application\/(?:grpc|connect)\b/i;

/** What an exchange needs of its connection. @typeParam S what the connection knows the stream by */
export interface ExchangeOwner<S> {
  readonly peer: Peer;
  beginResponse(stream: S, block: Buffer, isEnd: boolean): void;
  writeBody(stream: S, chunk: Buffer): boolean;
  endResponse(stream: S, trailers: Buffer | undefined): void;
  abortResponse(stream: S): void;
  creditStream(stream: S, bytes: number): void;
  /** It does not wait for its turn any more: that has come, or nobody waits for the response. */
  leftQueue(): void;
  /** The work for it has come to its end. */
  released(stream: S): void;
}

/**
 * A stream of the general path. It is arriving until there is enough of it to serve, waits for its turn then, and is in work until
 * its handler has settled.
 */
export class Http2Exchange<S extends { readonly isComplete: boolean }> implements QueuedExchange, BodyOwner {
  readonly httpVersion = "2.0";
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly headers: readonly HeaderField[];
  readonly body: RequestBody;
  #state: "arriving" | "queued" | "begun" | "done" = "arriving";
  #cancelArrival: (() => void) | undefined;
  readonly #owner: ExchangeOwner<S>;
  readonly #stream: S;
  #controller: AbortController | undefined;
  #isClosed = false;
  #hasResponded = false;
  #isAnswered = false;
  #whenDrained: ((hasRoom: boolean) => void) | undefined;
  #unreadContent: number | undefined;
  /** What of the stream's window the peer has used and not got back. */
  #used = 0;
  #toReturn = 0;

  constructor(owner: ExchangeOwner<S>, stream: S, head: RequestHead, allotment: Allotment) {
    this.#owner = owner;
    this.#stream = stream;
    this.method = head.method;
    this.target = head.target;
    this.authority = head.authority;
    this.headers = head.fields;
    this.#unreadContent = head.contentLength;
    this.body = new RequestBody(this, allotment);
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it waits for its turn, or its handler has not settled. */
  get isInWork(): boolean {
    return this.#state === "queued" || this.#state === "begun";
  }

  /** Whether it may still be served; not so one that was refused by its headers. */
  get isArriving(): boolean {
    return this.#state === "arriving" && !this.#hasResponded;
  }

  /** Whether there is enough of the request to serve it: a handler that waits for the rest takes many times as much memory. */
  get isWorthServing(): boolean {
    const contentType = this.header("content-type") ?? "";
    return !CALL.test(contentType) || this.body.isWorthServing(ENOUGH_BYTES, PREFIXED.test(contentType));
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isClosed && !this.#isAnswered) this.#controller.abort(callerGone());
    }
    return this.#controller.signal;
  }

  header(name: string): string | undefined {
    for (const [known, value] of this.headers) if (known === name) return value;
    return undefined;
  }

  releaseBodyAsRead(): void {
    this.body.releaseAsRead();
  }

  /** Serves it as one that failed, should it not arrive in time. */
  limitArrival(whenLate: WhenLate, serve: () => void): void {
    this.#cancelArrival = whenLate((error) => {
      this.body.fail(error);
      serve();
    });
  }

  queued(): void {
    this.#cancelArrival?.();
    this.#state = "queued";
  }

  begun(): void {
    if (this.#state === "queued") this.#owner.leftQueue();
    this.#state = "begun";
  }

  done(): void {
    this.#state = "done";
    this.body.release();
    this.#owner.released(this.#stream);
  }

  respond(status: number, headers: readonly HeaderField[], isEnd: boolean): void {
    if (this.#isClosed || this.#hasResponded) return;
    this.#hasResponded = true;
    if (isEnd) this.#isAnswered = true;
    this.#owner.beginResponse(this.#stream, encodeLiteral([[":status", String(status)], ...headers]), isEnd);
  }

  write(chunk: Uint8Array): boolean | Promise<boolean> {
    if (this.#isClosed || this.#isAnswered) return false;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#owner.writeBody(this.#stream, bytes)) return true;
    return new Promise((resolve) => (this.#whenDrained = resolve));
  }

  end(trailers: readonly HeaderField[]): void {
    if (this.#isClosed || this.#isAnswered) return;
    this.#isAnswered = true;
    this.#owner.endResponse(this.#stream, trailers.length === 0 ? undefined : encodeLiteral(trailers));
  }

  send(status: number, headers: readonly HeaderField[], body: string): void {
    const length = ["content-length", String(Buffer.byteLength(body))] as const;
    if (this.method === "HEAD" || body === "") {
      this.respond(status, [...headers, length], true);
      return;
    }
    this.respond(status, [...headers, length], false);
    void this.write(Buffer.from(body));
    this.end([]);
  }

  abort(): void {
    if (!this.#isClosed) this.#owner.abortResponse(this.#stream);
  }

  credit(bytes: number): void {
    this.#toReturn += bytes;
    if (this.#toReturn < RETURN_FROM || this.#stream.isComplete || this.#isClosed) return;
    this.#owner.creditStream(this.#stream, this.#toReturn);
    this.#used -= this.#toReturn;
    this.#toReturn = 0;
  }

  /**
   * A part of the body.
   *
   * @param padding of its frame, which counts against flow control and is read at once
   * @returns whether the peer may have sent it
   */
  received(chunk: Uint8Array, padding: number): "ok" | "beyond-window" | "beyond-length" {
    this.#used += chunk.length + padding;
    if (this.#used > DEFAULT_WINDOW) return "beyond-window";
    if (this.#unreadContent !== undefined && (this.#unreadContent -= chunk.length) < 0) return "beyond-length";
    if (padding > 0) this.credit(padding);
    this.body.push(chunk);
    return "ok";
  }

  /** @returns false where the request is shorter than it said */
  completed(): boolean {
    this.body.end();
    return this.#unreadContent === undefined || this.#unreadContent === 0;
  }

  /** All that was written is sent. */
  drained(): void {
    const resolve = this.#whenDrained;
    this.#whenDrained = undefined;
    resolve?.(true);
  }

  /** The stream is over: answered, or reset by either side, or gone with its connection. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelArrival?.();
    if (this.#state === "queued") {
      this.#owner.leftQueue();
      this.#state = "begun";
    }
    this.#whenDrained?.(false);
    this.#whenDrained = undefined;
    if (this.#isAnswered) this.body.end();
    else this.body.fail(callerGone());
    this.body.release();
    if (!this.#isAnswered) this.#controller?.abort(callerGone());
  }
}

/** Without a stack, which would cost more than the call. */
function callerGone(): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new CodedError("cancelled", "the caller went away");
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}
