import { describe, expect, it } from "@jest/globals";
import type { ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import type { Route } from "../../../src/adapters/rpc/exchange/request-handlers.js";
import type { HeaderList } from "../../../src/adapters/rpc/http2/hpack/header-table.js";
import { answerPattern, PASSED_ON, PATHS, pattern, PatternFastPath } from "./http2-answering.js";
import {
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  grpcFields,
  headers,
  PADDED,
  padded,
  PRIORITY,
  reset,
  RST_STREAM,
  uint32,
  windowUpdate,
} from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";
import { expectServing, startServing } from "./http2-serving.js";

/** The general path begins with the first message. */
const EMPTY_MESSAGE = Buffer.alloc(5);
const PROTOCOL_ERROR = 1;
const INTERNAL_ERROR = 2;
const FLOW_CONTROL_ERROR = 3;
const STREAM_CLOSED = 5;
const FRAME_SIZE_ERROR = 6;
const REFUSED_STREAM = 7;
const ENHANCE_YOUR_CALM = 11;

describe("a request that was ended before its client had ended it", () => {
  const RESTS: [string, (stream: number) => Buffer][] = [
    ["data", (stream) => Buffer.concat([data(stream, Buffer.alloc(10)), data(stream, Buffer.alloc(10), END_STREAM)])],
    ["trailers", (stream) => headers(stream, [["x-trailer", "1"]], END_HEADERS | END_STREAM)],
    ["a window", (stream) => windowUpdate(stream, 1)],
    ["a cancellation", (stream) => reset(stream)],
    [
      "data without end",
      (stream) => Buffer.concat(Array.from({ length: 1_200 }, () => data(stream, Buffer.alloc(10)))),
    ],
  ];
  const REASONS: [string, (peer: Http2Peer) => { stream: number; code: number }][] = [
    [
      "refused",
      (peer) => {
        for (let held = 0; held < 2; held++) peer.call("/fast/0?held");
        return { stream: peer.begin(grpcFields("/general/1")), code: REFUSED_STREAM };
      },
    ],
    [
      "too long in its headers",
      (peer) => ({
        stream: peer.begin([...grpcFields("/general/1"), ["x", "y".repeat(5_000)]]),
        code: ENHANCE_YOUR_CALM,
      }),
    ],
    [
      "answered early by the general path",
      (peer) => {
        const stream = peer.begin(grpcFields("/general/early"));
        peer.sendData(stream, EMPTY_MESSAGE);
        return { stream, code: 0 };
      },
    ],
    ["answered early by the fast path", (peer) => ({ stream: peer.begin(grpcFields("/fast/early")), code: 0 })],
    [
      "answered with headers alone, and with more after their end",
      (peer) => {
        const stream = peer.begin(grpcFields("/general/bare"));
        peer.sendData(stream, EMPTY_MESSAGE);
        return { stream, code: 0 };
      },
    ],
    [
      "in breach of the protocol",
      (peer) => {
        const stream = peer.begin(grpcFields("/general/1"));
        peer.write(windowUpdate(stream, 0));
        return { stream, code: PROTOCOL_ERROR };
      },
    ],
  ];

  describe.each(REASONS)("as it was %s", (_, begin) => {
    it.each(RESTS)("may still send %s", async (_name, rest) => {
      const onExchange: ExchangeHandler = async (exchange) => {
        if (exchange.target === "/general/early") exchange.send(200, [], "early");
        else if (exchange.target === "/general/bare") {
          exchange.respond(415, [], true);
          await exchange.write(Buffer.from("more"));
          exchange.end([["x-more", "1"]]);
        } else await answerPattern(exchange);
      };
      const fastPath = new PatternFastPath();
      const { port } = await startServing({
        onExchange,
        fastPath,
        limits: { maxConcurrentStreams: 2, maxHeaderBytes: 4_096 },
      });
      const peer = await Http2Peer.open(port);
      const { stream, code } = begin(peer);
      await peer.caughtUp();
      fastPath.answerEarly();
      await peer.until(() => peer.on(stream).reset !== undefined);
      expect(peer.on(stream).reset).toBe(code);
      peer.write(rest(stream));
      await peer.caughtUp();
      fastPath.answerHeld();
      await expectServing(peer);
      expect(peer.violations).toEqual([]);
      peer.destroy();
    });
  });
});

it("the streams that a client opens while it is asked to go cost it nothing but those", async () => {
  const fastPath = new PatternFastPath();
  const { port, listener } = await startServing({ fastPath });
  const peer = await Http2Peer.open(port);
  const underWay = peer.call("/fast/9?held");
  await peer.caughtUp();
  const drained = listener.drain(3_600_000);
  await peer.until(() => peer.goodbyes === 2);
  const late = peer.begin(grpcFields("/fast/9"));
  peer.write(
    data(late, Buffer.alloc(10_000)),
    windowUpdate(late, 5),
    headers(late, [["x", "1"]], END_HEADERS | END_STREAM),
    reset(late),
  );
  const later = Array.from({ length: 6 }, () => peer.call("/general/1", Buffer.alloc(10_000)));
  await peer.caughtUp();
  fastPath.answerHeld();
  await peer.untilOver(underWay);
  expect(peer.bodyOf(underWay)).toEqual(pattern(9));
  expect(later.map((stream) => peer.on(stream))).toEqual(
    later.map(() => expect.objectContaining({ blocks: [], reset: undefined })),
  );
  await Promise.all([drained, peer.client.closed]);
  expect(peer.goodbye).toBe(0);
});

it("a request of more than its window, which nobody reads, is ended, or its connection", async () => {
  const { port, log } = await startServing({ onExchange: () => new Promise(() => undefined) });
  const peer = await Http2Peer.open(port);
  const stream = peer.begin(grpcFields("/general/9"));
  const isPutOut = () => peer.on(stream).reset !== undefined || peer.goodbye !== undefined;
  while (!isPutOut()) {
    peer.sendData(stream, Buffer.alloc(5_000));
    await peer.until(() => peer.uploadWindow >= 5_000 || isPutOut());
  }
  expect([peer.on(stream).reset, peer.goodbye]).toContain(FLOW_CONTROL_ERROR);
  expect(log.entries.filter(({ level }) => level === "error")).toEqual([]);
});

it("a client that takes its leave is told what is still served, and gets that", async () => {
  const fastPath = new PatternFastPath();
  const { port } = await startServing({ fastPath });
  const peer = await Http2Peer.open(port);
  const underWay = peer.call("/fast/9?held");
  peer.write(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
  peer.call("/fast/9");
  await peer.until(() => peer.goodbye === 0);
  expect(peer.lastServed).toBe(underWay);
  await peer.caughtUp();
  fastPath.answerHeld();
  await Promise.all([peer.untilOver(underWay), peer.client.closed]);
  expect(peer.bodyOf(underWay)).toEqual(pattern(9));
});

describe.each(PATHS)("a request to %s", (who) => {
  it("that goes on after its end is ended, others go on", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields(`/${who}/9?held`));
    peer.write(data(stream, Buffer.alloc(5), END_STREAM), data(stream, Buffer.alloc(1)));
    await peer.until(() => peer.on(stream).reset !== undefined);
    expect(peer.on(stream).reset).toBe(STREAM_CLOSED);
    await expectServing(peer);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("with padding is read without it, and what padding took is given back", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields(`/${who}/9`));
    const paddedByte = padded(Buffer.of(1), 255);
    for (let sent = 0; sent < 1_000; sent++) {
      await peer.until(
        () => peer.uploadWindow >= paddedByte.length && peer.on(stream).uploadWindow >= paddedByte.length,
      );
      peer.sendData(stream, paddedByte, PADDED);
    }
    peer.sendData(stream, padded(Buffer.alloc(0), 255), PADDED | END_STREAM);
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject(
      who === "fast" ? { "x-from": who } : { "x-from": who, "x-bytes": "1000" },
    );
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it.each([
    ["on a stream of the server's", (stream: number) => data(stream + 1, Buffer.alloc(1)), PROTOCOL_ERROR],
    ["on a stream that has not begun", (stream: number) => data(stream + 2, Buffer.alloc(1)), PROTOCOL_ERROR],
    ["on the connection", () => data(0, Buffer.alloc(1)), PROTOCOL_ERROR],
    ["that is all padding and more", (stream: number) => frame(DATA, PADDED, stream, Buffer.of(9)), PROTOCOL_ERROR],
    ["that is too long", (stream: number) => data(stream, Buffer.alloc(16_385)), FRAME_SIZE_ERROR],
  ])("with data %s ends the connection", async (_, broken, code) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.write(broken(peer.begin(grpcFields(`/${who}/9`))));
    await peer.client.closed;
    expect(peer.goodbye).toBe(code);
  });
});

describe("a request that the fast path passes on", () => {
  it.each([1, 100, 5_000, 16_384])(
    "is complete for the general path where its first part has %d bytes and the last as many as a frame takes",
    async (first) => {
      const { port } = await startServing();
      const peer = await Http2Peer.open(port);
      const stream = peer.begin(grpcFields("/fast/9"));
      peer.sendData(
        stream,
        Buffer.concat([PASSED_ON, Buffer.alloc(first)]).subarray(0, Math.max(first, PASSED_ON.length)),
      );
      peer.sendData(stream, Buffer.alloc(16_384), END_STREAM);
      await peer.untilOver(stream);
      expect(peer.on(stream).blocks[0]).toMatchObject({
        "x-from": "general",
        "x-bytes": String(Math.max(first, PASSED_ON.length) + 16_384),
      });
      expect(peer.violations).toEqual([]);
      peer.destroy();
    },
  );

  it.each([0, 1, 15, 16, 17, 40])("is complete for the general path after %d empty parts", async (parts) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields("/fast/9"));
    for (let part = 0; part < parts; part++) peer.sendData(stream, Buffer.alloc(0));
    peer.sendData(stream, PASSED_ON, END_STREAM);
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "general", "x-bytes": String(PASSED_ON.length) });
    peer.destroy();
  });

  it("is served also where Node was given later ones before, and is itself what the client takes it for", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: 10 });
    const [first, second, third] = [
      peer.begin(grpcFields("/fast/1000")),
      peer.call("/general/2000"),
      peer.begin(grpcFields("/fast/3000")),
    ];
    await peer.until(() => peer.on(second).bytes === 10);
    for (const stream of [third, first]) peer.sendData(stream, PASSED_ON, END_STREAM);
    await peer.until(() => [first, second, third].every((stream) => peer.on(stream).bytes === 10));
    peer.openWindow(first, 2_000);
    peer.write(reset(second));
    await peer.untilOver(first);
    expect(peer.bodyOf(first)).toEqual(pattern(1_000));
    peer.openWindow(third, 4_000);
    await peer.untilOver(third);
    expect(peer.bodyOf(third)).toEqual(pattern(3_000));
    expect(peer.on(second).bytes).toBe(10);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("as it has trailers, is complete for the general path", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields("/fast/9"));
    peer.sendData(stream, Buffer.alloc(5));
    peer.write(headers(stream, [["x-trailer", "1"]], END_HEADERS | END_STREAM));
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "general", "x-bytes": "5" });
    peer.destroy();
  });
});

