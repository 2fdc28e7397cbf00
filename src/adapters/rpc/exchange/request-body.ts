import { CodedError } from "../../../domain/errors.js";

/** Of a message of gRPC, and of Connect's streams. */
const PREFIX_BYTES = 5;

/** What follows from what is read of a body. */
export interface BodyOwner {
  /** So many bytes were read: the sender may send as many more. */
  credit(bytes: number): void;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const DONE: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/**
 * A request's body as it arrives: chunks wait here until they are read. Its bytes are held against a budget until the request
 * is served, since whoever reads them keeps them too; those of a stream in both directions only until they are read.
 */
export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #owner: BodyOwner;
  readonly #allotment: Allotment;
  readonly #unread = new GatheredBytes();
  #held = 0;
  #isEnded = false;
  /** Whether nobody reads any more: what still comes is dropped. */
  #isDropped = false;
  #isReleasedAsRead = false;
  #failure: Error | undefined;
  #waiting: Waiting | undefined;

  constructor(owner: BodyOwner, allotment: Allotment) {
    this.#owner = owner;
    this.#allotment = allotment;
  }

  releaseAsRead(): void {
    this.#isReleasedAsRead = true;
  }

  /** Holds what else the request takes until it is served. @returns false where there is no room for it */
  hold(bytes: number): boolean {
    if (!this.#allotment.take(bytes)) return false;
    this.#held += bytes;
    return true;
  }

  /** Whether there is no need to wait for more of it: it has ended or failed, is longer than `enough`, or its first message is there. */
  isWorthServing(enough: number, isPrefixed: boolean): boolean {
    if (this.#isEnded || this.#failure !== undefined || this.#unread.length > enough) return true;
    const { first } = this.#unread;
    return isPrefixed && first.length >= PREFIX_BYTES && first.readUInt32BE(1) <= this.#unread.length - PREFIX_BYTES;
  }

  /** @param chunk copied, unless it is the body's own from now on */
  push(chunk: Uint8Array, isOwn = false): void {
    if (this.#isDropped || this.#failure !== undefined || chunk.length === 0) return;
    if (!this.#allotment.take(chunk.length)) {
      this.fail(
        new CodedError(
          "resource-exhausted",
          "too much of unfinished requests waits here: send large requests one after the other",
        ),
      );
      return;
    }
    this.#held += chunk.length;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#unread.add(chunk);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve({ done: false, value: this.#read(isOwn ? chunk : Buffer.from(chunk)) });
  }

  /** Whether all of it has come. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
  }

  /** The rest never comes. */
  fail(error: Error): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  /** The request is served, or nobody waits for that any more. */
  release(): void {
    this.#isDropped = true;
    this.#unread.clear();
    this.#allotment.give(this.#held);
    this.#held = 0;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#unread.take();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: this.#read(chunk) });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isEnded || this.#isDropped) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.release();
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #read(chunk: Uint8Array): Uint8Array {
    this.#owner.credit(chunk.length);
    if (this.#isReleasedAsRead) {
      this.#allotment.give(chunk.length);
      this.#held -= chunk.length;
    }
    return chunk;
  }
}

const MIB = 1024 * 1024;
/** What requests that are not served yet may hold on one connection: two of the largest, or thousands of usual ones. */
const CONNECTION_BYTES = 8 * MIB;
/** From this much in the process on, only connections that hold little get more. */
const PROCESS_BYTES = 32 * MIB;
const PROCESS_LIMIT_BYTES = 64 * MIB;
const LITTLE_BYTES = 256 * 1024;

/** The share of one connection. */
export interface Allotment {
  /** @returns false where there is no room, and nothing was taken */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** Bounds the memory of requests that have begun and are not served: of each connection, and of all together. */
export class HalfSentBudget {
  #bytes = 0;

  /** @param maxMessageBytes the largest message that is read, of which each connection may send two at a time */
  allotment(maxMessageBytes: number): Allotment {
    const most = Math.max(CONNECTION_BYTES, 2 * maxMessageBytes);
    const processLimit = Math.max(PROCESS_LIMIT_BYTES, 4 * maxMessageBytes);
    let held = 0;
    return {
      take: (bytes) => {
        const isGreedy = held + bytes > LITTLE_BYTES && held > 0;
        if (
          held + bytes > most ||
          this.#bytes + bytes > (isGreedy ? Math.max(PROCESS_BYTES, 2 * maxMessageBytes) : processLimit)
        )
          return false;
        held += bytes;
        this.#bytes += bytes;
        return true;
      },
      give: (bytes) => {
        held -= bytes;
        this.#bytes -= bytes;
      },
    };
  }

  /** Bytes held by all connections. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** So many bytes lie in one piece at least, where there are so many. */
const LEAST_BLOCK_BYTES = 64;
/** A small part is put into a block with those before it, which grows up to this; a larger part has a block of its own. */
const BLOCK_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);

/**
 * Bytes that arrive in parts, copied: what a read brings is only good until it is dealt with. Small parts are put together: one of
 * a byte would take a hundred times its size.
 */
export class GatheredBytes {
  readonly #full: Buffer[] = [];
  #block = NOTHING;
  #filled = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first bytes, as many as lie in one piece: at least 64 where there are so many. */
  get first(): Buffer {
    return this.#full[0] ?? this.#last;
  }

  /** All of them, in one piece. */
  get all(): Buffer {
    return this.#full.length === 0 ? this.#last : Buffer.concat([...this.#full, this.#last]);
  }

  add(part: Uint8Array): void {
    if (this.#filled + part.length > this.#block.length) this.#makeRoom(part.length);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    this.#length += part.length;
  }

  /** Takes out the first piece; undefined where nothing is left. */
  take(): Buffer | undefined {
    if (this.#length === 0) return undefined;
    const piece = this.#full.shift() ?? this.#last;
    this.#length -= piece.length;
    if (this.#length === 0) this.clear();
    return piece;
  }

  clear(): void {
    this.#full.length = 0;
    this.#block = NOTHING;
    this.#filled = 0;
    this.#length = 0;
  }

  get #last(): Buffer {
    return this.#block.subarray(0, this.#filled);
  }

  #makeRoom(bytes: number): void {
    const last = this.#last;
    const grows = last.length + bytes <= BLOCK_BYTES || last.length < LEAST_BLOCK_BYTES;
    if (!grows && last.length > 0) this.#full.push(last);
    const least = grows
      ? Math.min(BLOCK_BYTES, Math.max(LEAST_BLOCK_BYTES, 2 * this.#block.length))
      : last.length > 0
        ? BLOCK_BYTES
        : 0;
    this.#block = Buffer.allocUnsafe(Math.max(least, grows ? last.length + bytes : bytes));
    if (grows) this.#block.set(last);
    else this.#filled = 0;
  }
}
