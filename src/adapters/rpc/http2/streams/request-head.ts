import type { HeaderField } from "../../exchange/exchange.js";
import type { Header } from "../hpack/header-table.js";

/** What the headers of a request say. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly authority: string | undefined;
  /** Regular headers: of one that may come once only the first, of the others all, joined. */
  readonly fields: readonly HeaderField[];
  /** Bytes that the body is going to have; undefined where the request does not say. */
  readonly contentLength: number | undefined;
}

const COLON = 0x3a;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** No control characters but tabs, no blank at either end. */
const VALUE = /^(?:[^\u0000-\u0020\u007f](?:[^\u0000-\u0008\u000a-\u001f\u007f]*[^\u0000-\u0020\u007f])?)?$/;
const LENGTH = /^\d{1,15}$/;

/** Of the connection itself, which in HTTP/2 has frames for it (RFC 9113, section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Those of which a second one is a mistake of the sender: the first counts, as with node:http. */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-encoding",
  "content-type",
  "etag",
  "expires",
  "from",
  "grpc-encoding",
  "grpc-timeout",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

/** @returns undefined for a malformed request (RFC 9113, section 8.1.1) */
export function readRequestHead(headers: readonly Header[]): RequestHead | undefined {
  const pseudo = new Map<string, string>();
  const fields = new Map<string, string>();
  let contentLength: number | undefined;
  for (const { name, value } of headers) {
    if (name.charCodeAt(0) === COLON) {
      if (fields.size > 0 || pseudo.has(name) || !PSEUDO.has(name)) return undefined;
      pseudo.set(name, value);
      continue;
    }
    if (!isAllowed(name, value)) return undefined;
    if (name === "content-length") {
      if (contentLength !== undefined || !LENGTH.test(value)) return undefined;
      contentLength = Number(value);
    }
    const before = fields.get(name);
    if (before === undefined) fields.set(name, value);
    else if (!SINGLE_FIELDS.has(name)) fields.set(name, `${before}${name === "cookie" ? "; " : ", "}${value}`);
  }
  const method = pseudo.get(":method");
  const target = pseudo.get(":path");
  const scheme = pseudo.get(":scheme");
  const authority = pseudo.get(":authority") ?? fields.get("host");
  if (method === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) return undefined;
  if (method === "CONNECT") {
    if (target !== undefined || scheme !== undefined || authority === undefined) return undefined;
    return { method, target: "", authority, fields: [...fields], contentLength };
  }
  if (target === undefined || scheme === undefined || !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) return undefined;
  if (!isTarget(target, method)) return undefined;
  return { method, target, authority, fields: [...fields], contentLength };
}

/** Whether trailers are well-formed: no pseudo-headers, nothing that frames or routes the request. */
export function areTrailers(headers: readonly Header[]): boolean {
  return headers.every(({ name, value }) => name !== "content-length" && isAllowed(name, value));
}

const PSEUDO: ReadonlySet<string> = new Set([":method", ":scheme", ":path", ":authority"]);

function isAllowed(name: string, value: string): boolean {
  if (!NAME.test(name) || !VALUE.test(value) || CONNECTION_FIELDS.has(name)) return false;
  return name !== "te" || value.toLowerCase() === "trailers";
}

function isTarget(target: string, method: string): boolean {
  if (target === "*") return method === "OPTIONS";
  return target.startsWith("/") && VALUE.test(target) && !target.includes(" ");
}
