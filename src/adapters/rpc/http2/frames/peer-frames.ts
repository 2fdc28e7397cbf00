import { HeaderDecoder } from "../hpack/header-decoder.js";
import type { ReceiveWindow } from "../streams/http2-stream.js";
import type { RequestStreams } from "../streams/request-streams.js";
import type { FrameOutput } from "./frame-output.js";
import { blockStart, contentEnd, contentStart, type FrameSink, HeaderBlock } from "./frame-reader.js";
import { ConnectionFault, ErrorCode, Flag, FrameType, MAX_STREAM_ID, type PeerSettings } from "./protocol.js";

const NOTHING = Buffer.alloc(0);
const GOAWAY_BYTES = 8;
const GOAWAY_UNITS = 10;
const SETTINGS_BYTES_A_UNIT = 60;
/** Of the frames whose length the protocol fixes. */
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [FrameType.Priority, 5],
  [FrameType.RstStream, 4],
  [FrameType.Ping, 8],
  [FrameType.WindowUpdate, 4],
]);

/** What a peer says about its connection. */
export interface FramesOwner {
  /** After which nothing of what still comes is heard. */
  readonly isOver: boolean;
  /** The last stream that is served. */
  readonly lastServed: number;
  /** Whether its control frames are ignored, since there were too many. */
  readonly isThrottled: boolean;
  /** Work that is no part of a call. @param what for the log, in the plural */
  spend(units: number, what: string): void;
  onSettings(): void;
  onPingAck(payload: Buffer): void;
  onGoAway(): void;
}

/** Reads a peer's frames, and refuses those that break the protocol (RFC 9113, sections 5 and 6). */
export class PeerFrames implements FrameSink {
  readonly #owner: FramesOwner;
  readonly #streams: RequestStreams;
  readonly #output: FrameOutput;
  readonly #peer: PeerSettings;
  readonly #window: ReceiveWindow;
  readonly #decoder: HeaderDecoder;
  #block: HeaderBlock | undefined;
  #hasSettings = false;

  constructor(
    owner: FramesOwner,
    streams: RequestStreams,
    output: FrameOutput,
    peer: PeerSettings,
    window: ReceiveWindow,
    maxHeaderBytes: number,
  ) {
    this.#owner = owner;
    this.#streams = streams;
    this.#output = output;
    this.#peer = peer;
    this.#window = window;
    this.#decoder = new HeaderDecoder(maxHeaderBytes);
  }

  /** @throws ConnectionFault, HpackFault */
  frame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    if (this.#owner.isOver) return;
    if (!this.#hasSettings && type !== FrameType.Settings)
      throw protocolError("a connection that does not begin with settings");
    if (this.#block !== undefined && type !== FrameType.Continuation)
      throw protocolError("a frame within a header block");
    switch (type) {
      case FrameType.Data:
        this.#data(flags, stream, bytes, from, to);
        break;
      case FrameType.Headers:
        this.#headers(flags, stream, bytes, from, to);
        break;
      case FrameType.Continuation:
        this.#continuation(flags, stream, bytes.subarray(from, to));
        break;
      case FrameType.Settings:
        this.#settings(flags, stream, bytes, from, to);
        break;
      case FrameType.PushPromise:
        throw protocolError("a client that promises answers");
      case FrameType.GoAway:
        if (stream !== 0) throw protocolError("a stream that says goodbye");
        if (to - from < GOAWAY_BYTES) throw new ConnectionFault(ErrorCode.FrameSizeError, "a goodbye that is cut off");
        this.#owner.spend(GOAWAY_UNITS, "GOAWAY frames");
        this.#owner.onGoAway();
        break;
      default:
        this.#ofFixedLength(type, flags, stream, bytes.subarray(from, to));
    }
  }

  #data(flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    this.#mustHaveBegun(stream);
    this.#window.received(to - from);
    if (this.#isTooLate(stream)) return;
    const start = contentStart(flags, bytes, from, to);
    const end = contentEnd(flags, bytes, from, to);
    this.#streams.data(stream, bytes, start, end, to - from - (end - start), (flags & Flag.EndStream) !== 0);
  }

  #headers(flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    // Also 0, which is the connection.
    if (stream % 2 === 0) throw protocolError(`headers on stream ${stream}`);
    const start = contentStart(flags, bytes, from, to);
    const end = contentEnd(flags, bytes, from, to);
    const at = blockStart(flags, stream, bytes, start, end);
    if ((flags & Flag.EndHeaders) !== 0) this.#headerBlock(stream, flags, bytes, at, end);
    else this.#block = new HeaderBlock(stream, flags, bytes.subarray(at, end));
  }

  #continuation(flags: number, stream: number, bytes: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw protocolError("a header block that goes on and has not begun");
    this.#owner.spend(1, "CONTINUATION frames");
    const complete = block.add(stream, flags, bytes);
    if (complete === undefined) return;
    this.#block = undefined;
    this.#headerBlock(stream, block.flags, complete, 0, complete.length);
  }

