import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "../../../ports/logger.js";
import type { ResponseHeaders } from "../exchange/exchange.js";
import { UNEXPECTED } from "../exchange/request-handlers.js";

/** Of a response behind which the connection closes. */
export const CLOSE = "connection: close\r\n";

/** Of one behind which it stays. @param keepAliveTimeoutMs how long it may be idle */
export function keepAliveFor(keepAliveTimeoutMs: number): string {
  return `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(keepAliveTimeoutMs / 1_000)}\r\n`;
}

/**
 * A whole response as one string of one octet a character, which is one write without a copy.
 *
 * @param connection what becomes of the connection: CLOSE, or of keepAliveFor
 */
export function responseText(headers: ResponseHeaders, connection: string, body: Buffer | string): string {
  const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  return `${headers.http1Head}${connection}${date()}content-length: ${bytes}\r\n\r\n${octetsOf(body, bytes)}`;
}

function octetsOf(body: Buffer | string, bytes: number): string {
  if (typeof body !== "string") return body.toString("latin1");
  return bytes === body.length ? body : Buffer.from(body).toString("latin1");
}

let dateSecond = 0;
let dateLine = "";

/** Of this second, made once in it (RFC 9110, section 6.6.1). */
function date(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `date: ${new Date(second * 1_000).toUTCString()}\r\n`;
  }
  return dateLine;
}

interface Http1Fault {
  readonly status: number;
  readonly explanation: string;
}

const TLS_HANDSHAKE = 0x16;

/** What to tell the client whose bytes Node's HTTP/1.1 parser gave up on. */
export function explainHttp1Fault(error: Error, maxHeaderBytes: number): Http1Fault {
  const { code, reason, rawPacket } = error as Error & { code?: string; reason?: string; rawPacket?: Buffer };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return { status: 408, explanation: "The request did not arrive in time: send all of it, without pauses." };
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return { status: 431, explanation: `The headers exceed ${maxHeaderBytes} bytes: send fewer or shorter ones.` };
  }
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") {
    return { status: 413, explanation: "The chunk extensions are too long: send none." };
  }
  if (code === "HPE_INVALID_EOF_STATE") return { status: 400, explanation: NOT_WHOLE };
  if (rawPacket?.[0] === TLS_HANDSHAKE) {
    return { status: 400, explanation: "A TLS handshake came to a cleartext port: use the TLS port, or no TLS." };
  }
  return {
    status: 400,
    explanation:
      `Neither HTTP/1.1 nor HTTP/2 (${reason ?? error.message}): ` +
      "this port speaks gRPC over HTTP/2, and gRPC-web and Connect over either.",
  };
}

/** To a client that ended its side too early. */
export const NOT_WHOLE = "The connection ended in the middle of a request: send all of it.";

/** To whom a fault of ours hit. */
export const INTERNAL_FAULT = "internal error: see the sidecar's log";

/** To CONNECT. */
export const NO_PROXY = "This port is no proxy: call methods by POST or GET.";

/** Of a body in a coding that nobody here undoes: read as it is, it would be taken for another request (RFC 9112, section 6.1). */
export function refuseEncoding(response: ServerResponse, encoding: string): void {
  response.req.resume();
  response.req.on("error", ignoreError);
  response.on("error", ignoreError);
  response.writeHead(501, { "content-type": "text/plain; charset=utf-8" });
  response.end(
    `The transfer-encoding ${JSON.stringify(encoding)} is not served: send the body as it is, or compressed as content-encoding says.\n`,
  );
}

/** Of a request that may be meant for somebody else: its connection closes behind it. */
export function refuseHosts(response: ServerResponse): void {
  response.req.resume();
  response.req.on("error", ignoreError);
  response.on("error", ignoreError);
  response.shouldKeepAlive = false;
  response.writeHead(400, { "content-type": "text/plain; charset=utf-8" });
  response.end("The request names more than one host: send one host header.\n");
}

/** Of a request that met a fault of ours: its connection closes behind it, and other requests of it are answered before. */
export function failResponse(response: ServerResponse, logger: Logger, error: unknown): void {
  logger.error(UNEXPECTED, { error });
  response.shouldKeepAlive = false;
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end(`${INTERNAL_FAULT}\n`);
}

function ignoreError(): void {
  // The connection ends with it.
}

/**
 * Says to an HTTP/1.1 client why it is refused, and closes. What it still sends is let pass meanwhile: a socket
 * closed with unread bytes is reset, and a reset arrives before the explanation.
 */
export function refuseConnection(socket: Duplex, status: number, explanation: string, timeoutMs: number): void {
  const body = `${explanation}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}
