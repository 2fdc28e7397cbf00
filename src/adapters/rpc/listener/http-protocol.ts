export type HttpProtocol = "http1" | "http2";

/** What every HTTP/2 connection starts with (RFC 9113, section 3.4). */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The protocol that a connection's first bytes tell, or undefined while they are too few. */
export function httpProtocolOf(firstBytes: Buffer): HttpProtocol | undefined {
  const known = Math.min(firstBytes.length, HTTP2_PREFACE.length);
  if (firstBytes.compare(HTTP2_PREFACE, 0, known, 0, known) !== 0) return "http1";
  return known === HTTP2_PREFACE.length ? "http2" : undefined;
}
