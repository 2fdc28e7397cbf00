import type { ResponseHeaders } from "../exchange/exchange.js";

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
