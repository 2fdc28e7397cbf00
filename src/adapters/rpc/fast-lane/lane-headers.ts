import type { IncomingHttpHeaders } from "node:http2";
import { timeoutMsOf } from "./grpc-timeout.js";

/**
 * Whether the headers of a call are what gRPC's clients send as a matter of course. Anything else (JSON,
 * compression, another verb, a deadline that is none) is left to those who know more of it.
 */
export function arePlain(headers: IncomingHttpHeaders): boolean {
  const contentType = headers["content-type"];
  const encoding = headers["grpc-encoding"];
  const timeout = headers["grpc-timeout"];
  return (
    (contentType === "application/grpc" || contentType === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity") &&
    (timeout === undefined || timeoutMsOf(timeout) !== undefined) &&
    headers[":method"] === "POST" &&
    headers.expect === undefined
  );
}