  #headerBlock(stream: number, flags: number, bytes: Buffer, from: number, to: number): void {
    // Also of streams that are not served: what follows refers to it.
    const headers = this.#decoder.decode(bytes, from, to);
    const isEnd = (flags & Flag.EndStream) !== 0;
    if (this.#isTooLate(stream)) return;
    if (stream <= this.#streams.last) this.#streams.trailers(stream, headers, isEnd);
    else this.#streams.begin(stream, headers, isEnd);
  }

  #settings(flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    if (stream !== 0) throw protocolError("settings on a stream");
    if ((flags & Flag.Ack) !== 0) {
      if (to > from) throw new ConnectionFault(ErrorCode.FrameSizeError, "an acknowledgement that says more");
      return;
    }
    this.#owner.spend(1 + Math.ceil((to - from) / SETTINGS_BYTES_A_UNIT), "SETTINGS frames");
    const { initialWindow } = this.#peer;
    this.#peer.take(bytes, from, to);
    if (this.#owner.isThrottled) {
      // Calls that are open still finish, by the windows that the client last gave them.
      this.#streams.peerChangedSoon(initialWindow);
      return;
    }
    this.#output.frame(FrameType.Settings, Flag.Ack, 0, NOTHING);
    this.#streams.peerChanged(initialWindow);
    if (this.#hasSettings) return;
    this.#hasSettings = true;
    this.#owner.onSettings();
  }

  #ofFixedLength(type: number, flags: number, stream: number, payload: Buffer): void {
    const bytes = FIXED_BYTES.get(type);
    // A type that is unknown has to be ignored.
    if (bytes === undefined) {
      this.#owner.spend(1, "frames of unknown types");
      return;
    }
    if (payload.length !== bytes)
      throw new ConnectionFault(ErrorCode.FrameSizeError, `a frame of type ${type} with ${payload.length} bytes`);
    switch (type) {
      case FrameType.Ping:
        this.#ping(flags, stream, payload);
        break;
      case FrameType.WindowUpdate:
        this.#windowUpdate(stream, payload.readUInt32BE() & MAX_STREAM_ID);
        break;
      case FrameType.RstStream:
        this.#mustHaveBegun(stream);
        if (!this.#isTooLate(stream)) this.#streams.cancelled(stream);
        break;
      default:
        // Nothing is done about priorities, which the protocol has given up.
        this.#owner.spend(1, "PRIORITY frames");
        if (stream === 0) throw protocolError("a priority of the connection");
        if ((payload.readUInt32BE() & MAX_STREAM_ID) === stream) throw protocolError("a stream that depends on itself");
    }
  }

  #ping(flags: number, stream: number, payload: Buffer): void {
    if (stream !== 0) throw protocolError("a ping on a stream");
    if ((flags & Flag.Ack) !== 0) {
      this.#owner.onPingAck(payload);
      return;
    }
    this.#owner.spend(1, "PING frames");
    if (!this.#owner.isThrottled) this.#output.frame(FrameType.Ping, Flag.Ack, 0, payload);
  }

  #windowUpdate(stream: number, bytes: number): void {
    this.#owner.spend(1, "WINDOW_UPDATE frames");
    if (stream !== 0) {
      this.#mustHaveBegun(stream);
      this.#streams.openWindow(stream, bytes);
    } else if (bytes === 0) throw protocolError("a window that opens by nothing");
    else this.#streams.openConnectionWindow(bytes);
  }

  /** The client has opened it before it knew that it is not served any more, or in spite of that. */
  #isTooLate(stream: number): boolean {
    return stream > this.#owner.lastServed;
  }

  #mustHaveBegun(stream: number): void {
    if (stream % 2 === 0 || (stream > this.#streams.last && !this.#isTooLate(stream)))
      throw protocolError(`a frame on stream ${stream}, which has not begun`);
  }
}

function protocolError(message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.ProtocolError, message);
}

/** As much as an honest peer needs at once; a flood of it takes some 20 ms of processor time. */
const BURST = 20_000;
const PER_SECOND = 2_000;
/** What each answered call adds: clients ping and open windows in proportion to what they receive. */
const EARNED_BY_A_CALL = 10;

/** Bounds the frames of a connection that are no part of a call but cost work: SETTINGS, PING, PRIORITY, empty DATA and so on. */
export class ControlBudget {
  #left = BURST;
  #at = performance.now();

  /** @returns false where it is used up */
  spend(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0 || this.#refill();
  }

  earn(): void {
    if (this.#left < BURST) this.#left += EARNED_BY_A_CALL;
  }

  #refill(): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1_000) * PER_SECOND);
    this.#at = now;
    return this.#left >= 0;
  }
}
