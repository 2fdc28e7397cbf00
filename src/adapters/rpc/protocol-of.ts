/** The protocols of the one port, told apart by the content type of a request. */
export type Protocol = "grpc" | "grpc-web" | "grpc-web-text" | "connect" | "connect-stream";

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web-text", "grpc-web-text"],
  ["application/json", "connect"],
  ["application/proto", "connect"],
  ["application/connect", "connect-stream"],
]);

/** @returns undefined where the content type is of no protocol, or absent */
export function protocolOf(contentType: string | undefined): Protocol | undefined {
  if (contentType === undefined) return undefined;
  const end = contentType.search(/[+;\s]/);
  return PROTOCOLS.get((end === -1 ? contentType : contentType.slice(0, end)).toLowerCase());
}
