import type {
  ClientHttp2Stream,
  ClientSessionOptions,
  IncomingHttpHeaders,
  SecureClientSessionOptions,
} from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { requestHeader, validateResponse, validateTrailer } from "@connectrpc/connect/protocol-grpc";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

/** Megabytes that Node lets what is open on one connection take before it refuses calls by itself; by default 10, or some 9,000 calls. */
const MAX_SESSION_MEMORY = 256;
const PREFIX_BYTES = 5;

/** Why a connection, or a call on it, broke off. */
const CODES: Readonly<Record<string, Code>> = {
  ECONNREFUSED: Code.Unavailable,
  ENOTFOUND: Code.Unavailable,
  EAI_AGAIN: Code.Unavailable,
  ETIMEDOUT: Code.Unavailable,
  ECONNRESET: Code.Aborted,
  ERR_STREAM_DESTROYED: Code.Aborted,
  ERR_HTTP2_INVALID_STREAM: Code.Aborted,
};

/**
 * Asks by gRPC, one message for one message, without interceptors and compression: a third of what Connect's transport costs,
 * which has the streams.
 */
export function plainGrpcTransport(
  baseUrl: string,
  nodeOptions: ClientSessionOptions | SecureClientSessionOptions,
): Transport {
  const sessionOptions = { ...nodeOptions, maxSessionMemory: MAX_SESSION_MEMORY };
  const sessions = new Http2SessionManager(baseUrl, undefined, sessionOptions);
  const path = new URL(baseUrl).pathname.replace(/\/+$/, "");
  const ofConnect = createGrpcTransport({ baseUrl, nodeOptions, sessionManager: sessions });
  return {
    stream: (...call) => ofConnect.stream(...call),
    async unary(method, signal, timeoutMs, header, message) {
      const request = toBinary(method.input, create(method.input, message));
      const {
        header: answerHeader,
        trailer,
        body,
      } = await exchange(
        sessions,
        `${path}/${method.parent.typeName}/${method.name}`,
        Object.fromEntries(requestHeader(true, timeoutMs, header)),
        encodeEnvelope(0, request),
        { signal, timeoutMs },
      );
      const response: UnaryResponse<typeof method.input, typeof method.output> = {
        stream: false,
        service: method.parent,
        method,
        header: answerHeader,
        trailer,
        message: fromBinary(method.output, onlyMessageIn(body)),
      };
      return response;
    },
  };
}

interface Exchanged {
  readonly header: Headers;
  readonly trailer: Headers;
  readonly body: Buffer;
}

interface Bounds {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
}

/** @throws ConnectError (by rejection) as whoever is asked says it, or why nobody could be */
async function exchange(
  sessions: Http2SessionManager,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array,
  { signal, timeoutMs }: Bounds,
): Promise<Exchanged> {
  let stream: ClientHttp2Stream;
  try {
    stream = await sessions.request("POST", path, headers, {});
  } catch (error) {
    throw broken(error);
  }
  return new Promise((resolve, reject) => {
    let header: Headers | undefined;
    let status = 0;
    let trailer: Headers | undefined;
    const parts: Buffer[] = [];
    const giveUp = (code: Code, message: string) => {
      reject(new ConnectError(message, code));
      stream.close(NGHTTP2_CANCEL);
    };
    const onAbort = () => giveUp(Code.Canceled, "its caller went away");
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => giveUp(Code.DeadlineExceeded, "the operation timed out"), Math.max(0, timeoutMs));
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (header === undefined) {
        reject(broken(new Error(`the call was closed without an answer (HTTP/2 error ${stream.rstCode})`)));
        return;
      }
      try {
        const { foundStatus, headerError } = validateResponse(status, header);
        if (headerError !== undefined) throw headerError;
        if (!foundStatus) validateTrailer(trailer ?? new Headers(), header);
        resolve({ header, trailer: trailer ?? new Headers(), body: Buffer.concat(parts) });
      } catch (error) {
        reject(ConnectError.from(error));
      }
    };
    stream.on("response", (received) => {
      status = received[":status"] ?? 0;
      header = headersOf(received);
    });
    stream.on("trailers", (received: IncomingHttpHeaders) => (trailer = headersOf(received)));
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", (error) => reject(broken(error)));
    stream.on("close", finish);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    else stream.end(body);
  });
}

/** CANCEL of RFC 9113. */
const NGHTTP2_CANCEL = 8;

function headersOf(received: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const name in received) {
    const value = received[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") headers.append(name, value);
    else for (const each of value) headers.append(name, each);
  }
  return headers;
}

/** @throws ConnectError where it is not one whole message without compression */
function onlyMessageIn(body: Buffer): Uint8Array {
  if (body.length === 0) throw new ConnectError("an answer without a message", Code.Unimplemented);
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES)
    throw new ConnectError("what was answered is not one whole message", Code.Internal);
  return body.subarray(PREFIX_BYTES);
}

function broken(error: unknown): ConnectError {
  let code: Code | undefined;
  for (let cause = error; cause instanceof Error && code === undefined; cause = cause.cause)
    code = CODES[(cause as NodeJS.ErrnoException).code ?? ""];
  const connectError = ConnectError.from(error, code ?? Code.Internal);
  if (connectError !== error) connectError.cause = error;
  return connectError;
}
