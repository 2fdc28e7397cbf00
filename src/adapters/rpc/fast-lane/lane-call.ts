import type { CancelTimer, Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { callFailure } from "../call-failure.js";
import { encodeGrpcMessage } from "../grpc-message.js";
import type { AnswerStream, StreamCall } from "../http2/lane.js";
import { LaneCaller } from "../lane-caller.js";
import { lateRequest } from "../request-body.js";
import type { Reply } from "../unary-call.js";
import { ANSWER_HEADERS, detailedHeadersOf, headersOf, NO_TRAILERS, OK_TRAILERS } from "./answer-headers.js";
import { UnreadableMessage, type HotMethod } from "./hot-methods.js";
import type { PlainCall } from "./plain-call.js";

const PREFIX_BYTES = 5;
const NO_BODY = Buffer.alloc(0);

export interface LaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxMessageBytes: number;
  /** From a request's headers to the end of its body, milliseconds. */
  readonly bodyTimeoutMs: number;
}

/** One call of a hot method, and what the use case knows of its caller. */
export class LaneCall extends LaneCaller<Buffer> implements StreamCall {
  readonly #options: LaneOptions;
  readonly #stream: AnswerStream;
  readonly #method: HotMethod;
  readonly #call: PlainCall;
  #cancelLimit: CancelTimer | undefined;

  constructor(options: LaneOptions, stream: AnswerStream, method: HotMethod, call: PlainCall) {
    super(options.clock, call.timeoutMs);
    this.#options = options;
    this.#stream = stream;
    this.#method = method;
    this.#call = call;
  }

  answer(bytes: Buffer, from: number, to: number): boolean {
    this.#cancelLimit?.();
    if (!this.#isOneMessage(bytes, from, to)) return false;
    try {
      const reply = this.#method.answer(bytes, from + PREFIX_BYTES, to, this);
      if (reply instanceof Promise) void this.settle(reply);
      else this.deliver(reply);
    } catch (error) {
      if (error instanceof UnreadableMessage) return false;
      this.fail(error);
    }
    return true;
  }

  limitArrival(): void {
    const { clock, bodyTimeoutMs } = this.#options;
    this.#cancelLimit = clock.after(bodyTimeoutMs, () => this.fail(lateRequest(bodyTimeoutMs)));
  }

  abandon(): void {
    this.#cancelLimit?.();
    this.goAway();
  }

  protected deliver(reply: Reply<Buffer>): void {
    const headers = this.#call.isDetailed ? detailedHeadersOf(reply, this.#options.clock.now()) : headersOf(reply);
    this.#stream.respond(headers, reply.message, OK_TRAILERS);
  }

  protected fail(error: unknown): void {
    const { rawMessage, code } = callFailure(error, this.signal, this.#method.name, this.#options.logger);
    const trailers = NO_TRAILERS.and(["grpc-status", String(code)], ["grpc-message", encodeGrpcMessage(rawMessage)]);
    this.#stream.respond(ANSWER_HEADERS, NO_BODY, trailers);
  }

  /** A compressed message, a cut off one, a second one and one that is too large are for those who explain what is wrong. */
  #isOneMessage(bytes: Buffer, from: number, to: number): boolean {
    const length = to - from;
    const { contentLength = length } = this.#call;
    if (contentLength !== length || length < PREFIX_BYTES || bytes[from] !== 0) return false;
    const messageBytes = bytes.readUInt32BE(from + 1);
    return messageBytes === length - PREFIX_BYTES && messageBytes <= this.#options.maxMessageBytes;
  }
}
