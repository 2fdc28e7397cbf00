import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CodedError } from "../../../domain/errors.js";
import type { HeaderField, Peer, QueuedExchange } from "../exchange/exchange.js";
import { type Allotment, type BodyOwner, RequestBody } from "../exchange/request-body.js";

/** How much of a body waits to be read before its sender has to. */
const MAX_UNREAD_BYTES = 64 * 1024;

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)([/?].*)?$/i;

/** A request of the general path over HTTP/1.1. */
export class Http1Exchange implements QueuedExchange, BodyOwner {
  readonly httpVersion = "1.1";
  readonly peer: Peer;
  readonly target: string;
  readonly authority: string | undefined;
  readonly headers: readonly HeaderField[];
  readonly body: RequestBody;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;
  #unreadBytes = 0;
  /** Whether nobody reads the request any more: what still comes flows by. */
  #isDone = false;

  /** @param received what was read of the body before */
  constructor(response: ServerResponse, peer: Peer, allotment: Allotment, received: readonly Buffer[]) {
    const request = response.req;
    this.peer = peer;
    const { url = "", headers } = request;
    // A client that takes the service for its proxy names the host there, and then the header says nothing (RFC 9112, section 3.2.2).
    const [, authority, target = ""] = url.startsWith("/") ? [] : (ABSOLUTE_FORM.exec(url) ?? []);
    this.authority = authority ?? headers.host;
    this.target = authority === undefined ? url : target.startsWith("/") ? target : `/${target}`;
    this.#request = request;
    this.#response = response;
    this.headers = Object.entries(request.headers).flatMap(([name, value]): readonly HeaderField[] =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]],
    );
    this.body = new RequestBody(this, allotment);
    for (const chunk of received) this.#receive(chunk);
    if (request.readableEnded) this.body.end();
    else {
      request.on("data", (chunk: Buffer) => this.#receive(chunk));
      request.once("end", () => this.body.end());
    }
    request.once("close", () => {
      // Every request closes, and an error is dear to make.
      if (!this.body.isEnded) this.body.fail(new CodedError("cancelled", "the caller went away"));
    });
    request.on("error", ignoreError);
    response.on("error", ignoreError);
    response.once("close", () => this.#closed());
  }

  get method(): string {
    return this.#request.method ?? "";
  }

  get isClosed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  get hasResponded(): boolean {
    return this.#response.headersSent;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#response.destroyed && !this.#response.writableFinished) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  releaseBodyAsRead(): void {
    this.body.releaseAsRead();
  }

  respond(status: number, headers: readonly HeaderField[], isEnd: boolean): void {
    if (this.isClosed || this.#response.headersSent) return;
    this.#response.writeHead(status, headers.flat());
    if (isEnd) this.#response.end();
    // The first message of a stream may be minutes away: who waits must see that it was accepted.
    else if (!headers.some(([name]) => name === "content-length")) this.#response.flushHeaders();
  }

  write(chunk: Uint8Array): boolean | Promise<boolean> {
    if (this.isClosed) return false;
    if (this.#response.write(chunk)) return true;
    const waiting = new AbortController();
    const isOpen = (event: string, value: boolean) =>
      once(this.#response, event, { signal: waiting.signal }).then(() => value);
    return Promise.race([isOpen("drain", true), isOpen("close", false)])
      .catch(() => false)
      .finally(() => waiting.abort());
  }

  /** Trailers are for gRPC alone, which HTTP/1.1 is not served with. */
  end(): void {
    if (!this.isClosed) this.#response.end();
  }

  send(status: number, headers: readonly HeaderField[], body: string): void {
    if (this.isClosed || this.#response.headersSent) return;
    this.#response.writeHead(status, [...headers.flat(), "content-length", String(Buffer.byteLength(body))]).end(body);
  }

  abort(): void {
    this.#response.destroy();
  }

  credit(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#unreadBytes <= MAX_UNREAD_BYTES) this.#request.resume();
  }

  begun(): void {
    // Its connection reads on, turn or not: how much of a body waits is bounded.
  }

  /** The rest of its request flows by, so that the connection can be used again. */
  done(): void {
    this.#isDone = true;
    this.body.release();
    if (!this.#request.destroyed) this.#request.resume();
  }

  #receive(chunk: Buffer): void {
    if (this.#isDone) return;
    this.#unreadBytes += chunk.length;
    this.body.push(chunk, true);
    if (this.#unreadBytes > MAX_UNREAD_BYTES) this.#request.pause();
  }

  #closed(): void {
    if (!this.#response.writableFinished) this.#controller?.abort();
    this.done();
  }
}

function ignoreError(): void {
  // A caller who hangs up is no failure, and without a listener would end the process.
}
