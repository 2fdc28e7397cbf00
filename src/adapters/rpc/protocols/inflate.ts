import { createGunzip, gunzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkInProgress } from "../exchange/request-handlers.js";

/** What a small message may be inflated to: at once, and on the fast path. */
const SMALL_BYTES = 64 * 1024;
/** Node allocates so much for each small message: its default of 16 kB is most of what inflating a check costs. */
const SMALL_CHUNK_BYTES = 1_024;
const LARGE_CHUNK_BYTES = 64 * 1024;
/** Of gzip's header and trailer. The trailer ends with how long the message is once it is inflated. */
const LEAST_GZIP_BYTES = 18;
const LENGTH_BYTES = 4;
const MAGIC = 0x1f8b;
/** How many may wait until they are inflated: each is a call that holds some 50 kB. */
const MAX_WAITING = 50;
/** From then on, only for connections with few of them. */
const FEW = 5;
const MAX_WAITING_OF_ALL = 100;

const NOT_GZIP = new ConnectError(
  "the message is not gzip, as its headers say: compress it, or name no encoding",
  Code.InvalidArgument,
);
const GONE = new ConnectError("the caller went away before the message was read", Code.Canceled);
const VERY_MANY = new ConnectError(
  "very many large messages wait until they are inflated: send fewer at a time, or without gzip",
  Code.ResourceExhausted,
);

const waiting = new WorkInProgress({ most: MAX_WAITING, few: FEW, mostOfAll: MAX_WAITING_OF_ALL });
let last: Promise<unknown> = Promise.resolve();
/** Where large messages are inflated, one after the other: memory that came and went with each would pile up between two collections. */
let workspace = Buffer.alloc(0);

/**
 * Inflates a small gzipped message in place, and nothing for one that says itself that it is larger.
 *
 * @param owner among whom the places of those that wait are shared: a connection, by its peer
 * @throws ConnectError for a larger one that has no place: it is refused before it costs anything
 */
export function inflateSmall(
  bytes: Buffer,
  from: number,
  to: number,
  maxBytes: number,
  owner: object,
): Buffer | "larger" | "no gzip" {
  if (to - from < LEAST_GZIP_BYTES || bytes.readUInt16BE(from) !== MAGIC) return "no gzip";
  const most = Math.min(SMALL_BYTES, maxBytes);
  if (bytes.readUInt32LE(to - LENGTH_BYTES) <= most) {
    try {
      return gunzipSync(bytes.subarray(from, to), { chunkSize: SMALL_CHUNK_BYTES, maxOutputLength: most });
    } catch (error) {
      if ((error as { readonly code?: string }).code !== "ERR_BUFFER_TOO_LARGE") return "no gzip";
    }
  }
  if (!waiting.hasRoom(owner)) throw VERY_MANY;
  return "larger";
}

/** Who waits for a message. */
export interface Inflating {
  readonly owner: object;
  /** Aborts once nobody waits for it any more. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Inflates a message. Small and malformed ones are found out at once; of large ones one is inflated at a time, as each may grow a
 * thousandfold.
 *
 * @param check throws for what is not to be read; what it is given is good until it returns
 * @throws ConnectError naming the bound and the remedy, and what `check` throws, by rejection
 */
export async function inflated(
  bytes: Buffer,
  maxMessageBytes: number,
  check: (message: Buffer) => void,
  { owner, signal }: Inflating,
): Promise<Buffer> {
  const small = inflateSmall(bytes, 0, bytes.length, maxMessageBytes, owner);
  if (small === "no gzip") throw NOT_GZIP;
  if (small !== "larger") {
    check(small);
    return small;
  }
  waiting.begin(owner);
  const inflating = last.then(async () => {
    // Whoever sent many and went away leaves no queue of them behind.
    if (signal?.aborted === true) throw GONE;
    const message = await inflateInWorkspace(bytes, maxMessageBytes);
    check(message);
    return Buffer.from(message);
  });
  last = inflating.catch(() => undefined).then(() => waiting.end(owner));
  return inflating;
}

async function inflateInWorkspace(bytes: Buffer, maxMessageBytes: number): Promise<Buffer> {
  if (workspace.length < maxMessageBytes) workspace = Buffer.allocUnsafeSlow(maxMessageBytes);
  const stream = createGunzip({ chunkSize: LARGE_CHUNK_BYTES });
  stream.end(bytes);
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (length + chunk.length > maxMessageBytes) throw tooLarge(maxMessageBytes);
      workspace.set(chunk, length);
      length += chunk.length;
    }
  } catch (error) {
    throw error instanceof ConnectError ? error : NOT_GZIP;
  }
  return workspace.subarray(0, length);
}

function tooLarge(maxMessageBytes: number): ConnectError {
  return new ConnectError(
    `the message is larger than ${maxMessageBytes} bytes (MAX_MESSAGE_BYTES) once it is inflated: send less at once`,
    Code.ResourceExhausted,
  );
}
