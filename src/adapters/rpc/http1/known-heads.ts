import type { Peer } from "../exchange/exchange.js";
import { type FastPath, MAX_FAST_BYTES, type Route } from "../exchange/request-handlers.js";
import { MAX_LENGTH_DIGITS, type PlainHead, readPlainHead } from "./plain-head.js";

/** A longer one is read anew each time: what ten thousand connections keep of their callers' bytes stays small. */
const MAX_KEPT_BYTES = 1_024;
/** Of one connection: a client library repeats its head, but for the length, with each method that it calls. */
const MAX_KEPT = 2;

const DIGIT_0 = 0x30;

/** A head that came before, but for the digits of its length. */
interface KnownHead {
  /** What lies before the digits, and behind it what lies behind them. Used again for the next head: many are never repeated. */
  bytes: Buffer;
  before: number;
  behind: number;
  route: Route;
}

/** Where the request that begins at a place lies, and who answers it. */
export interface PlainRequest {
  route: Route;
  bodyFrom: number;
  bodyTo: number;
}

/** Finds the requests in what a connection sent, and remembers the heads that it repeats. */
export class KnownHeads {
  readonly #fastPath: FastPath;
  readonly #peer: Peer;
  readonly #maxHeaderBytes: number;
  readonly #known: KnownHead[] = [];
  #next = 0;
  /** The one object that is returned: filled anew by each request. */
  #found: PlainRequest | undefined;

  constructor(fastPath: FastPath, peer: Peer, maxHeaderBytes: number) {
    this.#fastPath = fastPath;
    this.#peer = peer;
    this.#maxHeaderBytes = maxHeaderBytes;
  }

  /**
   * @returns the whole request at `from`, good until the next call; "incomplete" while more of it has to come; undefined for
   *   what is not plain or not for the fast path
   */
  requestAt(bytes: Buffer, from: number): PlainRequest | "incomplete" | undefined {
    for (const { bytes: known, before, behind, route } of this.#known) {
      const digitsFrom = from + before;
      if (digitsFrom > bytes.length || bytes.compare(known, 0, before, from, digitsFrom) !== 0) continue;
      let length = 0;
      let digitsTo = digitsFrom;
      for (; digitsTo < bytes.length && digitsTo - digitsFrom < MAX_LENGTH_DIGITS; digitsTo++) {
        const digit = (bytes[digitsTo] as number) - DIGIT_0;
        if (!(digit >= 0 && digit <= 9)) break;
        length = length * 10 + digit;
      }
      const bodyFrom = digitsTo + behind;
      if (digitsTo === digitsFrom || bodyFrom > bytes.length || length > MAX_FAST_BYTES) continue;
      if (bytes.compare(known, before, before + behind, digitsTo, bodyFrom) !== 0) continue;
      return this.#request(route, bodyFrom, bodyFrom + length, bytes.length);
    }
    return this.#readHead(bytes, from);
  }

  #readHead(bytes: Buffer, from: number): PlainRequest | "incomplete" | undefined {
    const head = readPlainHead(bytes, from, this.#maxHeaderBytes);
    if (head === undefined || head === "incomplete") return head;
    const route = this.#fastPath.http1RouteOf({ method: "POST", url: head.path, headers: head.headers }, this.#peer);
    if (route === undefined) return undefined;
    if (head.bytes <= MAX_KEPT_BYTES) this.#keep(bytes, from, head, route);
    const bodyFrom = from + head.bytes;
    return this.#request(route, bodyFrom, bodyFrom + head.bodyBytes, bytes.length);
  }

  #keep(bytes: Buffer, from: number, { digitsFrom, digitsTo, bytes: length }: PlainHead, route: Route): void {
    const behind = length - digitsTo;
    let kept = this.#known[this.#next];
    if (kept === undefined || kept.bytes.length < digitsFrom + behind) {
      // It owns its bytes: a view would keep all that was read with them.
      kept = { bytes: Buffer.allocUnsafeSlow(digitsFrom + behind), before: 0, behind: 0, route };
      this.#known[this.#next] = kept;
    }
    bytes.copy(kept.bytes, 0, from, from + digitsFrom);
    bytes.copy(kept.bytes, digitsFrom, from + digitsTo, from + length);
    kept.before = digitsFrom;
    kept.behind = behind;
    kept.route = route;
    this.#next = (this.#next + 1) % MAX_KEPT;
  }

  #request(route: Route, bodyFrom: number, bodyTo: number, available: number): PlainRequest | "incomplete" {
    if (bodyTo > available) return "incomplete";
    if (this.#found === undefined) return (this.#found = { route, bodyFrom, bodyTo });
    this.#found.route = route;
    this.#found.bodyFrom = bodyFrom;
    this.#found.bodyTo = bodyTo;
    return this.#found;
  }
}
