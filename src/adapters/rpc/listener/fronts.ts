import { createServer, type Server, type ServerOpts, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Logger } from "../../../ports/logger.js";
import { refuseConnection } from "../http1/refuse-connection.js";
import { detectProtocol, type HttpProtocol } from "./detect-protocol.js";
import { FollowTlsFiles } from "./follow-tls-files.js";
import type { ListenerLimits } from "./listener-limits.js";
import type { TlsFiles, TlsMaterial } from "./tls-material.js";

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

/** Tells the protocols apart by what the TLS handshake agreed on (ALPN); a client that names none gets HTTP/1.1. */
export function createTlsFront(
  accept: AcceptConnection,
  tls: TlsFiles | TlsMaterial,
  limits: ListenerLimits,
  logger: Logger,
  onCertificate: (expiresAt: number) => void,
): Front {
  const needsClientCertificate = "certFile" in tls && tls.clientCaFile !== undefined;
  const server = createTlsServer({
    ...FRONT_SOCKETS,
    // A client that is gone in the midst of its handshake would else keep what OpenSSL holds for it until the handshake is late.
    allowHalfOpen: false,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: limits.firstBytesTimeoutMs,
    requestCert: needsClientCertificate,
    rejectUnauthorized: needsClientCertificate,
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", ignoreError);
    socket.allowHalfOpen = true;
    accept(socket, socket.alpnProtocol === "h2" ? "http2" : "http1");
  });
  server.on("tlsClientError", (error, socket) => {
    // Node leaves a connection open whose handshake took too long.
    socket.destroy();
    // Scanners and health checks that only connect make these a matter of course.
    logger.debug("a TLS handshake failed", { error });
  });

  // Connections keep what they began with; new ones get the new.
  const apply = ({ cert, key, ca, expiresAt }: TlsMaterial) => {
    server.setSecureContext({ cert, key, ca });
    onCertificate(expiresAt);
  };
  if (!("certFile" in tls)) {
    apply(tls);
    return { server, prepare: () => Promise.resolve(), release: () => undefined };
  }
  const follower = new FollowTlsFiles({ files: tls, logger, apply });
  return { server, prepare: () => follower.start(), release: () => follower.stop() };
}
