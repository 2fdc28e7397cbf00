import type { AnswerHeaders } from "./answer-headers.js";
import type { HeaderWriter } from "./header-writer.js";
import type { Outbox } from "./outbox.js";
import { DEFAULT_WINDOW, Flag, FrameType, MAX_FRAME_BYTES } from "./protocol.js";
import type { LaneStream } from "./streams.js";

interface WaitingAnswer {
  readonly stream: LaneStream;
  /** What of the body is not sent. */
  rest: Buffer;
  readonly trailers: AnswerHeaders;
}

/** Writes the lane's answers as far as the peer's windows let it, and the rest as they open. */
export class AnswerSender {
  /** How much of all answers the peer takes for now. */
  window = DEFAULT_WINDOW;
  readonly #outbox: Outbox;
  readonly #headers: HeaderWriter;
  readonly #onSent: (stream: LaneStream) => void;
  #waiting: WaitingAnswer[] = [];

  /** @param onSent told of every answer that is sent to its end */
  constructor(outbox: Outbox, headers: HeaderWriter, onSent: (stream: LaneStream) => void) {
    this.#outbox = outbox;
    this.#headers = headers;
    this.#onSent = onSent;
  }

  send(stream: LaneStream, headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void {
    this.#outbox.frame(FrameType.Headers, Flag.EndHeaders, stream.id, this.#headers.blockOf(headers));
    const rest = this.#sendBody(stream, body);
    if (rest === undefined) this.#end(stream, trailers);
    else this.#waiting.push({ stream, rest, trailers });
  }

  /** A window has opened. */
  sendWaiting(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const answer of waiting) {
      const rest = this.#sendBody(answer.stream, answer.rest);
      if (rest === undefined) this.#end(answer.stream, answer.trailers);
      else {
        answer.rest = rest;
        this.#waiting.push(answer);
      }
    }
  }

  drop(stream: LaneStream): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((answer) => answer.stream !== stream);
  }

  /** @returns what has to wait, undefined where nothing has */
  #sendBody(stream: LaneStream, body: Buffer): Buffer | undefined {
    let rest = body;
    while (rest.length > 0) {
      const bytes = Math.min(rest.length, MAX_FRAME_BYTES, this.window, stream.sendWindow);
      if (bytes <= 0) return rest;
      this.#outbox.frame(FrameType.Data, 0, stream.id, bytes === rest.length ? rest : rest.subarray(0, bytes));
      this.window -= bytes;
      stream.sendWindow -= bytes;
      if (bytes === rest.length) return undefined;
      rest = rest.subarray(bytes);
    }
    return undefined;
  }

  #end(stream: LaneStream, trailers: AnswerHeaders): void {
    this.#outbox.frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, stream.id, this.#headers.blockOf(trailers));
    this.#onSent(stream);
  }
}
