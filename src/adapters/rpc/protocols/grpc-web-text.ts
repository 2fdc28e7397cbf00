import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

const BINARY = "application/grpc-web";
const TEXT = "application/grpc-web-text";
const TEXT_PREFIX = /^application\/grpc-web-text/i;

/**
 * gRPC-web-text is gRPC-web in base64, for browsers that cannot read binary as it arrives. Connect's own
 * handlers take it for binary, so it is turned into that before them and back after them.
 */
export function namedAsBinary(contentType: string): string {
  return contentType.replace(TEXT_PREFIX, BINARY);
}

export function toText(response: UniversalServerResponse): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set("content-type", (header.get("content-type") ?? BINARY).replace(BINARY, TEXT));
  const { body } = response;
  return { ...response, header, ...(body && { body: encodeBase64(body) }) };
}

/** A body may be several base64 texts in a row, each padded by itself, and be cut anywhere on its way. */
export async function* decodeBase64(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = "";
  for await (const chunk of body) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    if (whole > 0) yield decodeGroups(text.slice(0, whole));
  }
  if (rest !== "") throw malformed("its length is not a multiple of 4");
}

const WHOLE_GROUPS = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))*$/;
const AFTER_PADDING = /(?<==)(?!=)/;

/** @param text whole groups of four characters */
function decodeGroups(text: string): Uint8Array {
  if (!WHOLE_GROUPS.test(text)) throw malformed("it has characters that base64 does not");
  // Node stops reading at the first padding.
  return Buffer.concat(text.split(AFTER_PADDING).map((part) => Buffer.from(part, "base64")));
}

async function* encodeBase64(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    if (chunk.length > 0) yield Buffer.from(Buffer.from(chunk).toString("base64"), "latin1");
  }
}

function malformed(fault: string): ConnectError {
  return new ConnectError(
    `the body is not base64, ${fault}: send base64, or application/grpc-web+proto for binary`,
    Code.InvalidArgument,
  );
}
