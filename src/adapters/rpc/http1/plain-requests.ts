import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import type { Peer, ResponseHeaders } from "../exchange/exchange.js";
import {
  type ConnectionHandlers,
  type FastPath,
  type FastPathCall,
  type FastPathStream,
  MAX_WAITING_BYTES,
  UNEXPECTED,
} from "../exchange/request-handlers.js";
import type { ListenerLimits } from "../listener/listener-limits.js";
import type { ReadBefore } from "./fed-socket.js";
import { KnownHeads } from "./plain-head.js";
import { CLOSE, INTERNAL_FAULT, keepAliveFor, NOT_WHOLE, refuseConnection, responseText } from "./written-responses.js";

/** How long the rest of a request may be on its way before Node's server, with its own time-outs, waits for it. */
const ARRIVAL_MS = 1_000;

/** So many octets of answers are written before the next request is looked at. */
const MAX_OUTPUT = 65_536;

const NOTHING: Buffer = Buffer.alloc(0);

interface PlainRequestsOptions {
  readonly fastPath: FastPath;
  readonly handlers: Pick<ConnectionHandlers, "answerDear" | "inTurn">;
  readonly limits: ListenerLimits;
  readonly logger: Logger;
  /** All that one read of a connection brought is dealt with. */
  readonly onTurn: (startedAt: number) => void;
  /** Has Node's server serve the connection from now on. @param before what is not served yet */
  readonly handOver: (before: ReadBefore) => void;
}

/**
 * Serves a connection over HTTP/1.1 as long as its requests are plain and for the fast path, each answered by one write. At the
 * first that is not, the connection becomes Node's for good, from that request's first byte: nothing here interprets what could
 * be read in two ways, and nothing here refuses.
 */
export class PlainRequests implements FastPathStream {
  readonly #socket: Socket;
  readonly #options: PlainRequestsOptions;
  readonly #heads: KnownHeads;
  readonly #keepAlive: string;
  /** What came and is not served yet: of a request that is not whole, or behind one that is being answered. */
  #held: Buffer = NOTHING;
  /** One that waits for its use case. */
  #waiting: FastPathCall | undefined;
  /** How many were answered. */
  #answered = 0;
  #output = "";
  #arrival: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #isLast = false;
  #isDone = false;

