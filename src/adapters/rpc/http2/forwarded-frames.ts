import type { DataSender } from "./data-sender.js";
import type { HeaderWriter } from "./header-writer.js";
import type { Outbox } from "./outbox.js";
import { ErrorCode, Flag, FrameType } from "./protocol.js";
import type { NodeStream } from "./streams.js";

export interface ForwardedFramesOwner {
  /** So much of what Node has sent needs no room any more. */
  sent(bytes: number): void;
  /** The last frame of an answer is sent. */
  answered(stream: NodeStream): void;
  /** Node's reset is sent. @param code of ErrorCode */
  wasReset(stream: NodeStream, code: number): void;
}

/**
 * Writes the headers, the data and the resets of streams that Node serves. Node does not know the connection's window, which they
 * share with the lane's, and hears later than the peer expects of windows that shrink: what finds one shut waits here,
 * and whatever comes after it on its stream.
 */
export class ForwardedFrames {
  readonly #owner: ForwardedFramesOwner;
  readonly #outbox: Outbox;
  readonly #data: DataSender;
  readonly #headers: HeaderWriter;
  /** Those that wait for the connection's window. */
  readonly #blocked = new Set<NodeStream>();

  constructor(owner: ForwardedFramesOwner, outbox: Outbox, data: DataSender, headers: HeaderWriter) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#data = data;
    this.#headers = headers;
  }

  /** @param payload of DATA or RST_STREAM, or a whole header block; copied if it has to wait */
  send(stream: NodeStream, type: number, flags: number, payload: Buffer): void {
    // A reset overtakes the answer that it cuts off. One without an error comes after its answer, and stops the request.
    if (type === FrameType.RstStream && payload.readUInt32BE() !== ErrorCode.NoError) this.drop(stream);
    const rest = stream.unsent.length > 0 ? payload : this.#send(stream, type, flags, payload);
    if (rest === undefined) return;
    stream.unsent.push({ type, flags, payload: Buffer.from(rest) });
    this.#await(stream);
  }

  /** The stream's window has opened. */
  resume(stream: NodeStream): void {
    const { unsent } = stream;
    if (unsent.length === 0) return;
    stream.unsent = [];
    for (const [index, { type, flags, payload }] of unsent.entries()) {
      const rest = this.#send(stream, type, flags, payload);
      if (rest === undefined) continue;
      stream.unsent = [{ type, flags, payload: rest }, ...unsent.slice(index + 1)];
      break;
    }
    this.#await(stream);
  }

  /** The connection's window has opened. */
  resumeAll(): void {
    for (const stream of this.#blocked) {
      if (this.#data.window <= 0) return;
      this.resume(stream);
    }
  }

  drop(stream: NodeStream): void {
    const dropped = stream.unsent;
    stream.unsent = [];
    this.#blocked.delete(stream);
    for (const { type, payload } of dropped) if (type === FrameType.Data) this.#owner.sent(payload.length);
  }

  #await(stream: NodeStream): void {
    if (stream.unsent.length > 0 && stream.sendWindow > 0) this.#blocked.add(stream);
    else this.#blocked.delete(stream);
  }

  /** @returns what has to wait, undefined where nothing has */
  #send(stream: NodeStream, type: number, flags: number, payload: Buffer): Buffer | undefined {
    if (type === FrameType.RstStream) {
      this.#outbox.frame(type, 0, stream.id, payload);
      this.#owner.wasReset(stream, payload.readUInt32BE());
      return undefined;
    }
    if (type === FrameType.Data) {
      const rest = this.#data.send(stream, flags, payload);
      this.#owner.sent(payload.length - (rest?.length ?? 0));
      if (rest !== undefined) return rest;
    } else this.#outbox.headers(stream.id, flags & Flag.EndStream, this.#headers.withTableSize(payload));
    if ((flags & Flag.EndStream) !== 0) this.#owner.answered(stream);
    return undefined;
  }
}
