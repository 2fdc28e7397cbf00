import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** As much as Node reads at once. */
const BUFFER_BYTES = 64 * 1024;

/** For all connections: what is read into it is dealt with before anything else is read. */
const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Takes the first `length` bytes, which are only good until it returns. */
export type OnBytes = (bytes: Buffer, length: number) => void;

/** What a socket is made of that was opened with the option `onread`. */
interface ReaderParts {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly handle: { useUserBuffer(buffer: Uint8Array): void };
}

/**
 * Reads a socket into one buffer. Node has that as the option `onread` of sockets that connect, and none for those that
 * a server accepts: there it allocates 64 kB for every read and cuts them down to what came, which is a fifth of what a
 * check costs that comes alone. So the option is put into the socket after the fact.
 *
 * @returns whether that was possible; where not, reads allocate as ever
 */
export function readInPlace(socket: Socket, onBytes: OnBytes): boolean {
  const parts = partsOf(socket);
  if (parts === undefined) {
    socket.on("data", (chunk: Buffer) => onBytes(chunk, chunk.length));
    return false;
  }
  const received = socket.read() as Buffer | null;
  Object.assign(socket, {
    [parts.buffer]: shared,
    [parts.callback]: (length: number) => onBytes(shared, length),
  });
  parts.handle.useUserBuffer(shared);
  // As late as an event would be: whoever opens the connection has yet to know it.
  if (received !== null) process.nextTick(onBytes, received, received.length);
  socket.resume();
  return true;
}

function partsOf(socket: Socket): ReaderParts | undefined {
  const { _handle: handle } = socket as { readonly _handle?: Partial<ReaderParts["handle"]> };
  const buffer = ownSymbol(socket, "kBuffer");
  const callback = ownSymbol(socket, "kBufferCb");
  if (buffer === undefined || callback === undefined || typeof handle?.useUserBuffer !== "function") return undefined;
  return { buffer, callback, handle: handle as ReaderParts["handle"] };
}

function ownSymbol(socket: Socket, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === description);
}
