import type { Outbox } from "./outbox.js";
import { DEFAULT_WINDOW, FrameType, MAX_FRAME_BYTES } from "./protocol.js";

/** Whom data goes to. */
export interface Receiving {
  readonly id: number;
  /** How much more of the answer the peer takes for now; below 0 where it has changed its mind. */
  sendWindow: number;
}

/** Writes data as far as the peer's windows let it. All answers on a connection share one of them. */
export class DataSender {
  /** How much more of all answers the peer takes for now. */
  window = DEFAULT_WINDOW;
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /**
   * @param flags of the last frame
   * @returns what has to wait, undefined where nothing has
   */
  send(stream: Receiving, flags: number, bytes: Buffer): Buffer | undefined {
    let rest = bytes;
    for (;;) {
      const room = Math.min(MAX_FRAME_BYTES, this.window, stream.sendWindow);
      if (rest.length <= room || rest.length === 0) {
        this.#frame(stream, flags, rest);
        return undefined;
      }
      if (room <= 0) return rest;
      this.#frame(stream, 0, rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }

  #frame(stream: Receiving, flags: number, bytes: Buffer): void {
    this.#outbox.frame(FrameType.Data, flags, stream.id, bytes);
    this.window -= bytes.length;
    stream.sendWindow -= bytes.length;
  }
}
