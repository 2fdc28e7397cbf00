import type { IncomingHttpHeaders } from "node:http";
import type { Peer } from "../exchange/exchange.js";
import { type FastPath, MAX_FAST_BYTES, type Route } from "../exchange/request-handlers.js";

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
interface PlainRequest {
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

/** The head of a request that can be read in one way only, and is followed by a body of known length. */
interface PlainHead {
  /** As it was sent; begins with "/". */
  readonly path: string;
  /** By names in lower case, without that of the length. */
  readonly headers: IncomingHttpHeaders;
  readonly bodyBytes: number;
  /** From the head's first byte: its length with the empty line, and where the digits of the body's length lie. */
  readonly bytes: number;
  readonly digitsFrom: number;
  readonly digitsTo: number;
}

const MAX_LENGTH_DIGITS = 5;

const MAX_HEAD_BYTES = 4_096;
const HEAD_END = "\r\n\r\n";
const BEGINNING = Buffer.from("POST /");
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
const LENGTH = /^\d{1,5}$/;

/** With these, what is a body and what is the next request is for a full parser to say, or the connection is for something else. */
const NOT_PLAIN: ReadonlySet<string> = new Set([
  "transfer-encoding",
  "trailer",
  "expect",
  "upgrade",
  "http2-settings",
  "proxy-connection",
]);

/**
 * Reads a head as every client library writes one. Whatever could be read in two ways (a header twice, a folded line, a bare
 * CR or LF, a byte outside ASCII, a space before a colon, a length that is no plain number, any transfer coding) is none of it,
 * so that nothing can be smuggled past whoever stands in front (RFC 9112, section 11.2).
 *
 * @returns "incomplete" while more has to come; undefined for what is not plain
 */
export function readPlainHead(
  bytes: Buffer,
  from: number,
  maxHeaderBytes: number,
): PlainHead | "incomplete" | undefined {
  const beginning = Math.min(BEGINNING.length, bytes.length - from);
  if (bytes.compare(BEGINNING, 0, beginning, from, from + beginning) !== 0) return undefined;
  const end = bytes.indexOf(HEAD_END, from, "latin1");
  const limit = Math.min(MAX_HEAD_BYTES, maxHeaderBytes);
  if (end === -1) return bytes.length - from < limit ? "incomplete" : undefined;
  if (end - from + HEAD_END.length > limit) return undefined;
  const lines = bytes.toString("latin1", from, end).split("\r\n");
  const path = REQUEST_LINE.exec(lines[0] as string)?.[1];
  if (path === undefined) return undefined;

  // Names are the caller's: one of them may be that of a property which all objects have.
  const headers = Object.create(null) as IncomingHttpHeaders;
  let bodyBytes: number | undefined;
  let digitsFrom = 0;
  let digitsTo = 0;
  let at = (lines[0] as string).length + 2;
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] as string;
    const colon = line.indexOf(":");
    const written = line.slice(0, Math.max(colon, 0));
    const rest = line.slice(colon + 1);
    if (!NAME.test(written) || !VALUE.test(rest)) return undefined;
    const name = written.toLowerCase();
    const value = rest.trim();
    if (NOT_PLAIN.has(name) || headers[name] !== undefined) return undefined;
    if (name === "content-length") {
      if (bodyBytes !== undefined || !LENGTH.test(value)) return undefined;
      bodyBytes = Number(value);
      digitsFrom = at + line.indexOf(value, colon + 1);
      digitsTo = digitsFrom + value.length;
    } else if (name === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
    else headers[name] = value;
    at += line.length + 2;
  }
  if (bodyBytes === undefined || bodyBytes > MAX_FAST_BYTES || headers.host === undefined) return undefined;
  return { path, headers, bodyBytes, bytes: end - from + HEAD_END.length, digitsFrom, digitsTo };
}
