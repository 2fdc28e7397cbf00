import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { SidecarService } from "../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

export { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
export { Code, ConnectError } from "@connectrpc/connect";
export * from "../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

/** Each method of the service, by its name. Calls that fail reject with ConnectError, which has a code of gRPC's. */
export type SidecarClient = Client<typeof SidecarService>;

/** How a sidecar is reached by the built-in transport, in Node, browsers and wherever else there is fetch(). */
export interface SidecarClientOptions {
  /** "http://localhost:50051" */
  readonly baseUrl: string;
  /** A bearer token, where the sidecar asks who calls. A function is asked with each call. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** How long a call may take that sets no time of its own, milliseconds. Default: as long as it does. */
  readonly timeoutMs?: number | undefined;
  /** In place of the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The largest answer that is read, bytes. */
const MAX_BYTES = 0xffffffff;

/**
 * A client of the sidecar, typed by its proto.
 *
 * @param reached where the sidecar is, or a transport of Connect's that speaks gRPC, gRPC-web or Connect
 */
export function createSidecarClient(reached: SidecarClientOptions | Transport): SidecarClient {
  return createClient(SidecarService, "unary" in reached ? reached : fetchTransport(reached));
}

function fetchTransport({ baseUrl, token, timeoutMs, fetch = globalThis.fetch }: SidecarClientOptions): Transport {
  return createTransport({
    baseUrl: baseUrl.replace(/\/+$/, ""),
    httpClient: clientOf(fetch),
    useBinaryFormat: true,
    interceptors: token === undefined ? [] : [withToken(token)],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 0,
    readMaxBytes: MAX_BYTES,
    writeMaxBytes: MAX_BYTES,
    ...(timeoutMs === undefined ? {} : { defaultTimeoutMs: timeoutMs }),
  });
}

function withToken(token: string | (() => string | Promise<string>)): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    return next(request);
  };
}

/** Requests of this service are small and are sent whole: browsers stream none over HTTP/1.1. */
function clientOf(fetch: typeof globalThis.fetch): UniversalClientFn {
  return async ({ url, method, header, body, signal }) => {
    // A browser says its own, and asks the server about any other.
    header.delete("user-agent");
    const init: RequestInit = { method, headers: header };
    if (body !== undefined) init.body = await whole(body);
    if (signal !== undefined) init.signal = signal;
    const response = await fetch(url, init).catch((cause: unknown) => {
      if (signal?.aborted === true) throw cause;
      throw new ConnectError(`${url} cannot be reached`, Code.Unavailable, undefined, undefined, cause);
    });
    const headers = new Headers(response.headers);
    // fetch() has decoded it.
    headers.delete("content-encoding");
    return { status: response.status, header: headers, body: bytesOf(response), trailer: new Headers() };
  };
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(0);
  for await (const chunk of chunks) {
    const longer = new Uint8Array(bytes.length + chunk.length);
    longer.set(bytes);
    longer.set(chunk, bytes.length);
    bytes = longer;
  }
  return bytes;
}

async function* bytesOf(response: Response): AsyncIterable<Uint8Array> {
  yield new Uint8Array(await response.arrayBuffer());
}
