import { createServer, type Socket } from "node:net";
import { FRONT_SOCKETS, type Front, type AcceptConnection } from "./front.js";
import type { ListenerLimits } from "./listener-limits.js";
import { refuseConnection } from "../http1/refuse-connection.js";
import { detectProtocol } from "./detect-protocol.js";

/** Tells the protocols apart by the first bytes: HTTP/2 with prior knowledge, or HTTP/1.1. */
export function createCleartextFront(accept: AcceptConnection, limits: ListenerLimits): Front {
  const server = createServer(FRONT_SOCKETS, (socket: Socket) => {
    detectProtocol(socket, limits.firstBytesTimeoutMs, {
      decided: (protocol) => accept(socket, protocol),
      undecided: (received, reason) => {
        if (received === 0) {
          socket.destroy();
          return;
        }
        refuseConnection(
          socket,
          reason === "late" ? 408 : 400,
          "The connection preface of HTTP/2 began and did not end: send all of it at once.",
          limits.refusalTimeoutMs,
        );
      },
    });
  });
  return { server, prepare: () => Promise.resolve(), release: () => undefined };
}
