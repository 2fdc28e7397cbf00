import { constants, type ServerHttp2Stream } from "node:http2";
import type { StreamHandler } from "../listener/request-handler.js";
import { stopUpload } from "../request-body.js";
import type { HotMethod } from "./hot-methods.js";
import { LaneCall, type LaneOptions } from "./lane-call.js";
import { plainTimeoutMs } from "./lane-headers.js";
import { Uploads } from "./uploads.js";

const CALL = Symbol("the lane's call");

interface LaneStream extends ServerHttp2Stream {
  [CALL]: LaneCall;
}

/**
 * Serves plain gRPC calls of hot methods straight from the HTTP/2 stream, at a tenth of what they cost by way
 * of request and response objects.
 *
 * @param methods by path
 */
export function createFastLane(methods: ReadonlyMap<string, HotMethod>, options: LaneOptions): StreamHandler {
  const uploads = new Uploads();
  return (stream, headers, flags) => {
    const method = methods.get(headers[":path"] ?? "");
    if (method === undefined || (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) return false;
    const timeoutMs = plainTimeoutMs(headers);
    if (timeoutMs === undefined) return false;
    const call = new LaneCall(options, stream, headers, method, timeoutMs);
    (stream as LaneStream)[CALL] = call;
    // One function for all streams: a closure each would cost more than all else that is done here.
    stream.on("error", ignore);
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("wantTrailers", onWantTrailers);
    uploads.begin(call);
    return true;
  };
}

function onData(this: LaneStream, chunk: Buffer): void {
  this[CALL].receive(chunk);
}

function onEnd(this: LaneStream): void {
  this[CALL].end();
}

function onWantTrailers(this: LaneStream): void {
  this.sendTrailers(this[CALL].trailers);
  stopUpload.call(this);
}

function ignore(): void {
  // A caller who hangs up is no failure, and without a listener would end the process.
}
