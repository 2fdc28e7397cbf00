import { ConnectionFault, ErrorCode, Flag } from "./protocol.js";

const PRIORITY_BYTES = 5;
/** Nobody needs that many frames for headers that may be read, nor that many bytes. */
const MAX_CONTINUATIONS = 16;
const MAX_BLOCK_BYTES = 65_536;

/** A header block that comes in more than one frame. Nothing else may come in between. */
export class HeaderBlock {
  readonly stream: number;
  readonly flags: number;
  readonly #parts: Buffer[];
  #bytes: number;
  #continuations = 0;

  /** @param bytes of the first part, copied */
  constructor(stream: number, flags: number, bytes: Buffer) {
    this.stream = stream;
    this.flags = flags;
    this.#parts = [Buffer.from(bytes)];
    this.#bytes = bytes.length;
  }

  /**
   * @returns the block, once it is whole
   * @throws ConnectionFault where it never seems to be
   */
  add(stream: number, flags: number, bytes: Buffer): Buffer | undefined {
    if (stream !== this.stream)
      throw new ConnectionFault(ErrorCode.ProtocolError, "a header block went on in another stream");
    if (++this.#continuations > MAX_CONTINUATIONS)
      throw new ConnectionFault(ErrorCode.EnhanceYourCalm, "a header block in very many frames");
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BLOCK_BYTES)
      throw new ConnectionFault(ErrorCode.EnhanceYourCalm, "a header block of very many bytes");
    this.#parts.push(Buffer.from(bytes));
    return (flags & Flag.EndHeaders) === 0 ? undefined : Buffer.concat(this.#parts);
  }
}

/** Where the content of a frame with padding begins. @throws ConnectionFault where there is more padding than frame */
export function contentStart(flags: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & Flag.Padded) === 0) return from;
  if (from >= to || from + 1 + bytes.readUInt8(from) > to)
    throw new ConnectionFault(ErrorCode.ProtocolError, "a frame with more padding than payload");
  return from + 1;
}

/** Where it ends; asked once it is known where it begins. */
export function contentEnd(flags: number, bytes: Buffer, from: number, to: number): number {
  return (flags & Flag.Padded) === 0 ? to : to - bytes.readUInt8(from);
}

/** Where the header block begins in the content of a frame. @throws ConnectionFault for a stream that waits for itself */
export function blockStart(flags: number, stream: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & Flag.Priority) === 0) return from;
  if (from + PRIORITY_BYTES > to)
    throw new ConnectionFault(ErrorCode.FrameSizeError, "headers without the whole of their priority");
  if ((bytes.readUInt32BE(from) & 0x7fffffff) === stream)
    throw new ConnectionFault(ErrorCode.ProtocolError, "a stream that depends on itself");
  return from + PRIORITY_BYTES;
}
