import type { IncomingHttpHeaders } from "node:http";
import { MAX_TIMER_MS } from "../deadline-header.js";

const CONTENT_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;
/** Names, addresses of either version, and a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const TIMEOUT_MS = /^\d{1,10}$/;

/**
 * How long the caller of a plain call waits. Plain are headers that clients send as a matter of course; anything
 * else (a compressed body, a deadline that is none) is left to those who know more of it.
 *
 * @returns milliseconds, Infinity where there is no deadline; undefined where the call is not plain
 */
export function plainTimeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const contentType = headers["content-type"];
  const timeout = headers["connect-timeout-ms"];
  const isPlain =
    contentType !== undefined &&
    CONTENT_TYPE.test(contentType) &&
    headers["content-encoding"] === undefined &&
    HOST.test(headers.host ?? "");
  if (!isPlain) return undefined;
  return timeout === undefined ? Infinity : timeoutMsOf(timeout);
}

function timeoutMsOf(header: string | readonly string[]): number | undefined {
  if (typeof header !== "string" || !TIMEOUT_MS.test(header)) return undefined;
  const timeoutMs = Number(header);
  if (timeoutMs === 0) return undefined;
  return timeoutMs > MAX_TIMER_MS ? Infinity : timeoutMs;
}
