import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";

/** What came back of a request that no client library would send. */
export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** From the trailers, or the headers where there are none. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string | undefined;
}

export const CHECK_PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";

/** One HTTP/2 connection on which anything may be sent. */
export class RawHttp2 {
  readonly session: ClientHttp2Session;

  constructor(url: string) {
    this.session = connect(url);
  }

  /**
   * Sends the body as it is; without a body, ends the stream with the headers.
   *
   * @param cuts where a DATA frame ends and the next begins, in whatever order
   */
  async post(
    path: string,
    headers: OutgoingHttpHeaders,
    body?: Buffer,
    cuts: readonly number[] = [],
  ): Promise<RawAnswer> {
    const stream = this.session.request(
      { ":method": "POST", ":path": path, ...headers },
      { endStream: body === undefined },
    );
    let answered: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on("response", (received) => (answered = received));
    stream.on("trailers", (received: IncomingHttpHeaders) => (trailers = received));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    if (body !== undefined) {
      let sent = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        stream.write(body.subarray(sent, cut));
        sent = Math.max(sent, cut);
      }
      stream.end(body.subarray(sent));
    }
    await once(stream, "close");
    const status = trailers["grpc-status"] ?? answered["grpc-status"];
    const message = trailers["grpc-message"] ?? answered["grpc-message"];
    return {
      headers: answered,
      trailers,
      body: Buffer.concat(chunks),
      grpcStatus: status === undefined ? undefined : Number(status),
      grpcMessage: message === undefined ? undefined : decodeURIComponent(String(message)),
    };
  }

  close(): void {
    this.session.destroy();
  }
}

/** A message with its prefix of five bytes. */
export function frame(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
