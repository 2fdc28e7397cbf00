import type { HeaderList } from "../http2/hpack/header-list.js";
import { DETAIL_HEADER } from "../provenance-headers.js";
import { timeoutMsOf } from "./grpc-timeout.js";

/** What matters of the headers of a plain call. */
export interface PlainCall {
  readonly path: string;
  /** How long the caller waits, milliseconds; Infinity where there is no deadline. */
  readonly timeoutMs: number;
  /** Whether it asks how old the answer is. */
  readonly isDetailed: boolean;
  /** How long the body is going to be, bytes; undefined where the caller does not say. */
  readonly contentLength: number | undefined;
}

/**
 * Plain are headers that gRPC's clients send as a matter of course. Anything else (another protocol or verb, compression,
 * a header twice, one that HTTP/2 forbids, a deadline that is none) is left to those who know more of it.
 *
 * @returns undefined where the call is not plain
 */
export function plainCallOf({ headers, isTooLarge }: HeaderList): PlainCall | undefined {
  if (isTooLarge) return undefined;
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let contentType: string | undefined;
  let encoding: string | undefined;
  let timeout: string | undefined;
  let detail: string | undefined;
  let length: string | undefined;
  let isBehindPseudo = false;
  for (const { name, value } of headers) {
    if (name.charCodeAt(0) === COLON) {
      if (isBehindPseudo) return undefined;
      if (name === ":path" && path === undefined) path = value;
      else if (name === ":method" && method === undefined) method = value;
      else if (name === ":scheme" && scheme === undefined) scheme = value;
      else if (name === ":authority" && authority === undefined) authority = value;
      else return undefined;
      continue;
    }
    isBehindPseudo = true;
    switch (name) {
      case "content-type":
        if (contentType !== undefined) return undefined;
        contentType = value;
        break;
      case "grpc-timeout":
        if (timeout !== undefined) return undefined;
        timeout = value;
        break;
      case "grpc-encoding":
        if (encoding !== undefined) return undefined;
        encoding = value;
        break;
      case DETAIL_HEADER:
        if (detail !== undefined) return undefined;
        detail = value;
        break;
      case "content-length":
        if (length !== undefined || !LENGTH.test(value)) return undefined;
        length = value;
        break;
      case "te":
        if (value !== "trailers") return undefined;
        break;
      case "connection":
      case "expect":
      case "host":
      case "keep-alive":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        return undefined;
      default:
        if (!PLAIN_NAME.test(name) || !PLAIN_VALUE.test(value)) return undefined;
    }
  }
  const isPlain =
    (contentType === "application/grpc" || contentType === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity") &&
    method === "POST" &&
    (scheme === "http" || scheme === "https") &&
    authority !== undefined &&
    AUTHORITY.test(authority);
  if (!isPlain || path === undefined) return undefined;
  const timeoutMs = timeout === undefined ? Infinity : timeoutMsOf(timeout);
  const contentLength = length === undefined ? undefined : Number(length);
  return timeoutMs === undefined ? undefined : { path, timeoutMs, isDetailed: detail === "1", contentLength };
}

const COLON = 0x3a;
const LENGTH = /^\d{1,10}$/;
const AUTHORITY = /^[A-Za-z0-9.:[\]_~-]+$/;
const PLAIN_NAME = /^[a-z0-9_.-]+$/;
const PLAIN_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
