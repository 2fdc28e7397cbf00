import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Peer, peerOf } from "../exchange/exchange.js";
import type { PlainRequests } from "./plain-requests.js";

/** What is known of one connection that speaks HTTP/1.1. */
export interface Http1Connection {
  readonly peer: Peer;
  /** In the order in which they will be answered. */
  readonly unanswered: Set<ServerResponse>;
  /** The bytes it had sent when nothing was unanswered any more: as long as there are no more, it is idle. */
  idleAt: number | undefined;
  isRefused: boolean;
  /** It closes with the next answer that can say so. */
  isOld: boolean;
  /** An answer that says so is under way: what comes behind it could not be answered, and is not served. */
  isClosing: boolean;
  /** As long as all of its requests are plain; then it is Node's. */
  plain: PlainRequests | undefined;
}

export function newConnection(socket: Socket): Http1Connection {
  return {
    peer: peerOf(socket),
    unanswered: new Set(),
    idleAt: undefined,
    isRefused: false,
    isOld: false,
    isClosing: false,
    plain: undefined,
  };
}

/**
 * Not closed while it is idle: a request may be on its way, and nobody could say whether it was served. Nor behind an answer that
 * has promised to keep it.
 */
export function grewOld(connection: Http1Connection): void {
  connection.isOld = true;
  connection.plain?.endWithNextAnswer();
  const last = [...connection.unanswered].at(-1);
  if (last === undefined || last.headersSent) return;
  last.shouldKeepAlive = false;
  connection.isClosing = true;
}

/** Whether the request whose bytes are at fault is being answered: its client would take a refusal for a part of the answer. */
export function hasBegunItsAnswer({ unanswered }: Http1Connection): boolean {
  for (const { headersSent, req } of unanswered) if (headersSent && !req.complete) return true;
  return false;
}

/** One listener for all responses, which `this` names: requests pay for no closure. */
export function answeredOn(connections: ReadonlyMap<Socket, Http1Connection>, becomeIdle: (socket: Socket) => void) {
  return function (this: ServerResponse): void {
    const { socket } = this.req;
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.unanswered.delete(this);
    if (connection.unanswered.size > 0) return;
    if (this.req.complete) connection.idleAt = socket.bytesRead;
    // Answered before it was whole, as what is too large is: the rest still flows by.
    else this.req.once("close", () => becomeIdle(socket));
  };
}
