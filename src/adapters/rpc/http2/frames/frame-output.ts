import type { Writable } from "node:stream";
import { Flag, FRAME_HEADER_BYTES, FrameType, MAX_FRAME_BYTES } from "./protocol.js";

/** Room for a few hundred answers; no frame is larger. */
const BUFFER_BYTES = 64 * 1024;
/** As many as are kept for whoever writes next. */
const MAX_SPARE = 16;

/** Connections borrow a buffer while they write: one each would be too much for thousands that are idle. */
const spare: Buffer[] = [Buffer.allocUnsafeSlow(BUFFER_BYTES)];

/** Gathers frames, so that the answers to all that was read at once are written at once. */
export class FrameOutput {
  readonly #socket: Writable;
  #bytes: Buffer | undefined;
  #end = 0;
  /** Whether the system took all of what was written last as it was written. It never does with TLS. */
  #tookAtOnce = false;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** Whether the peer takes less than it asks for. */
  get isBackedUp(): boolean {
    return !this.#tookAtOnce && this.#socket.writableNeedDrain;
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const { length } = payload;
    const bytes = this.#room(FRAME_HEADER_BYTES + length);
    const at = this.#end;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = stream >>> 24;
    bytes[at + 6] = stream >>> 16;
    bytes[at + 7] = stream >>> 8;
    bytes[at + 8] = stream;
    bytes.set(payload, at + FRAME_HEADER_BYTES);
    this.#end = at + FRAME_HEADER_BYTES + length;
  }

  /** @param block with all headers, in as many frames as it takes. @param flags besides that of the block's end */
  headers(stream: number, flags: number, block: Buffer): void {
    for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME_BYTES) {
      const end = at + MAX_FRAME_BYTES >= block.length ? Flag.EndHeaders : 0;
      const part = block.subarray(at, at + MAX_FRAME_BYTES);
      if (at === 0) this.frame(FrameType.Headers, flags | end, stream, part);
      else this.frame(FrameType.Continuation, end, stream, part);
    }
  }

  flush(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    const written = bytes.subarray(0, this.#end);
    this.#bytes = undefined;
    this.#end = 0;
    const socket = this.#socket;
    if (!socket.writable) return;
    // A few bytes that wait would hold on to a whole buffer.
    const isCopied = !this.#tookAtOnce;
    socket.write(isCopied ? Buffer.from(written) : written);
    this.#tookAtOnce = socket.writableLength === 0;
    if (spare.length >= MAX_SPARE) return;
    // What the system has not taken yet must not be written over.
    spare.push(isCopied || this.#tookAtOnce ? bytes : Buffer.allocUnsafeSlow(BUFFER_BYTES));
  }

  #room(bytes: number): Buffer {
    return this.#bytes === undefined || this.#end + bytes > BUFFER_BYTES ? this.#borrow() : this.#bytes;
  }

  /** Each first frame comes here as one for which there is no room does. Else only a backlog did, and V8 would throw away what it has compiled. */
  #borrow(): Buffer {
    this.flush();
    const bytes = spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#bytes = bytes;
    return bytes;
  }
}
