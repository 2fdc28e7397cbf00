import type { IncomingHttpHeaders } from "node:http2";
import { timeoutMsOf } from "./grpc-timeout.js";

/**
 * How long the caller of a plain call waits. Plain are headers that gRPC's clients send as a matter of course;
 * anything else (JSON, compression, another verb, a deadline that is none) is left to those who know more of it.
 *
 * @returns milliseconds, Infinity where there is no deadline; undefined where the call is not plain
 */
export function plainTimeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const contentType = headers["content-type"];
  const encoding = headers["grpc-encoding"];
  const timeout = headers["grpc-timeout"];
  const isPlain =
    (contentType === "application/grpc" || contentType === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity") &&
    headers[":method"] === "POST" &&
    headers.expect === undefined;
  if (!isPlain) return undefined;
  return timeout === undefined ? Infinity : timeoutMsOf(timeout);
}
