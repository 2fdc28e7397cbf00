import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import { type Peer, peerOf } from "../exchange/exchange.js";
import type { Allotment } from "../exchange/request-body.js";
import type { ConnectionHandlers } from "../exchange/request-handlers.js";
import type { ListenerLimits } from "../listener/listener-limits.js";
import { FrameOutput } from "./frames/frame-output.js";
import { FrameReader, type Pace, readInPlace, type ReadTurns } from "./frames/frame-reader.js";
import { ControlBudget, type FramesOwner, PeerFrames } from "./frames/peer-frames.js";
import {
  ConnectionFault,
  ErrorCode,
  FrameType,
  HTTP2_PREFACE,
  MAX_STREAM_ID,
  PeerSettings,
  Setting,
  settingsPayload,
  uint32,
} from "./frames/protocol.js";
import { HpackFault } from "./hpack/header-table.js";
import { ReceiveWindow } from "./streams/http2-stream.js";
import { RequestStreams, type StreamsOwner } from "./streams/request-streams.js";

/** The payloads of pings: that the peer answers, and that it has read everything up to there. */
const ALIVE_PING = Buffer.from("alive?\0\0");
const DRAIN_PING = Buffer.from("drain?\0\0");
const NOTHING = Buffer.alloc(0);
/** A connection that sent too many control frames is read this seldom from then on, milliseconds. */
const THROTTLED_READ_MS = 20;
/** How long its open calls may take to finish, milliseconds. */
const THROTTLED_LINGER_MS = 30_000;

export interface ConnectionOptions {
  readonly handlers: ConnectionHandlers;
  readonly limits: ListenerLimits;
  readonly logger: Logger;
  readonly allotment: Allotment;
  readonly turns: ReadTurns;
  /** Everything that one read brought is dealt with. @param startedAt of `performance.now()` */
  readonly onTurn: (startedAt: number) => void;
  /** The connection sent too much that is no part of a call. */
  onExceeded(what: string, peer: Peer): void;
  onClosed(connection: Http2Connection): void;
}

/** One connection of a client that speaks HTTP/2: its bytes, its beginning and its end. */
export class Http2Connection implements FramesOwner, StreamsOwner, Pace {
  readonly peer: Peer;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #output: FrameOutput;
  readonly #streams: RequestStreams;
  readonly #reader: FrameReader;
  readonly #budget = new ControlBudget();
  #prefaceBytes = 0;
  #isReading = false;
  #willFlush = false;
  #hasAnswered = true;
  #isGoing = false;
  #isThrottled = false;
  /** Whether reading waits for another turn of the event loop. */
  #isDeferred = false;
  #spentMs = 0;
  #readAt = 0;
  #lastServed = MAX_STREAM_ID;
  #isOver = false;
  #timer: NodeJS.Timeout;