describe("numbers of streams", () => {
  it("may leave any out, up to the last that there is", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const last = 2 ** 31 - 1;
    for (const stream of [101, 4_001, last]) {
      peer.write(headers(stream, grpcFields("/fast/9")), data(stream, Buffer.alloc(5), END_STREAM));
      await peer.untilOver(stream);
      expect(peer.bodyOf(stream)).toEqual(pattern(9));
    }
    peer.write(headers(1, grpcFields("/fast/9")));
    await peer.client.closed;
    expect(peer.goodbye).toBe(STREAM_CLOSED);
  });

  it.each([
    ["0", headers(0, grpcFields("/fast/9"))],
    ["a server's", headers(2, grpcFields("/fast/9"))],
    ["none that began, cancelled", reset(1)],
    ["none that began, with a window", windowUpdate(1, 1)],
    ["0, cancelled", frame(RST_STREAM, 0, 0, uint32(8))],
    ["0, with a priority", frame(PRIORITY, 0, 0, Buffer.concat([uint32(3), Buffer.of(16)]))],
  ])("of %s end the connection", async (_, broken) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.write(broken);
    await peer.client.closed;
    expect(peer.goodbye).toBe(PROTOCOL_ERROR);
  });
});

describe("a fault on the fast path", () => {
  /** Has no bytes for an answer. */
  class BrokenFastPath extends PatternFastPath {
    override http2RouteOf(headers: HeaderList): Route | undefined {
      if (super.http2RouteOf(headers) === undefined) return undefined;
      return {
        begin: (stream) => ({
          isDear: false,
          wait: () => undefined,
          answer: () => {
            setImmediate(() => stream.respond(undefined as never, Buffer.alloc(0), undefined));
            return true;
          },
          limitArrival: () => undefined,
          abandon: () => false,
        }),
      };
    }
  }

  it("that shows when nobody waits for it costs the connection, and no more", async () => {
    const { port, log } = await startServing({ fastPath: new BrokenFastPath() });
    const peer = await Http2Peer.open(port);
    peer.call("/fast/7");
    await peer.client.closed;
    expect(peer.goodbye).toBe(INTERNAL_ERROR);
    expect(log.count("a response could not be written")).toBe(1);
    const other = await Http2Peer.open(port);
    await other.untilOver(other.call("/general/7"));
    other.client.socket.destroy();
  });
});
