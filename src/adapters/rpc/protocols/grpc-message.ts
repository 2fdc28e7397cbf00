import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

const MESSAGE_TRAILER = "grpc-message";

/** Printable ASCII but for the percent sign itself. */
const NEEDLESS_ESCAPE = /%(?!25|7F)[2-7][0-9A-F]/g;

/**
 * A status message as gRPC has it on the wire, with no more escaped than has to be: @grpc/grpc-js shows
 * "%3A" to its user where a colon was escaped.
 */
export function encodeGrpcMessage(message: string): string {
  return withoutNeedlessEscapes(encodeURIComponent(message));
}

/** The same for an answer of Connect's, which escapes them all. */
export function withReadableMessage(response: UniversalServerResponse): UniversalServerResponse {
  const { body, trailer } = response;
  return body === undefined || trailer === undefined ? response : { ...response, body: endingIn(body, trailer) };
}

async function* endingIn(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body;
  const message = trailer.get(MESSAGE_TRAILER);
  if (message !== null) trailer.set(MESSAGE_TRAILER, withoutNeedlessEscapes(message));
}

function withoutNeedlessEscapes(encoded: string): string {
  return encoded.replace(NEEDLESS_ESCAPE, decodeURIComponent);
}
