import { type Client, createClient, MessageType, stringifyMessage } from "graphql-ws";
import WebSocket from "ws";
import { saysInvalidApiKey, saysThrottled } from "../../wire/upstream-errors.js";
import { proxyAgentFor } from "../outbound/proxy.js";

export interface WebSocketClientOptions {
  readonly url: string;
  /** Sent when the connection is opened; holds the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** The largest message that is read, bytes. */
  readonly maxMessageBytes: number;
}

export interface WebSocketClientListener {
  /** Upstream has acknowledged the connection. */
  acknowledged(): void;
  /** Anything came. */
  heard(): void;
  ponged(): void;
  /** The connection is over; the last call. */
  closed(code: number | undefined, reason: string): void;
}

/**
 * One connection by graphql-transport-ws, from its opening to its end. The library's own reconnecting is not
 * used: it starts subscriptions again without telling, so that what was missed meanwhile would not be noticed.
 */
export class WebSocketClient {
  readonly #client: Client;
  readonly #listener: WebSocketClientListener;
  #socket: WebSocket | undefined;
  #failure: string | undefined;
  #isClosed = false;

  constructor({ url, headers, maxMessageBytes }: WebSocketClientOptions, listener: WebSocketClientListener) {
    this.#listener = listener;
    const captured = (socket: WebSocket) => this.#watch(socket);
    this.#client = createClient({
      url,
      connectionParams: { headers },
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      webSocketImpl: class extends WebSocket {
        constructor(address: string, protocols: string) {
          super(address, protocols, {
            perMessageDeflate: false,
            maxPayload: maxMessageBytes,
            agent: proxyAgentFor(address),
          });
          captured(this);
        }
      },
      on: {
        connected: () => listener.acknowledged(),
        message: () => listener.heard(),
        pong: (isReceived) => (isReceived ? listener.ponged() : undefined),
        error: (error) => this.#failed(error),
        closed: (event) => this.#closed(event),
      },
    });
  }

  /** @returns ends the subscription */
  subscribe(
    query: { readonly name: string; readonly document: string },
    sink: { readonly next: (result: unknown) => void; readonly ended: (errors: unknown) => void },
  ): () => void {
    return this.#client.subscribe(
      { operationName: query.name, query: query.document },
      {
        next: sink.next,
        complete: () => this.#unlessClosed(() => sink.ended(undefined)),
        // What is no list of errors is the end of the connection, which is reported by itself.
        error: (errors) => this.#unlessClosed(() => (Array.isArray(errors) ? sink.ended(errors) : undefined)),
      },
    );
  }

  ping(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(stringifyMessage({ type: MessageType.Ping }));
  }

  /** Says goodbye; `closed` follows once upstream agrees. */
  close(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.close(1000, "Normal Closure");
    else this.terminate("closed before it was open");
  }

  /** Ends the connection whatever state it is in; `closed` follows with this reason. */
  terminate(reason: string): void {
    this.#failure ??= reason;
    this.#socket?.terminate();
  }

  #watch(socket: WebSocket): void {
    this.#socket = socket;
    // Kept for good: an error that comes after the end must not end the process.
    socket.on("error", (error) => this.#failed(error));
    socket.on("ping", () => this.#listener.heard());
  }

  #failed(error: unknown): void {
    this.#failure ??= messageOf(error);
    this.#socket?.terminate();
  }

  #closed(event: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Without this the library would open the next connection itself after some ways of closing.
    void Promise.resolve(this.#client.dispose()).catch(() => undefined);
    const { code, reason } = event as { readonly code?: number; readonly reason?: string };
    if (this.#failure === undefined) this.#listener.closed(code, reason ?? "");
    else this.#listener.closed(undefined, this.#failure);
  }

  #unlessClosed(tell: () => void): void {
    if (!this.#isClosed) tell();
  }
}

function messageOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === "string" && message !== "" ? message : "the connection failed";
}

/**
 * Why there is no stream.
 *
 * - `lost`: upstream cannot be reached, closed the connection, or went silent
 * - `throttled`: upstream asks for patience
 * - `refused`: upstream does not take the API key
 */
export interface StreamFault {
  readonly kind: "lost" | "throttled" | "refused";
  /** For the log: never holds the key. */
  readonly reason: string;
}

/** Close codes of graphql-transport-ws by which a server refuses who opens the connection. */
const REFUSING_CLOSE_CODES: ReadonlySet<number> = new Set([4401, 4403]);
/** What is said of an upgrade that was answered by an HTTP status. */
const UPGRADE_STATUS = /Unexpected server response: (\d{3})/;
const REFUSING_STATUS: ReadonlySet<number> = new Set([401, 403]);
const THROTTLING_STATUS = 429;

/** @param code of a close frame, or undefined where the connection failed without one */
export function streamFaultOf(code: number | undefined, reason: string): StreamFault {
  const explanation = [code, reason].filter((part) => part !== undefined && part !== "").join(" ");
  const status = Number(UPGRADE_STATUS.exec(reason)?.[1]);
  return { kind: kindOf(code, status, reason), reason: explanation === "" ? "no reason given" : explanation };
}

function kindOf(code: number | undefined, status: number, reason: string): StreamFault["kind"] {
  // Throttling first: a server that closes for it may use any code.
  if (saysThrottled(reason) || status === THROTTLING_STATUS) return "throttled";
  const isRefused =
    (code !== undefined && REFUSING_CLOSE_CODES.has(code)) || REFUSING_STATUS.has(status) || saysInvalidApiKey(reason);
  return isRefused ? "refused" : "lost";
}
