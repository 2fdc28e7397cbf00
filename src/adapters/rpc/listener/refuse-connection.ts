import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Tells an HTTP/1.1 client why it is refused, and closes. What it still sends is let pass meanwhile: a socket
 * closed with unread bytes is reset, and a reset overtakes the explanation.
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
