import type { IncomingHttpHeaders } from "node:http";
import { MAX_FAST_BYTES } from "../exchange/request-handlers.js";

/** The head of a request that can be read in one way only, and is followed by a body of known length. */
export interface PlainHead {
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

export const MAX_LENGTH_DIGITS = 5;

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
