import type { Server, ServerOpts, Socket } from "node:net";
import type { HttpProtocol } from "./detect-protocol.js";

/** Accepts connections, finds out which protocol they speak, and hands them over. */
export interface Front {
  readonly server: Server;
  /** Called before it listens. */
  prepare(): Promise<void>;
  /** Gives up what it holds besides the server. */
  release(): void;
}

/** What takes over a connection whose protocol is known. */
export type AcceptConnection = (socket: Socket, protocol: HttpProtocol) => void;

export const FRONT_SOCKETS: ServerOpts = {
  // A client may end its side after its request and still wait for the answer.
  allowHalfOpen: true,
  // With Nagle's algorithm an answer in two writes waits for the client's delayed acknowledgement.
  noDelay: true,
  // Peers whose machine is gone.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
};

/** A socket without a listener for its errors ends the process at the first reset. */
export function ignoreError(): void {
  // The socket closes after its error, and everyone who holds it hears that.
}