  constructor(socket: Socket, options: ConnectionOptions) {
    const { limits } = options;
    this.peer = peerOf(socket);
    this.#socket = socket;
    this.#options = options;
    this.#output = new FrameOutput(socket);
    const settings = new PeerSettings();
    this.#streams = new RequestStreams(this, this.#output, settings);
    const frames = new PeerFrames(
      this,
      this.#streams,
      this.#output,
      settings,
      new ReceiveWindow((bytes) => this.#output.frame(FrameType.WindowUpdate, 0, 0, uint32(bytes))),
      limits.maxHeaderBytes,
    );
    this.#reader = new FrameReader(frames, this);
    this.#timer = setTimeout(() => socket.destroy(), limits.headersTimeoutMs);
    readInPlace(socket, this.#read);
    socket.on("drain", this.#onDrain);
    socket.once("close", this.#closed);
    this.#output.frame(
      FrameType.Settings,
      0,
      0,
      settingsPayload(
        [Setting.MaxConcurrentStreams, limits.maxConcurrentStreams],
        [Setting.MaxHeaderListSize, limits.maxHeaderBytes],
      ),
    );
    this.#flush();
  }

  get handlers(): ConnectionHandlers {
    return this.#options.handlers;
  }

  get logger(): Logger {
    return this.#options.logger;
  }

  get allotment(): Allotment {
    return this.#options.allotment;
  }

  get maxConcurrentStreams(): number {
    return this.#options.limits.maxConcurrentStreams;
  }

  get lastServed(): number {
    return this.#lastServed;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isThrottled(): boolean {
    return this.#isThrottled;
  }

  /**
   * A peer that does not read is not listened to either: nothing else bounds the responses that would wait. Nor is one that sends
   * more than can be begun.
   */
  get isBackedUp(): boolean {
    return this.#output.isBackedUp || this.#streams.isBehind;
  }

  isTurnOver(): boolean {
    return this.#spentMs + performance.now() - this.#readAt > this.#options.turns.shareMs;
  }

  /** Ends a peer that has neither answered nor read on since this was called last. */
  checkAlive(): void {
    if (this.#isOver) return;
    if (!this.#hasAnswered && !this.#streams.isBehind) {
      this.#socket.destroy();
      return;
    }
    this.#hasAnswered = false;
    this.#output.frame(FrameType.Ping, 0, 0, ALIVE_PING);
    this.#flush();
  }

  /**
   * Asks the peer to go, and closes after the last response. Requests that were on their way before the peer could know
   * are served: which those are is known once it has answered a ping, or has had time to.
   */
  drain(): void {
    if (this.#isOver || this.#isGoing) return;
    this.#isGoing = true;
    this.#sendGoAway(ErrorCode.NoError);
    this.#output.frame(FrameType.Ping, 0, 0, DRAIN_PING);
    this.#setTimer(this.#serveNoMore, this.#options.limits.refusalTimeoutMs);
    this.#flush();
  }

  flushSoon(): void {
    if (this.#isReading || this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(this.#flush);
  }

  spend(units: number, what: string): void {
    if (this.#budget.spend(units) || this.#isThrottled || this.#isOver) return;
    // It is asked to go, and nothing it sends begins a call any more; those that are open still finish.
    this.#isThrottled = true;
    this.#isGoing = true;
    this.#lastServed = Math.min(this.#lastServed, this.#streams.last);
    this.#sendGoAway(ErrorCode.EnhanceYourCalm);
    this.#setTimer(() => this.#end(), THROTTLED_LINGER_MS);
    this.#options.onExceeded(what, this.peer);
  }

  earn(): void {
    this.#budget.earn();
  }

  onSettings(): void {
    if (!this.#isGoing) clearTimeout(this.#timer);
  }

  onPingAck(payload: Buffer): void {
    this.#hasAnswered = true;
    if (payload.equals(DRAIN_PING)) this.#serveNoMore();
  }

  onGoAway(): void {
    if (this.#isGoing && this.#lastServed !== MAX_STREAM_ID) return;
    this.#isGoing = true;
    this.#lastServed = Math.min(this.#lastServed, this.#streams.last);
    this.#sendGoAway(ErrorCode.NoError);
  }

  fail(fault: ConnectionFault): void {
    if (this.#isOver) return;
    this.logger.debug("HTTP/2 connection failed", { error: fault });
    this.#lastServed = Math.min(this.#lastServed, this.#streams.last);
    this.#sendGoAway(fault.code);
    this.#output.flush();
    this.#end();
  }

  readonly #read = (bytes: Buffer, length: number): void => {
    if (this.#isOver) return;
    const startedAt = performance.now();
    if (!this.#options.turns.continues(this.#readAt, startedAt)) this.#spentMs = 0;
    this.#readAt = startedAt;
    this.#isReading = true;
    try {
      this.#reader.read(
        bytes,
        this.#prefaceBytes < HTTP2_PREFACE.length ? this.#endOfPreface(bytes, length) : 0,
        length,
      );
      this.#streams.afterRead();
    } catch (error) {
      this.#caught(error);
    }
    this.#isReading = false;
    this.#flush();
    this.#options.onTurn(startedAt);
    this.#share();
  };

  /** Lets other connections have their turns, where this one has had its share or is read seldom. */
  #share(): void {
    const now = performance.now();
    this.#spentMs += now - this.#readAt;
    this.#readAt = now;
    if (this.#isOver || this.#isDeferred) return;
    if (!this.#isThrottled && this.#spentMs <= this.#options.turns.shareMs) return;
    this.#isDeferred = true;
    this.#socket.pause();
    if (this.#isThrottled) setTimeout(this.#goOn, THROTTLED_READ_MS);
    else this.#options.turns.next(this.#goOn);
  }

  readOnSoon(): void {
    if (this.#isOver || this.#isDeferred) return;
    this.#isDeferred = true;
    this.#options.turns.next(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#isDeferred = false;
    this.#spentMs = 0;
    this.#readOn();
  };

  #readOn(): void {
    if (this.#isOver || this.#isDeferred || this.isBackedUp) return;
    this.#socket.resume();
    if (this.#reader.hasMore) this.#read(NOTHING, 0);
  }

  #endOfPreface(bytes: Buffer, length: number): number {
    const known = this.#prefaceBytes;
    const end = Math.min(length, HTTP2_PREFACE.length - known);
    if (bytes.compare(HTTP2_PREFACE, known, known + end, 0, end) !== 0) {
      throw new ConnectionFault(ErrorCode.ProtocolError, "a connection that does not begin as HTTP/2 does");
    }
    this.#prefaceBytes += end;
    return end;
  }

  #caught(error: unknown): void {
    if (error instanceof ConnectionFault) this.fail(error);
    else if (error instanceof HpackFault) this.fail(new ConnectionFault(ErrorCode.CompressionError, error.message));
    else {
      this.logger.error("unexpected error in an HTTP/2 connection", { error });
      this.fail(new ConnectionFault(ErrorCode.InternalError, "a fault of the server's own"));
    }
  }

  readonly #flush = (): void => {
    this.#willFlush = false;
    if (this.#isOver) return;
    this.#output.flush();
    if (this.isBackedUp) this.#socket.pause();
    if (this.#isGoing && this.#streams.count === 0 && this.#lastServed !== MAX_STREAM_ID) this.#end();
  };

  /** The peer reads again. */
  readonly #onDrain = (): void => {
    if (this.#isOver) return;
    // A ping's answer waits behind all that the peer has yet to read.
    this.#hasAnswered = true;
    this.#streams.resumeWriting();
    this.#flush();
    this.#readOn();
  };

  /** Every request that the peer had sent before it knew has begun. */
  readonly #serveNoMore = (): void => {
    if (this.#isOver || this.#lastServed !== MAX_STREAM_ID) return;
    this.#lastServed = this.#streams.last;
    this.#sendGoAway(ErrorCode.NoError);
    this.#flush();
  };

  #sendGoAway(code: number): void {
    this.#output.frame(FrameType.GoAway, 0, 0, Buffer.concat([uint32(this.#lastServed), uint32(code)]));
  }

  /** What the peer still sends flows by meanwhile: a socket closed with unread bytes is reset, and a reset arrives before the GOAWAY. */
  #end(): void {
    this.#isOver = true;
    this.#streams.abandonAll();
    this.#socket.end();
    this.#socket.resume();
    this.#setTimer(() => this.#socket.destroy(), this.#options.limits.refusalTimeoutMs);
  }

  readonly #closed = (): void => {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#streams.abandonAll();
    this.#options.onClosed(this);
  };

  #setTimer(whenOver: () => void, delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(whenOver, delayMs);
  }
}
