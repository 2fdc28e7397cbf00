import type { Outbox } from "./outbox.js";
import { ConnectionFault, DEFAULT_WINDOW, ErrorCode, FrameType, uint32 } from "./protocol.js";

/** The peer is told of what was taken once it is a quarter of what may be on its way. */
const TELL_FROM = 16_384;

/** How much of all its requests the peer may send before it is told that some of it was taken. */
export class ReceiveWindow {
  readonly #outbox: Outbox;
  #left = DEFAULT_WINDOW;
  #taken = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** @throws ConnectionFault for more than the peer may send */
  received(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ConnectionFault(ErrorCode.FlowControlError, "more data than the window allows");
  }

  /** @param bytes that need no room any more; below 0 where they will be taken again */
  taken(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < TELL_FROM) return;
    this.#outbox.frame(FrameType.WindowUpdate, 0, 0, uint32(this.#taken));
    this.#left += this.#taken;
    this.#taken = 0;
  }
}
