import { Code } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import type { Protocol } from "../call/served-method.js";

const OK = 0;
const PREFIX_BYTES = 5;
const WEB_TRAILERS = 0x80;
const STREAM_END = 0b10;
const GRPC_STATUS = /grpc-status: ?(\d+)/i;

/**
 * With which of gRPC's codes a call ended that Connect answered.
 *
 * @param last the last chunk of the response's body
 */
export function responseCode(
  { status, header, trailer }: UniversalServerResponse,
  protocol: Protocol,
  last: Uint8Array | undefined,
): number {
  const grpcStatus = trailer?.get("grpc-status") ?? new Headers(header).get("grpc-status");
  if (grpcStatus !== null) return Number(grpcStatus);
  switch (protocol) {
    case "grpc-web":
    case "grpc-web-text":
      return last !== undefined && (last[0] as number) >= WEB_TRAILERS
        ? Number(GRPC_STATUS.exec(textOf(last, PREFIX_BYTES))?.[1] ?? Code.Unknown)
        : Code.Unknown;
    case "connect-stream":
      return last !== undefined && ((last[0] as number) & STREAM_END) !== 0
        ? codeIn(textOf(last, PREFIX_BYTES), (end) => end.error?.code)
        : Code.Unknown;
    case "connect":
      if (status === 200) return OK;
      return last === undefined ? Code.Unknown : codeIn(textOf(last, 0), (failure) => failure.code);
    case "grpc":
    case "ofrep":
    case "other":
      return status === 200 ? OK : Code.Unknown;
  }
}

interface ConnectEnd {
  readonly code?: string;
  readonly error?: { readonly code?: string };
}

function codeIn(json: string, read: (end: ConnectEnd) => string | undefined): number {
  try {
    const code = read(JSON.parse(json) as ConnectEnd);
    return code === undefined ? OK : (codeFromString(code) ?? Code.Unknown);
  } catch {
    return Code.Unknown;
  }
}

function textOf(bytes: Uint8Array, from: number): string {
  return Buffer.from(bytes.subarray(from)).toString("latin1");
}