  constructor(socket: Socket, peer: Peer, options: PlainRequestsOptions) {
    const { fastPath, limits } = options;
    this.#socket = socket;
    this.#options = options;
    this.#heads = new KnownHeads(fastPath, peer, limits.maxHeaderBytes);
    this.#keepAlive = keepAliveFor(limits.keepAliveTimeoutMs);
    socket.setTimeout(limits.keepAliveTimeoutMs);
    socket.on("timeout", this.#onTimeout);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    socket.on("drain", this.#onDrain);
    this.#awaitRest();
  }

  /** Nothing of it is under way. */
  get isIdle(): boolean {
    return this.#waiting === undefined && this.#held.length === 0;
  }

  /** The next answer says that it is the last, and closes the connection. */
  endWithNextAnswer(): void {
    this.#isLast = true;
  }

  respond(headers: ResponseHeaders, body: Buffer | string): void {
    if (this.#isDone) return;
    this.#answered++;
    this.#output += responseText(headers, this.#isLast ? CLOSE : this.#keepAlive, body);
    if (this.#waiting !== undefined) this.#answeredLate();
  }

  released(): void {
    // What is abandoned over HTTP/1.1 is bounded by its connections.
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isDone) return;
    if (this.#waiting !== undefined) {
      // Its turn comes when the one before is answered. Until then no more is read, and its end is not heard.
      this.#socket.pause();
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      return;
    }
    clearTimeout(this.#arrival);
    const isFirstRead = this.#held.length === 0;
    const bytes = isFirstRead ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    this.#serve(bytes, isFirstRead);
  };

  /** @param mayWait whether a request that is not whole may wait for one more read */
  #serve(bytes: Buffer, mayWait: boolean): void {
    const startedAt = performance.now();
    try {
      this.#serveAll(bytes, mayWait);
      this.#flush();
    } catch (error) {
      this.#fail(error);
    }
    this.#options.onTurn(startedAt);
  }

  #serveAll(bytes: Buffer, mayWait: boolean): void {
    let from = 0;
    while (from < bytes.length) {
      const request = this.#heads.requestAt(bytes, from);
      if (request === "incomplete" && (mayWait || from > 0)) {
        this.#held = bytes.subarray(from);
        this.#awaitRest();
        return;
      }
      if (request === undefined || request === "incomplete") {
        this.#giveUp(bytes.subarray(from));
        return;
      }
      const { bodyFrom, bodyTo } = request;
      const call = request.route.begin(this);
      const answered = this.#answered;
      const served = call.isDear
        ? this.#options.handlers.answerDear(call, bytes, bodyFrom, bodyTo)
        : call.answer(bytes, bodyFrom, bodyTo);
      if (served === "later" && bodyTo - from <= MAX_WAITING_BYTES) {
        this.#waiting = call;
        this.#held = bytes.subarray(bodyTo);
        if (this.#held.length > 0) this.#socket.pause();
        this.#answerInTurn(call, Buffer.from(bytes.subarray(from, bodyTo)), bodyFrom - from);
        return;
      }
      if (served !== true) {
        call.abandon();
        this.#giveUp(bytes.subarray(from));
        return;
      }
      from = bodyTo;
      if (this.#answered === answered) {
        this.#waiting = call;
        this.#held = bytes.subarray(from);
        if (this.#held.length > 0) this.#socket.pause();
        return;
      }
      if (this.#isLast) {
        this.#close();
        return;
      }
      if (this.#output.length < MAX_OUTPUT) continue;
      this.#flush();
      if (this.#socket.writableNeedDrain) {
        this.#held = bytes.subarray(from);
        return;
      }
    }
  }

  /** @param request its head, and from `bodyFrom` its body */
  #answerInTurn(call: FastPathCall, request: Buffer, bodyFrom: number): void {
    call.wait();
    this.#options.handlers.inTurn(this.#socket, () => {
      if (this.#waiting !== call) return false;
      try {
        if (!call.answer(request, bodyFrom, request.length)) {
          this.#waiting = undefined;
          call.abandon();
          this.#giveUp(Buffer.concat([request, this.#held]));
        }
      } catch (error) {
        this.#fail(error);
      }
      return true;
    });
  }

  #fail(error: unknown): void {
    // A fault of ours costs the one connection.
    this.#options.logger.error(UNEXPECTED, { error });
    this.#flush();
    this.#leave();
    refuseConnection(this.#socket, 500, INTERNAL_FAULT, this.#options.limits.refusalTimeoutMs);
  }

  #answeredLate(): void {
    this.#waiting = undefined;
    if (this.#isLast) {
      this.#close();
      return;
    }
    this.#goOn();
    if (this.#hasEnded && this.isIdle) this.#socket.end();
  }

  /** Serves what is held, and reads on. */
  #goOn(): void {
    const held = this.#held;
    this.#held = NOTHING;
    this.#socket.resume();
    this.#serve(held, true);
  }

  #flush(): void {
    if (this.#output === "") return;
    const output = this.#output;
    this.#output = "";
    // Who does not read its answers is not read either.
    if (!this.#socket.write(output, "latin1")) this.#socket.pause();
  }

  #close(): void {
    this.#flush();
    this.#isDone = true;
    this.#socket.destroySoon();
  }

  #awaitRest(): void {
    clearTimeout(this.#arrival);
    this.#arrival = setTimeout(() => this.#giveUp(this.#held), ARRIVAL_MS);
  }

  #giveUp(rest: Buffer): void {
    this.#flush();
    this.#leave();
    const socket = this.#socket;
    socket.setTimeout(0);
    socket.off("timeout", this.#onTimeout);
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onClose);
    socket.off("drain", this.#onDrain);
    this.#options.handOver({ rest, hasEnded: this.#hasEnded });
  }

  #leave(): void {
    clearTimeout(this.#arrival);
    this.#isDone = true;
    this.#held = NOTHING;
  }

  readonly #onDrain = (): void => {
    if (this.#isDone || this.#waiting !== undefined) return;
    this.#goOn();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#isDone || this.#waiting !== undefined) return;
    clearTimeout(this.#arrival);
    if (this.#held.length === 0) {
      this.#socket.end();
      return;
    }
    this.#leave();
    refuseConnection(this.#socket, 400, NOT_WHOLE, this.#options.limits.refusalTimeoutMs);
  };

  readonly #onTimeout = (): void => {
    if (this.#waiting === undefined) this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#leave();
    this.#waiting?.abandon();
    this.#waiting = undefined;
  };
}
