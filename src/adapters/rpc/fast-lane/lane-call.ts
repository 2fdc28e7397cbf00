import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamResponseOptions } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallContext } from "../../../application/answer.js";
import type { CancelTimer, Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { callFailure } from "../call-failure.js";
import { encodeGrpcMessage } from "../grpc-message.js";
import { DETAIL_HEADER } from "../provenance-headers.js";
import { lateRequest } from "../request-body.js";
import type { Reply } from "../unary-call.js";
import { unlessAborted } from "../unless-aborted.js";
import { ANSWER_HEADERS, detailedHeadersOf, headersOf } from "./answer-headers.js";
import type { OddCall, WholeAnswer } from "./connect-answer.js";
import { UnreadableMessage, type HotMethod } from "./hot-methods.js";
import type { Upload } from "./uploads.js";

const PREFIX_BYTES = 5;
/** Without a date, which no gRPC client reads. */
const RESPOND_OPTIONS: ServerStreamResponseOptions & { readonly sendDate: boolean } = { waitForTrailers: true, sendDate: false };
const NO_BODY = Buffer.alloc(0);
const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

export interface LaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxMessageBytes: number;
  /** From a request's headers to the end of its body, milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Answers what is not one plain message. */
  readonly answerOdd: (call: OddCall) => Promise<WholeAnswer>;
}

/** One call of a hot method: gathers the request, has it answered, and is what the use case knows of its caller. */
export class LaneCall implements CallContext, Upload {
  readonly deadlineAt: number | undefined;
  /** What the answer ends with. */
  trailers = OK_TRAILERS;
  readonly #options: LaneOptions;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: HotMethod;
  #isArriving = true;
  #begin: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #missingBytes = 0;
  #caller: AbortController | undefined;
  #cancelLimit: CancelTimer | undefined;

  /** @param timeoutMs how long the caller waits, milliseconds or Infinity */
  constructor(options: LaneOptions, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: HotMethod, timeoutMs: number) {
    this.#options = options;
    this.#stream = stream;
    this.#headers = headers;
    this.#method = method;
    this.deadlineAt = timeoutMs === Infinity ? undefined : options.clock.now() + timeoutMs;
  }

  get isArriving(): boolean {
    return this.#isArriving;
  }

  /** Made when somebody asks for it, which nobody does who answers at once. */
  get signal(): AbortSignal {
    if (this.#caller === undefined) {
      const caller = new AbortController();
      this.#caller = caller;
      if (this.#stream.closed) caller.abort();
      else this.#stream.once("close", () => caller.abort());
    }
    return this.#caller.signal;
  }

  receive(chunk: Buffer): void {
    if (!this.#isArriving) return;
    if (this.#begin === undefined) {
      this.#begin = chunk;
      // In particular: a compressed message, one that is too large, and one that comes byte by byte.
      if (chunk.length < PREFIX_BYTES || chunk[0] !== 0) return void this.#passOn();
      const messageBytes = chunk.readUInt32BE(1);
      if (messageBytes > this.#options.maxMessageBytes) return void this.#passOn();
      this.#missingBytes = PREFIX_BYTES + messageBytes - chunk.length;
    } else {
      (this.#rest ??= []).push(chunk);
      this.#missingBytes -= chunk.length;
    }
    if (this.#missingBytes < 0) void this.#passOn();
  }

  /** Nothing more of the request will come: also where its caller has gone. */
  end(): void {
    if (!this.#isArriving || this.#stream.destroyed || this.#stream.closed) return;
    if (this.#begin === undefined || this.#missingBytes !== 0) return void this.#passOn();
    this.#arrived();
    const request = this.#rest === undefined ? this.#begin : Buffer.concat([this.#begin, ...this.#rest]);
    try {
      const reply = this.#method.answer(request.subarray(PREFIX_BYTES), this);
      if (reply instanceof Promise) void this.#settle(reply);
      else this.#deliver(reply);
    } catch (error) {
      if (error instanceof UnreadableMessage) void this.#passOn();
      else this.#fail(error);
    }
  }

  limitArrival(): void {
    const { clock, bodyTimeoutMs } = this.#options;
    this.#cancelLimit = clock.after(bodyTimeoutMs, () => {
      this.#isArriving = false;
      this.#fail(lateRequest(bodyTimeoutMs));
    });
    this.#stream.once("close", this.#cancelLimit);
  }

  #arrived(): void {
    this.#isArriving = false;
    this.#cancelLimit?.();
  }

  async #passOn(): Promise<void> {
    this.#arrived();
    const stream = this.#stream;
    // What still comes must wait until it is read, in place of flowing by.
    stream.pause();
    const received = this.#begin === undefined ? [] : [this.#begin, ...(this.#rest ?? [])];
    try {
      const { headers, body, trailers } = await this.#options.answerOdd({ headers: this.#headers, received, rest: stream, signal: this.signal });
      this.#send(headers, body, trailers);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #settle(replied: Promise<Reply<Buffer>>): Promise<void> {
    const cancelDeadline = this.#watchDeadline();
    try {
      this.#deliver(await unlessAborted(replied, this.signal));
    } catch (error) {
      this.#fail(error);
    } finally {
      cancelDeadline?.();
    }
  }

  #watchDeadline(): CancelTimer | undefined {
    const { clock } = this.#options;
    const { signal, deadlineAt } = this;
    if (deadlineAt === undefined || signal.aborted) return undefined;
    return clock.after(Math.max(0, deadlineAt - clock.now()), () =>
      this.#caller?.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded)),
    );
  }

  #deliver(reply: Reply<Buffer>): void {
    const isDetailed = this.#headers[DETAIL_HEADER] === "1";
    const headers = isDetailed ? detailedHeadersOf(reply, this.#options.clock.now()) : headersOf(reply);
    this.#send(headers, reply.message, OK_TRAILERS);
  }

  #fail(error: unknown): void {
    const { rawMessage, code } = callFailure(error, this.signal, this.#method.name, this.#options.logger);
    const trailers = { "grpc-status": String(code), "grpc-message": encodeGrpcMessage(rawMessage) };
    this.#send(ANSWER_HEADERS, NO_BODY, trailers);
  }

  #send(headers: OutgoingHttpHeaders, body: Buffer, trailers: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed || stream.headersSent) return;
    this.trailers = trailers;
    stream.respond(headers, RESPOND_OPTIONS);
    stream.end(body);
  }
}
