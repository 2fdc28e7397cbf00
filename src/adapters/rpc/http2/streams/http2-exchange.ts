import { CodedError } from "../../../../domain/errors.js";
import type { Exchange } from "../../exchange/exchange.js";
import type { Allotment } from "../../exchange/half-sent-budget.js";
import type { Peer } from "../../exchange/peer.js";
import { RequestBody, type BodyOwner } from "../../exchange/request-body.js";
import type { HeaderField } from "../../exchange/response-headers.js";
import { encodeLiteral } from "../hpack/literal-headers.js";
import { DEFAULT_WINDOW } from "../frames/protocol.js";
import type { Http2Stream, StreamExchange } from "./http2-stream.js";
import type { RequestHead } from "./request-head.js";

/** Credit of a stream is returned once it is a quarter of its window: not for each byte that is read. */
const RETURN_FROM = DEFAULT_WINDOW >> 2;

/** What an exchange needs of its connection. */
export interface ExchangeOwner {
  readonly peer: Peer;
  beginResponse(stream: Http2Stream, block: Buffer, isEnd: boolean): void;
  writeBody(stream: Http2Stream, chunk: Buffer): boolean;
  endResponse(stream: Http2Stream, trailers: Buffer | undefined): void;
  abortResponse(stream: Http2Stream): void;
  creditStream(stream: Http2Stream, bytes: number): void;
}

/** A stream of the general path. */
export class Http2Exchange implements Exchange, StreamExchange, BodyOwner {
  readonly httpVersion = "2.0";
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly headers: readonly HeaderField[];
  readonly body: RequestBody;
  isInWork = false;
  readonly #owner: ExchangeOwner;
  readonly #stream: Http2Stream;
  #controller: AbortController | undefined;
  #isClosed = false;
  #hasResponded = false;
  #isAnswered = false;
  #whenDrained: ((hasRoom: boolean) => void) | undefined;
  #unreadContent: number | undefined;
  /** What of the stream's window the peer has used and not got back. */
  #used = 0;
  #toReturn = 0;

  constructor(owner: ExchangeOwner, stream: Http2Stream, head: RequestHead, allotment: Allotment) {
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

  respond(status: number, headers: readonly HeaderField[], isEnd: boolean): void {
    if (this.#isClosed || this.#hasResponded) return;
    this.#hasResponded = true;
    if (isEnd) this.#isAnswered = true;
    this.#owner.beginResponse(this.#stream, encodeLiteral([[":status", String(status)], ...headers]), isEnd);
  }

  write(chunk: Uint8Array): boolean | Promise<boolean> {
    if (this.#isClosed) return false;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#owner.writeBody(this.#stream, bytes)) return true;
    return new Promise((resolve) => (this.#whenDrained = resolve));
  }

  end(trailers: readonly HeaderField[]): void {
    if (this.#isClosed) return;
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

  received(chunk: Buffer, padding: number): "ok" | "beyond-window" | "beyond-length" {
    this.#used += chunk.length + padding;
    if (this.#used > DEFAULT_WINDOW) return "beyond-window";
    if (this.#unreadContent !== undefined && (this.#unreadContent -= chunk.length) < 0) return "beyond-length";
    if (padding > 0) this.credit(padding);
    this.body.push(Buffer.from(chunk));
    return "ok";
  }

  completed(): boolean {
    this.body.end();
    return this.#unreadContent === undefined || this.#unreadContent === 0;
  }

  drained(): void {
    const resolve = this.#whenDrained;
    this.#whenDrained = undefined;
    resolve?.(true);
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
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
