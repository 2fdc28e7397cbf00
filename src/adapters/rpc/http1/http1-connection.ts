import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../../../ports/logger.js";
import { type Peer, peerOf, type ResponseHeaders } from "../exchange/exchange.js";
import {
  type ConnectionHandlers,
  type FastPathCall,
  type FastPathStream,
  MAX_FAST_BYTES,
  MAX_WAITING_BYTES,
  type Route,
} from "../exchange/request-handlers.js";
import type { FedSocket } from "./fed-socket.js";
import type { PlainRequests } from "./plain-requests.js";
import { failResponse } from "./written-responses.js";

/** A socket, or what Node's server has in place of one. */
export type Http1Socket = Duplex & Pick<Socket, "bytesRead" | "destroySoon">;

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
  /** What Node has of it. */
  fed: FedSocket | undefined;
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
    fed: undefined,
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
export function answeredOn(
  connections: ReadonlyMap<Http1Socket, Http1Connection>,
  becomeIdle: (socket: Http1Socket) => void,
) {
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

const STREAM = Symbol("the stream of a request on the fast path");

interface FastRequest extends IncomingMessage {
  [STREAM]: Http1Stream;
}

interface FastRequestOptions {
  /** Called once the request is dealt with. */
  readonly onTurn: (startedAt: number) => void;
  /** Takes over what the fast path does not serve, with what was read of its body. */
  readonly passOn: (received: readonly Buffer[]) => void;
  readonly handlers: ConnectionHandlers;
  readonly logger: Logger;
}

/** Gathers a request over HTTP/1.1 and has it answered on the fast path. */
export function serveOnFastPath(response: ServerResponse, route: Route, options: FastRequestOptions): void {
  const request = response.req as FastRequest;
  request[STREAM] = new Http1Stream(response, route, options);
  // One function for all requests: a closure each would cost more than all else that is done here.
  request.on("data", onData);
  request.on("end", onEnd);
  response.on("error", ignoreError);
}

class Http1Stream implements FastPathStream {
  readonly #response: ServerResponse;
  readonly #options: FastRequestOptions;
  readonly #call: FastPathCall;
  #isArriving = true;
  #isAnswered = false;
  #received: Buffer[] = [];
  #receivedBytes = 0;

  constructor(response: ServerResponse, route: Route, options: FastRequestOptions) {
    this.#response = response;
    this.#options = options;
    this.#call = route.begin(this);
  }

  receive(chunk: Buffer): void {
    if (!this.#isArriving) return;
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes <= MAX_FAST_BYTES) return;
    this.#give();
  }

  /** The request is complete. */
  end(): void {
    if (!this.#isArriving) return;
    const [first] = this.#received;
    this.#ask(first !== undefined && this.#received.length === 1 ? first : Buffer.concat(this.#received), false);
  }

  #ask(body: Buffer, isItsTurn: boolean): void {
    const { handlers } = this.#options;
    const startedAt = performance.now();
    try {
      const served =
        this.#call.isDear && !isItsTurn
          ? handlers.answerDear(this.#call, body, 0, body.length)
          : this.#call.answer(body, 0, body.length);
      if (served === "later" && body.length <= MAX_WAITING_BYTES) {
        this.#askInTurn(body);
        return;
      }
      if (served !== true) {
        this.#give();
        return;
      }
    } catch (error) {
      failResponse(this.#response, this.#options.logger, error);
      return;
    }
    this.#isArriving = false;
    this.#received = [];
    if (this.#isAnswered) {
      this.#options.onTurn(startedAt);
      return;
    }
    if (this.#response.destroyed) this.#call.abandon();
    else this.#response.once("close", () => this.#call.abandon());
  }

  #askInTurn(body: Buffer): void {
    this.#call.wait();
    this.#options.handlers.inTurn(this.#response.req.socket, () => {
      if (this.#response.destroyed) {
        this.#call.abandon();
        return false;
      }
      this.#ask(body, true);
      return true;
    });
  }

  respond(headers: ResponseHeaders, body: Buffer | string): void {
    this.#isAnswered = true;
    if (this.#response.destroyed || this.#response.headersSent) return;
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    this.#response.writeHead(headers.status ?? 200, [...headers.flat, "content-length", String(length)]).end(body);
  }

  released(): void {
    // What is abandoned over HTTP/1.1 is bounded by its connections.
  }

  #give(): void {
    this.#isArriving = false;
    this.#response.req.off("data", onData);
    this.#response.req.off("end", onEnd);
    this.#call.abandon();
    this.#options.passOn(this.#received);
  }
}

function onData(this: FastRequest, chunk: Buffer): void {
  this[STREAM].receive(chunk);
}

function onEnd(this: FastRequest): void {
  this[STREAM].end();
}

function ignoreError(): void {
  // A caller who hangs up is no failure, and without a listener would end the process.
}
