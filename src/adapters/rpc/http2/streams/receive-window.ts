import type { FrameOutput } from "../frames/frame-output.js";
import { ConnectionFault, DEFAULT_WINDOW, ErrorCode, FrameType, uint32 } from "../frames/protocol.js";

/** Credit is returned once it is a quarter of what may be on its way. */
const RETURN_FROM = 16_384;

/**
 * How much of all requests together may be on its way. Credited on receipt, not when it is read: one request that nobody reads
 * would else stop every other of its connection. What may be held for unread requests is bounded by their streams' windows.
 */
export class ReceiveWindow {
  readonly #output: FrameOutput;
  #left = DEFAULT_WINDOW;

  constructor(output: FrameOutput) {
    this.#output = output;
  }

  /** @throws ConnectionFault for more than the peer may send */
  received(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ConnectionFault(ErrorCode.FlowControlError, "more data than the window allows");
    const missing = DEFAULT_WINDOW - this.#left;
    if (missing < RETURN_FROM) return;
    this.#output.frame(FrameType.WindowUpdate, 0, 0, uint32(missing));
    this.#left = DEFAULT_WINDOW;
  }
}
