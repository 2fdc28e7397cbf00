import type { Socket } from "node:net";

export type HttpProtocol = "http1" | "http2";

/** What every HTTP/2 connection starts with (RFC 9113, section 3.4). */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The protocol that a connection's first bytes name, or undefined while they are too few. */
export function httpProtocolOf(firstBytes: Buffer): HttpProtocol | undefined {
  const known = Math.min(firstBytes.length, HTTP2_PREFACE.length);
  if (firstBytes.compare(HTTP2_PREFACE, 0, known, 0, known) !== 0) return "http1";
  return known === HTTP2_PREFACE.length ? "http2" : undefined;
}

export interface DetectionOutcome {
  /** The first bytes named the protocol. They are back in the socket, which nobody reads any more. */
  decided(protocol: HttpProtocol): void;
  /** No protocol came, by its time or at all, because the client ended first; it sent `received` bytes. */
  undecided(received: number, reason: "late" | "ended"): void;
}

/** Reads a new connection's first bytes until they name its protocol, and calls one outcome, once, unless it closes. */
export function detectProtocol(socket: Socket, timeoutMs: number, outcome: DetectionOutcome): void {
  // Undecided bytes are kept here: given back to the socket, they would be announced as readable at once, for ever.
  let received: Buffer = Buffer.alloc(0);

  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    socket.off("close", stop);
  };
  const onReadable = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const protocol = httpProtocolOf(received);
    if (protocol === undefined) return;
    stop();
    socket.unshift(received);
    outcome.decided(protocol);
  };
  const giveUp = (reason: "late" | "ended") => {
    stop();
    outcome.undecided(received.length, reason);
  };
  const onEnd = () => giveUp("ended");
  const timer = setTimeout(giveUp, timeoutMs, "late");

  socket.on("readable", onReadable);
  socket.on("end", onEnd);
  socket.on("close", stop);
}
