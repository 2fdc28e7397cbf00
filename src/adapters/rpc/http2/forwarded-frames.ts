import type { AnswerSender } from "./answer-sender.js";
import type { Outbox } from "./outbox.js";
import { Flag, FrameType } from "./protocol.js";

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/**
 * Writes the frames of streams that Node serves. It knows the windows of the streams, but not the connection's, which they
 * share with the lane's: what finds that shut waits here, in its order.
 */
export class ForwardedFrames {
  readonly #outbox: Outbox;
  readonly #sender: AnswerSender;
  #waiting: Frame[] = [];

  constructor(outbox: Outbox, sender: AnswerSender) {
    this.#outbox = outbox;
    this.#sender = sender;
  }

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @param payload copied if it has to wait */
  send(type: number, flags: number, stream: number, payload: Buffer): void {
    const rest = this.areWaiting ? payload : this.#send(type, flags, stream, payload);
    if (rest !== undefined) this.#waiting.push({ type, flags, stream, payload: Buffer.from(rest) });
  }

  /** The connection's window has opened. */
  sendWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, frame] of waiting.entries()) {
      const rest = this.#send(frame.type, frame.flags, frame.stream, frame.payload);
      if (rest === undefined) continue;
      this.#waiting = [{ ...frame, payload: rest }, ...waiting.slice(index + 1)];
      return;
    }
  }

  /** @returns what has to wait, undefined where nothing has */
  #send(type: number, flags: number, stream: number, payload: Buffer): Buffer | undefined {
    const { window } = this.#sender;
    if (type !== FrameType.Data || payload.length <= window) {
      if (type === FrameType.Data) this.#sender.window -= payload.length;
      this.#outbox.frame(type, flags, stream, payload);
      return undefined;
    }
    if (window <= 0) return payload;
    this.#outbox.frame(type, flags & ~Flag.EndStream, stream, payload.subarray(0, window));
    this.#sender.window = 0;
    return payload.subarray(window);
  }
}
