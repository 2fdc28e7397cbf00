import { createServer, type Server, type ServerOpts, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Logger } from "../../../ports/logger.js";
import { refuseConnection } from "../http1/written-responses.js";
import { HTTP2_PREFACE } from "../http2/frames/protocol.js";
import type { ListenerLimits } from "./listener-limits.js";
import { FollowTlsFiles, type TlsFiles, type TlsMaterial } from "./tls-material.js";

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

const FRONT_SOCKETS: ServerOpts = {
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

type HttpProtocol = "http1" | "http2";

/** The protocol that a connection's first bytes name, or undefined while they are too few. */
function httpProtocolOf(firstBytes: Buffer): HttpProtocol | undefined {
  const known = Math.min(firstBytes.length, HTTP2_PREFACE.length);
  if (firstBytes.compare(HTTP2_PREFACE, 0, known, 0, known) !== 0) return "http1";
  return known === HTTP2_PREFACE.length ? "http2" : undefined;
}

interface DetectionOutcome {
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
