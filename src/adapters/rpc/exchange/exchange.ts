import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** One request and its response, whatever the HTTP version. */
export interface Exchange {
  readonly httpVersion: "1.1" | "2.0";
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  /** The host that the request names; undefined where it names none. */
  readonly authority: string | undefined;
  readonly peer: Peer;
  /** Regular headers with names in lower case, in the order of their first occurrence. */
  readonly headers: readonly HeaderField[];
  /** The request's body, under flow control. Reading stops for good at the first return of its iterator. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the caller goes away. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Whether nobody waits for the response any more. */
  readonly isClosed: boolean;
  /** Whether the response has begun. */
  readonly hasResponded: boolean;

  /** The value of a header, its name in lower case. */
  header(name: string): string | undefined;
  /** Of a stream in both directions, whose body is as long as the call: what was read counts no more as half-sent. */
  releaseBodyAsRead(): void;
  /** @param isEnd whether nothing follows, not even trailers */
  respond(status: number, headers: readonly HeaderField[], isEnd: boolean): void;
  /** @returns false where nobody waits any more, or the response has ended; resolves when there is room for more */
  write(chunk: Uint8Array): boolean | Promise<boolean>;
  /** Nothing where the response has ended already. */
  end(trailers: readonly HeaderField[]): void;
  /** A complete response with a body, which is left out where the method is HEAD. */
  send(status: number, headers: readonly HeaderField[], body: string): void;
  /** Cuts the response off. */
  abort(): void;
}

/** An exchange that waits for its turn, and learns what becomes of it. */
export interface QueuedExchange extends Exchange {
  /** Its turn has come. */
  begun(): void;
  /** The work for it has come to its end; also where nobody waited for it. */
  done(): void;
}

/**
 * Serves an exchange, and settles when the work for it is done. Called in its connection's turn; it must not reject, and owns
 * its own failures.
 */
export type ExchangeHandler = (exchange: Exchange) => Promise<void>;

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

export type HeaderField = readonly [name: string, value: string];

/** What would end a header, or is none of it. */
const NO_VALUE = /[^\t -~]/g;

/**
 * Status and headers of a response, or its trailers. Those that are made once, for many responses, cost an octet a field
 * over HTTP/2 from their second time on a connection.
 */
export class ResponseHeaders {
  /** Undefined for trailers. */
  readonly status: number | undefined;
  readonly fields: readonly HeaderField[];
  /** What these extend, where they are made for one response. */
  readonly base: ResponseHeaders | undefined;
  #flat: readonly string[] | undefined;
  #http1Head: string | undefined;

  /** To be made once, for many responses. Names are lower case. */
  constructor(status: number | undefined, fields: readonly HeaderField[], base?: ResponseHeaders) {
    this.status = status;
    this.fields = fields;
    this.base = base;
  }

  /** The same and more, for one response. */
  and(...fields: readonly HeaderField[]): ResponseHeaders {
    return new ResponseHeaders(this.status, fields, this);
  }

  /** Name after name with its value, as node:http takes them. */
  get flat(): readonly string[] {
    this.#flat ??= [...(this.base?.flat ?? []), ...this.fields.flat()];
    return this.#flat;
  }

  /** The status line and the fields as HTTP/1.1 has them, without the empty line behind. */
  get http1Head(): string {
    if (this.#http1Head === undefined) {
      const { status = 200 } = this;
      let head = this.base?.http1Head ?? `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
      for (const [name, value] of this.fields) head += `${name}: ${value.replace(NO_VALUE, "")}\r\n`;
      this.#http1Head = head;
    }
    return this.#http1Head;
  }
}

export const NO_TRAILERS = new ResponseHeaders(undefined, []);
