import type { Socket } from "node:net";
import { httpProtocolOf, type HttpProtocol } from "./http-protocol.js";

export interface SniffOutcome {
  /** The first bytes told the protocol. They are back in the socket, which nobody reads any more. */
  decided(protocol: HttpProtocol): void;
  /** No protocol came, by its time or at all, because the client ended first; it sent `received` bytes. */
  undecided(received: number, reason: "late" | "ended"): void;
}

/** Reads a new connection's first bytes until they tell its protocol, and calls one outcome, once, unless it closes. */
export function sniffProtocol(socket: Socket, timeoutMs: number, outcome: SniffOutcome): void {
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
