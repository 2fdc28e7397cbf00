import type { Socket } from "node:net";
import type { Logger } from "../../../ports/logger.js";
import { HTTP2_PREFACE } from "../listener/http-protocol.js";
import type { ListenerLimits } from "../listener/listener-limits.js";
import { FrameReader } from "./frame-reader.js";
import { HpackFault } from "./hpack/hpack-fault.js";
import type { Lane } from "./lane.js";
import type { NodeAnswers, NodeSession } from "./node-session.js";
import { Outbox } from "./outbox.js";
import { PeerFrames, type FramesOwner } from "./peer-frames.js";
import { PeerSettings } from "./peer-settings.js";
import { ConnectionFault, ErrorCode, FrameType, MAX_STREAM_ID, Setting, settingsPayload, uint32 } from "./protocol.js";
import { readInPlace } from "./read-in-place.js";
import { ReceiveWindow } from "./receive-window.js";
import { RequestStreams, type StreamsOwner } from "./request-streams.js";
import { ResetBudget } from "./reset-budget.js";

/** The payloads of pings: that the peer answers, and that it has read everything up to there. */
const ALIVE = Buffer.from("alive?\0\0");
const NOTHING = Buffer.alloc(0);
const GOING = Buffer.from("going.\0\0");

export interface ConnectionOptions {
  readonly lane: Lane | undefined;
  readonly limits: ListenerLimits;
  readonly logger: Logger;
  /** A session that ends with the connection. */
  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession;
  onClosed(connection: Http2Connection): void;
}

/** One connection of a client that speaks HTTP/2: its bytes, its beginning and its end. */
export class Http2Connection implements FramesOwner, StreamsOwner {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox;
  readonly #streams: RequestStreams;
  readonly #reader: FrameReader;
  readonly #resets = new ResetBudget();
  #prefaceBytes = 0;
  #isReading = false;
  #willFlush = false;
  #hasAnswered = true;
  #isGoing = false;
  #lastServed = MAX_STREAM_ID;
  #isOver = false;
  #timer: NodeJS.Timeout;

  constructor(socket: Socket, options: ConnectionOptions) {
    const { limits } = options;
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new Outbox(socket);
    const peer = new PeerSettings();
    const window = new ReceiveWindow(this.#outbox);
    this.#streams = new RequestStreams(this, this.#outbox, peer, window);
    // A peer that does not read is not listened to either: nothing else bounds the answers that would wait.
    this.#reader = new FrameReader(new PeerFrames(this, this.#streams, this.#outbox, peer, window, limits.maxHeaderBytes), this.#outbox);
    this.#timer = setTimeout(() => socket.destroy(), limits.headersTimeoutMs);
    readInPlace(socket, this.#read);
    socket.on("drain", this.#resume);
    socket.once("close", this.#closed);
    const settings = settingsPayload([Setting.MaxConcurrentStreams, limits.maxConcurrentStreams], [Setting.MaxHeaderListSize, limits.maxHeaderBytes]);
    this.#outbox.frame(FrameType.Settings, 0, 0, settings);
    this.#flush();
  }

  get lane(): Lane | undefined {
    return this.#options.lane;
  }

  get logger(): Logger {
    return this.#options.logger;
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

  /** Ends a peer that has neither answered nor read on since this was called last. */
  checkAlive(): void {
    if (this.#isOver) return;
    if (!this.#hasAnswered) {
      this.#socket.destroy();
      return;
    }
    this.#hasAnswered = false;
    this.#outbox.frame(FrameType.Ping, 0, 0, ALIVE);
    this.#flush();
  }

  /**
   * Asks the peer to go, and closes after the last answer. Requests that were on their way before the peer could know
   * are served: which those are is known once it has answered a ping, or has had time to.
   */
  drain(): void {
    if (this.#isOver || this.#isGoing) return;
    this.#isGoing = true;
    this.#sayGoodbye(ErrorCode.NoError);
    this.#outbox.frame(FrameType.Ping, 0, 0, GOING);
    this.#setTimer(this.#serveNoMore);
    this.#flush();
  }

  flushSoon(): void {
    if (this.#isReading || this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(this.#flush);
  }

  countReset(): void {
    if (!this.#resets.take()) this.fail(new ConnectionFault(ErrorCode.EnhanceYourCalm, "streams reset faster than they may be"));
  }

  openNodeSession(answers: NodeAnswers, initialWindow: number): NodeSession {
    return this.#options.openNodeSession(answers, initialWindow);
  }

  peerIsReady(): void {
    if (!this.#isGoing) clearTimeout(this.#timer);
  }

  peerAnswered(ping: Buffer): void {
    this.#hasAnswered = true;
    if (ping.equals(GOING)) this.#serveNoMore();
  }

  peerGoes(): void {
    this.#isGoing = true;
    this.#lastServed = Math.min(this.#lastServed, this.#streams.last);
    this.#sayGoodbye(ErrorCode.NoError);
  }

  fail(fault: ConnectionFault): void {
    if (this.#isOver) return;
    this.logger.debug("an HTTP/2 connection failed", { error: fault });
    this.#lastServed = Math.min(this.#lastServed, this.#streams.last);
    this.#sayGoodbye(fault.code);
    this.#outbox.flush();
    this.#end();
  }

  readonly #read = (bytes: Buffer, length: number): void => {
    if (this.#isOver) return;
    this.#isReading = true;
    try {
      this.#reader.read(bytes, this.#prefaceBytes < HTTP2_PREFACE.length ? this.#endOfPreface(bytes, length) : 0, length);
      this.#streams.limitArrivals();
    } catch (error) {
      this.#caught(error);
    }
    this.#isReading = false;
    this.#flush();
  };

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
      this.logger.error("an HTTP/2 connection failed in a way that was not foreseen", { error });
      this.fail(new ConnectionFault(ErrorCode.InternalError, "a fault of the server's own"));
    }
  }

  readonly #flush = (): void => {
    this.#willFlush = false;
    if (this.#isOver) return;
    this.#outbox.flush();
    if (this.#outbox.isBackedUp) this.#socket.pause();
    if (this.#isGoing && this.#streams.count === 0 && this.#lastServed !== MAX_STREAM_ID) this.#end();
  };

  /** The peer reads again. */
  readonly #resume = (): void => {
    if (this.#isOver) return;
    // A ping's answer waits behind all that the peer has yet to read.
    this.#hasAnswered = true;
    this.#socket.resume();
    this.#streams.resumeWriting();
    this.#read(NOTHING, 0);
  };

  /** Every request that the peer had sent before it knew has begun. */
  readonly #serveNoMore = (): void => {
    if (this.#isOver || this.#lastServed !== MAX_STREAM_ID) return;
    this.#lastServed = this.#streams.last;
    this.#sayGoodbye(ErrorCode.NoError);
    this.#flush();
  };

  #sayGoodbye(code: number): void {
    this.#outbox.frame(FrameType.GoAway, 0, 0, Buffer.concat([uint32(this.#lastServed), uint32(code)]));
  }

  /** What the peer still sends flows by meanwhile: a socket closed with unread bytes is reset, and a reset overtakes what was said. */
  #end(): void {
    this.#isOver = true;
    this.#streams.abandonAll();
    this.#socket.end();
    this.#socket.resume();
    this.#setTimer(() => this.#socket.destroy());
  }

  readonly #closed = (): void => {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#streams.abandonAll();
    this.#options.onClosed(this);
  };

  #setTimer(whenOver: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(whenOver, this.#options.limits.refusalTimeoutMs);
  }
}
