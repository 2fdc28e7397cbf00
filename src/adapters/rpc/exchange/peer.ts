import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The other end of a connection. */
export interface Peer {
  /** Its IP address; "" where it is gone already. */
  readonly address: string;
  readonly isEncrypted: boolean;
  /** The common name in the subject of its client certificate, once that was verified. */
  readonly certificateName: string | undefined;
}

export function peerOf(socket: Socket): Peer {
  const address = socket.remoteAddress ?? "";
  if (!(socket instanceof TLSSocket)) return { address, isEncrypted: false, certificateName: undefined };
  const certificate = socket.authorized ? socket.getPeerCertificate() : undefined;
  const name: unknown = certificate?.subject.CN;
  return { address, isEncrypted: true, certificateName: typeof name === "string" ? name : undefined };
}
