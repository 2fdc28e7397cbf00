import type { AnswerHeaders } from "./answer-headers.js";
import type { Receiving } from "./data-sender.js";
import type { HeaderList } from "./hpack/header-list.js";
import type { AnswerStream, StreamCall } from "./lane.js";

/** Has an answer sent. */
export interface Answering {
  answer(stream: LaneStream, headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void;
}

/** A stream that the lane serves. */
export class LaneStream implements AnswerStream, Receiving {
  readonly isLane = true;
  readonly id: number;
  readonly headers: HeaderList;
  sendWindow: number;
  /** Whether the request is whole. */
  isWhole = false;
  call: StreamCall | undefined;
  /** What of the answer waits for a window. */
  unsent: { readonly body: Buffer; readonly trailers: AnswerHeaders } | undefined;
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

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** A stream that Node serves; it is over when both sides have ended it. */
export class NodeStream implements Receiving {
  readonly isLane = false;
  readonly id: number;
  /** Its number in Node's session, where streams may begin in another order. */
  number = 0;
  sendWindow: number;
  /** Whether the request is whole. */
  isWhole: boolean;
  isAnswered = false;
  /** What of the answer waits for a window, in its order. */
  unsent: Frame[] = [];

  constructor(id: number, sendWindow: number, isWhole: boolean) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.isWhole = isWhole;
  }
}

export type Stream = LaneStream | NodeStream;
