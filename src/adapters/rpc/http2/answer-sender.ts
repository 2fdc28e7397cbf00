import type { AnswerHeaders } from "./answer-headers.js";
import type { DataSender } from "./data-sender.js";
import type { HeaderWriter } from "./header-writer.js";
import type { Outbox } from "./outbox.js";
import { Flag, FrameType } from "./protocol.js";
import type { LaneStream } from "./streams.js";

/** Writes the lane's answers as far as the peer's windows let it, and the rest as they open. */
export class AnswerSender {
  readonly #outbox: Outbox;
  readonly #data: DataSender;
  readonly #headers: HeaderWriter;
  readonly #onSent: (stream: LaneStream) => void;
  /** Those that wait for the connection's window. Who waits for its own is not looked at until that opens. */
  readonly #blocked = new Set<LaneStream>();

  /** @param onSent told of every answer that is sent to its end */
  constructor(outbox: Outbox, data: DataSender, headers: HeaderWriter, onSent: (stream: LaneStream) => void) {
    this.#outbox = outbox;
    this.#data = data;
    this.#headers = headers;
    this.#onSent = onSent;
  }

  send(stream: LaneStream, headers: AnswerHeaders, body: Buffer, trailers: AnswerHeaders): void {
    this.#outbox.frame(FrameType.Headers, Flag.EndHeaders, stream.id, this.#headers.blockOf(headers));
    this.#sendRest(stream, body, trailers);
  }

  /** The stream's window has opened. */
  resume(stream: LaneStream): void {
    const { unsent } = stream;
    if (unsent !== undefined) this.#sendRest(stream, unsent.body, unsent.trailers);
  }

  /** The connection's window has opened. */
  resumeAll(): void {
    for (const stream of this.#blocked) {
      if (this.#data.window <= 0) return;
      this.resume(stream);
    }
  }

  drop(stream: LaneStream): void {
    stream.unsent = undefined;
    this.#blocked.delete(stream);
  }

  #sendRest(stream: LaneStream, body: Buffer, trailers: AnswerHeaders): void {
    const rest = body.length === 0 ? undefined : this.#data.send(stream, 0, body);
    if (rest === undefined) {
      if (stream.unsent !== undefined) this.drop(stream);
      this.#outbox.frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, stream.id, this.#headers.blockOf(trailers));
      this.#onSent(stream);
      return;
    }
    stream.unsent = { body: rest, trailers };
    if (stream.sendWindow > 0) this.#blocked.add(stream);
    else this.#blocked.delete(stream);
  }
}
