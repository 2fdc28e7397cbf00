import { gzipSync } from "node:zlib";
import type { Header } from "../../src/adapters/rpc/http2/hpack/header-table.js";
import { type Call, fillIn, type Template } from "./calls.js";
import { DATA, END_HEADERS, END_STREAM, frame, FRAME_HEADER_BYTES, HEADERS } from "./frames.js";
import { HeaderEncoder } from "./header-encoder.js";
import type { CallForm } from "./load-job.js";

export const GRPC_PREFIX_BYTES = 5;

/** As a client with a deadline sends it. */
const TIMEOUT = "1S";

/** How a form looks on the wire. */
interface FormLayout {
  readonly headers: readonly Header[];
  /** Of messages, in both directions. */
  readonly prefixBytes: number;
  readonly isJson: boolean;
  /** Whether an answer ends with its body. */
  readonly hasNoTrailers: boolean;
}

const GRPC: FormLayout = {
  headers: [
    { name: "te", value: "trailers" },
    { name: "content-type", value: "application/grpc" },
    { name: "grpc-timeout", value: TIMEOUT },
  ],
  prefixBytes: GRPC_PREFIX_BYTES,
  isJson: false,
  hasNoTrailers: false,
};

function connectLayout(type: string, isJson: boolean): FormLayout {
  const headers = [
    { name: "content-type", value: `application/${type}` },
    { name: "connect-protocol-version", value: "1" },
    { name: "connect-timeout-ms", value: "1000" },
  ];
  return { headers, prefixBytes: 0, isJson, hasNoTrailers: true };
}

export const FORMS: Readonly<Record<CallForm, FormLayout>> = {
  grpc: GRPC,
  "grpc-gzip": {
    ...GRPC,
    headers: [
      ...GRPC.headers,
      { name: "grpc-encoding", value: "gzip" },
      { name: "grpc-accept-encoding", value: "gzip" },
    ],
  },
  "grpc-web": {
    headers: [
      { name: "content-type", value: "application/grpc-web+proto" },
      { name: "x-grpc-web", value: "1" },
      { name: "grpc-timeout", value: TIMEOUT },
    ],
    prefixBytes: GRPC_PREFIX_BYTES,
    isJson: false,
    hasNoTrailers: true,
  },
  "connect-proto": connectLayout("proto", false),
  "connect-json": connectLayout("json", true),
};

/** Whole messages that were compressed beforehand: as many as there are, customers are asked for over and over. */
const COMPRESSED_CUSTOMERS = 256;

/** A whole request but for the number of its stream and the ids in it. */
export interface RequestFrames {
  readonly call: Call;
  /** What is filled in at `messageAt`; undefined where messages were made beforehand. */
  readonly template: Template | undefined;
  /** HEADERS, and DATA unless messages were made beforehand. */
  bytes: Buffer;
  /** Where the message begins; the frame that holds it begins before. */
  messageAt: number;
  wasSent: boolean;
}

/** The frames of all calls of one connection. A header is spelled out once and an index from then on. */
export class RequestFramesOfConnection {
  readonly #encoder = new HeaderEncoder();
  readonly #authority: string;
  readonly #form: FormLayout;
  readonly #authorization: string | undefined;
  readonly #all: readonly RequestFrames[];

  constructor(calls: readonly Call[], authority: string, form: CallForm, authorization: string | undefined) {
    this.#authority = authority;
    this.#form = FORMS[form];
    this.#authorization = authorization;
    this.#all = calls.map((call) => ({
      call,
      template: form === "grpc-gzip" ? undefined : this.#form.isJson ? call.json : call.message,
      bytes: Buffer.alloc(0),
      messageAt: 0,
      wasSent: false,
    }));
  }

  /** What to send for a call, now. After it was sent, `sent` has to be reported before anything else is asked for. */
  of(call: number): RequestFrames {
    const frames = this.#all[call]!;
    if (!frames.wasSent) this.#build(frames);
    return frames;
  }

  /** A call was sent for the first time: what it has spelled out moves the indices of all others. */
  sent(frames: RequestFrames): void {
    frames.wasSent = true;
    for (const other of this.#all) if (other.wasSent) this.#build(other);
  }

  #build(frames: RequestFrames): void {
    const headers = frame(HEADERS, END_HEADERS, 0, this.#encoder.encode(this.#headersOf(frames.call)));
    const { prefixBytes } = this.#form;
    frames.messageAt = headers.length + FRAME_HEADER_BYTES + prefixBytes;
    frames.bytes =
      frames.template === undefined
        ? headers
        : Buffer.concat([headers, frame(DATA, END_STREAM, 0, prefixed(frames.template.bytes, prefixBytes, 0))]);
  }

  #headersOf({ path }: Call): readonly Header[] {
    return [
      { name: ":method", value: "POST" },
      { name: ":scheme", value: "http" },
      { name: ":path", value: path },
      { name: ":authority", value: this.#authority },
      ...this.#form.headers,
      { name: "user-agent", value: "bench" },
      ...(this.#authorization === undefined ? [] : [{ name: "authorization", value: this.#authorization }]),
    ];
  }
}

function prefixed(message: Buffer, prefixBytes: number, flags: number): Buffer {
  if (prefixBytes === 0) return message;
  const prefix = Buffer.alloc(prefixBytes);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const compressed = new Map<Call, Map<number, Buffer>>();

/** The whole DATA frame of a gzipped message, of one of few customers. @returns the customer that it is of */
export function compressedFrame(
  call: Call,
  customer: number,
  feature: number,
): { readonly customer: number; readonly bytes: Buffer } {
  const known = customer % COMPRESSED_CUSTOMERS;
  let frames = compressed.get(call);
  if (frames === undefined) compressed.set(call, (frames = new Map()));
  const place = known * 256 + feature;
  let bytes = frames.get(place);
  if (bytes === undefined) {
    const message = Buffer.from(call.message.bytes);
    fillIn(call.message, message, 0, known, feature);
    frames.set(place, (bytes = frame(DATA, END_STREAM, 0, prefixed(gzipSync(message), GRPC_PREFIX_BYTES, 1))));
  }
  return { customer: known, bytes };
}
