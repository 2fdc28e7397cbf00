import { Code, ConnectError } from "@connectrpc/connect";
import type { Protocol } from "../call/served-method.js";

const FRAME_HEADER_BYTES = 5;

/** Bit 0: compressed. Bit 1: Connect's end of a stream. */
const KNOWN_FLAGS: Readonly<Record<Protocol, number>> = {
  grpc: 0b1,
  "grpc-web": 0b1,
  "grpc-web-text": 0b1,
  connect: 0,
  "connect-stream": 0b11,
  ofrep: 0,
  other: 0,
};

/**
 * Passes on a body of length-prefixed messages, and throws at what Connect would let pass: flags that the
 * protocol does not have, whose meaning would be lost, and a prefix at the end without its message.
 */
export async function* checkedFrames(body: AsyncIterable<Uint8Array>, protocol: Protocol): AsyncIterable<Uint8Array> {
  const known = KNOWN_FLAGS[protocol];
  let headerBytes = 0;
  let length = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const byte = chunk[at] ?? 0;
      if (headerBytes === FRAME_HEADER_BYTES) {
        const skipped = Math.min(length, chunk.length - at);
        length -= skipped;
        at += skipped;
      } else {
        if (headerBytes === 0 && (byte & ~known) !== 0) throw unknownFlags(byte);
        length = headerBytes === 0 ? 0 : length * 256 + byte;
        headerBytes++;
        at++;
      }
      if (headerBytes === FRAME_HEADER_BYTES && length === 0) headerBytes = 0;
    }
    yield chunk;
  }
  if (headerBytes !== 0) throw new ConnectError("the last message was cut off: send all of it", Code.InvalidArgument);
}

function unknownFlags(flags: number): ConnectError {
  const hex = flags.toString(16).padStart(2, "0");
  return new ConnectError(
    `a message's prefix begins with 0x${hex}: send 00 for plain or 01 for compressed`,
    Code.InvalidArgument,
  );
}
