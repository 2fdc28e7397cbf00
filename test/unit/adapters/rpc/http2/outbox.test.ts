import { Writable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { FrameOutput } from "../../../../../src/adapters/rpc/http2/frames/frame-output.js";
import { END_HEADERS, framesIn } from "../../../../integration/http2/http2-frames.js";

/** What a socket does whose peer reads when it likes to. */
class SlowSink extends Writable {
  readonly taken: Buffer[] = [];
  #done: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 16_384 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk);
    this.#done = done;
  }

  /** Takes all that was written. */
  drain(): void {
    while (this.#done !== undefined) {
      const done = this.#done;
      this.#done = undefined;
      done();
    }
  }
}

describe("what waits for a peer that does not read", () => {
  it("holds on to little more memory than it is", () => {
    const sink = new SlowSink();
    const outbox = new FrameOutput(sink);
    for (let frame = 0; frame < 1_000; frame++) {
      outbox.frame(6, 0, 0, Buffer.alloc(8));
      outbox.flush();
    }
    sink.drain();
    const memory = new Set(sink.taken.map(({ buffer }) => buffer));
    expect(Buffer.concat(sink.taken)).toHaveLength(17_000);
    expect([...memory].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(200_000);
  });

  it("is not written over by what comes after", () => {
    const sink = new SlowSink();
    const outbox = new FrameOutput(sink);
    const others = new FrameOutput(new SlowSink());
    for (let stream = 1; stream <= 500; stream++) {
      outbox.frame(0, 0, stream, Buffer.alloc(stream, stream));
      outbox.flush();
      others.frame(0, 0, 0, Buffer.alloc(1_000));
      others.flush();
    }
    sink.drain();
    const frames = framesIn(Buffer.concat(sink.taken));
    expect(frames.map(({ stream, payload }) => [stream, payload])).toEqual(
      Array.from({ length: 500 }, (_, index) => [index + 1, Buffer.alloc(index + 1, index + 1)]),
    );
  });

  it("is known to wait from the high-water mark on, until it is taken", () => {
    const sink = new SlowSink();
    const outbox = new FrameOutput(sink);
    outbox.frame(0, 0, 1, Buffer.alloc(10_000));
    outbox.flush();
    expect(outbox.isBackedUp).toBe(false);
    outbox.frame(0, 0, 1, Buffer.alloc(10_000));
    outbox.flush();
    expect(outbox.isBackedUp).toBe(true);
    sink.drain();
    expect(outbox.isBackedUp).toBe(false);
  });
});

it("frames that do not fit at once are written in turn, none of them cut or lost", () => {
  const sink = new SlowSink();
  const outbox = new FrameOutput(sink);
  const payloads = Array.from({ length: 50 }, (_, index) => Buffer.alloc(10_000 + index, index));
  for (const [stream, payload] of payloads.entries()) outbox.frame(0, 0, stream, payload);
  outbox.flush();
  sink.drain();
  expect(framesIn(Buffer.concat(sink.taken)).map(({ stream, payload }) => [stream, payload])).toEqual([
    ...payloads.entries(),
  ]);
});

describe("a header block", () => {
  it.each([0, 1, 16_384, 16_385, 60_000])("of %d bytes comes in as few frames as it takes", (bytes) => {
    const sink = new SlowSink();
    const outbox = new FrameOutput(sink);
    const block = Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));
    outbox.headers(5, 1, block);
    outbox.flush();
    sink.drain();
    const frames = framesIn(Buffer.concat(sink.taken));
    expect(Buffer.concat(frames.map(({ payload }) => payload))).toEqual(block);
    expect(frames.map(({ type }) => type)).toEqual([
      1,
      ...Array<number>(Math.max(0, Math.ceil(bytes / 16_384) - 1)).fill(9),
    ]);
    expect(frames.map(({ flags }) => flags & END_HEADERS)).toEqual(
      frames.map((_, index) => (index === frames.length - 1 ? END_HEADERS : 0)),
    );
    expect(frames[0]!.flags & 1).toBe(1);
  });
});
