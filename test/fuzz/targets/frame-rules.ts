import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  type Frame,
  GOAWAY,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  PADDED,
  PING,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "../../integration/http2/http2-frames.js";

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const FRAME_SIZE_ERROR = 6;
const COMPRESSION_ERROR = 9;
const PUSH_PROMISE = 5;
const PRIORITY_FLAG = 0x20;
const MAX_FRAME = 16_384;
const MAX_WINDOW = 0x7fff_ffff;

/**
 * What has to become of a connection after a frame, by RFC 9113 alone: "goes on", one of the codes with which it may be ended,
 * or "either" where the RFC leaves it open or more is needed to say.
 */
export type Verdict = "goes on" | "either" | readonly number[];

/** The state of a connection as far as the rules need it. */
export class FrameRules {
  #last: number;
  #block: number | undefined;
  #window = 65_535;

  /** @param last the newest stream, all of which are open in both directions */
  constructor(last: number) {
    this.#last = last;
  }

  /** Whether the last frame has left a header block unfinished. */
  get isWithinBlock(): boolean {
    return this.#block !== undefined;
  }

  judge(frame: Frame): Verdict {
    const { type, flags, stream, payload } = frame;
    if (payload.length > MAX_FRAME) return [FRAME_SIZE_ERROR];
    if (this.#block !== undefined && type !== CONTINUATION) return [PROTOCOL_ERROR];
    switch (type) {
      case DATA:
        if (this.#isIdle(stream)) return [PROTOCOL_ERROR];
        return isBadlyPadded(frame) ? [PROTOCOL_ERROR, FRAME_SIZE_ERROR] : "either";
      case HEADERS:
        return this.#headers(frame);
      case CONTINUATION:
        if (this.#block === undefined || this.#block !== stream) return [PROTOCOL_ERROR];
        if ((flags & END_HEADERS) === 0) return "either";
        this.#block = undefined;
        return "either";
      case PRIORITY:
        if (stream === 0) return payload.length === 5 ? [PROTOCOL_ERROR] : [PROTOCOL_ERROR, FRAME_SIZE_ERROR];
        return "either";
      case RST_STREAM:
        if (this.#isIdle(stream)) return payload.length === 4 ? [PROTOCOL_ERROR] : [PROTOCOL_ERROR, FRAME_SIZE_ERROR];
        return payload.length === 4 ? "goes on" : [FRAME_SIZE_ERROR];
      case SETTINGS:
        return settingsVerdict(frame);
      case PUSH_PROMISE:
        return [PROTOCOL_ERROR];
      case PING:
        if (payload.length !== 8) return stream === 0 ? [FRAME_SIZE_ERROR] : [PROTOCOL_ERROR, FRAME_SIZE_ERROR];
        return stream === 0 ? "goes on" : [PROTOCOL_ERROR];
      case GOAWAY:
        if (stream !== 0) return [PROTOCOL_ERROR];
        return payload.length < 8 ? [FRAME_SIZE_ERROR] : "either";
      case WINDOW_UPDATE:
        return this.#windowUpdate(frame);
      default:
        return "goes on";
    }
  }

  #headers(frame: Frame): Verdict {
    const { flags, stream, payload } = frame;
    if (stream % 2 === 0) return [PROTOCOL_ERROR];
    if (isBadlyPadded(frame)) return [PROTOCOL_ERROR, FRAME_SIZE_ERROR];
    const rest = payload.length - ((flags & PADDED) !== 0 ? 1 + (payload[0] ?? 0) : 0);
    if ((flags & PRIORITY_FLAG) !== 0 && rest < 5) return [PROTOCOL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR];
    if ((flags & END_HEADERS) === 0) this.#block = stream;
    else this.#last = Math.max(this.#last, stream);
    return "either";
  }

  #windowUpdate({ stream, payload }: Frame): Verdict {
    if (payload.length !== 4)
      return this.#isIdle(stream) && stream !== 0 ? [PROTOCOL_ERROR, FRAME_SIZE_ERROR] : [FRAME_SIZE_ERROR];
    const bytes = payload.readUInt32BE() & MAX_WINDOW;
    if (stream !== 0) return this.#isIdle(stream) ? [PROTOCOL_ERROR] : "goes on";
    if (bytes === 0) return [PROTOCOL_ERROR];
    this.#window += bytes;
    // Less than this may be left of it.
    if (this.#window > MAX_WINDOW + 65_535) return [FLOW_CONTROL_ERROR];
    return this.#window > MAX_WINDOW ? "either" : "goes on";
  }

  /** Also 0, which is no stream. */
  #isIdle(stream: number): boolean {
    return stream % 2 === 0 || stream > this.#last;
  }
}

function isBadlyPadded({ flags, payload }: Frame): boolean {
  return (flags & PADDED) !== 0 && (payload[0] ?? payload.length) >= payload.length;
}

function settingsVerdict({ flags, stream, payload }: Frame): Verdict {
  const isMisplaced = stream !== 0;
  const isMisshapen = (flags & ACK) !== 0 ? payload.length > 0 : payload.length % 6 !== 0;
  if (isMisplaced) return isMisshapen ? [PROTOCOL_ERROR, FRAME_SIZE_ERROR] : [PROTOCOL_ERROR];
  if (isMisshapen) return [FRAME_SIZE_ERROR];
  if ((flags & ACK) !== 0) return "either";
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case 2:
        // A client that wants no pushes may only say so.
        if (value > 1) return [PROTOCOL_ERROR];
        break;
      case INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) return [FLOW_CONTROL_ERROR];
        // Windows that were opened before may overflow.
        if (value > 65_535) return "either";
        break;
      case 5:
        if (value < MAX_FRAME || value > 16_777_215) return [PROTOCOL_ERROR];
        break;
    }
  }
  return "goes on";
}
