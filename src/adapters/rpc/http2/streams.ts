import type { AnswerHeaders } from "./answer-headers.js";
import type { HeaderList } from "./hpack/header-list.js";
import type { AnswerStream, StreamCall } from "./lane.js";

/** Has an answer sent. */
export interface Answering {
  answer(stream: LaneStream, headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void;
}

/** A stream that the lane serves. */
export class LaneStream implements AnswerStream {
  readonly isLane = true;
  readonly id: number;
  readonly headers: HeaderList;
  /** How much of the answer the peer takes for now; below 0 where it has changed its mind. */
  sendWindow: number;
  /** Whether the request is whole. */
  isWhole = false;
  call: StreamCall | undefined;
  readonly #answering: Answering;
  #chunks: Buffer[] | undefined;
  #bytes = 0;

  constructor(id: number, headers: HeaderList, sendWindow: number, answering: Answering) {
    this.id = id;
    this.headers = headers;
    this.sendWindow = sendWindow;
    this.#answering = answering;
  }

  /** How much was gathered. */
  get bytes(): number {
    return this.#bytes;
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks ?? [];
  }

  gather(bytes: Buffer): void {
    // A copy: a view would hold on to all that was read with it.
    (this.#chunks ??= []).push(Buffer.from(bytes));
    this.#bytes += bytes.length;
  }

  respond(headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void {
    this.#answering.answer(this, headers, body, trailers);
  }
}

/** A stream that Node serves; it is over when both sides have ended it. */
export interface NodeStream {
  readonly isLane: false;
  isWhole: boolean;
  isAnswered: boolean;
}

export type Stream = LaneStream | NodeStream;
