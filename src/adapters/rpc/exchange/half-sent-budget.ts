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
