import type { Protocol } from "../call/served-method.js";

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web-text", "grpc-web-text"],
  ["application/json", "connect"],
  ["application/proto", "connect"],
  ["application/connect", "connect-stream"],
]);

/** The protocols of the one port are distinguished by the content type of a request. "other": it is of none, or absent. */
export function protocolOf(contentType: string | undefined): Protocol {
  if (contentType === undefined) return "other";
  const end = contentType.search(/[+;\s]/);
  return PROTOCOLS.get((end === -1 ? contentType : contentType.slice(0, end)).toLowerCase()) ?? "other";
}
