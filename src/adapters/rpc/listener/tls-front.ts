import { createServer } from "node:tls";
import type { Logger } from "../../../ports/logger.js";
import { FollowTlsFiles } from "./follow-tls-files.js";
import { FRONT_SOCKETS, ignoreError, type Front, type AcceptConnection } from "./front.js";
import type { ListenerLimits } from "./listener-limits.js";
import type { TlsFiles } from "./tls-material.js";

/** Tells the protocols apart by what the TLS handshake agreed on (ALPN); a client that names none gets HTTP/1.1. */
export function createTlsFront(
  accept: AcceptConnection,
  files: TlsFiles,
  limits: ListenerLimits,
  logger: Logger,
  onCertificate: (expiresAt: number) => void,
): Front {
  const needsClientCertificate = files.clientCaFile !== undefined;
  const server = createServer({
    ...FRONT_SOCKETS,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: limits.firstBytesTimeoutMs,
    requestCert: needsClientCertificate,
    rejectUnauthorized: needsClientCertificate,
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", ignoreError);
    accept(socket, socket.alpnProtocol === "h2" ? "http2" : "http1");
  });
  server.on("tlsClientError", (error, socket) => {
    // Node leaves a connection open whose handshake took too long.
    socket.destroy();
    // Scanners and health checks that only connect make these a matter of course.
    logger.debug("a TLS handshake failed", { error });
  });

  const follower = new FollowTlsFiles({
    files,
    logger,
    // Connections keep what they began with; new ones get the new.
    apply: ({ cert, key, ca, expiresAt }) => {
      server.setSecureContext({ cert, key, ca });
      onCertificate(expiresAt);
    },
  });
  return { server, prepare: () => follower.start(), release: () => follower.stop() };
}
