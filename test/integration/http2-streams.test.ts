import type { Http2ServerRequest } from "node:http2";
import { describe, expect, it } from "vitest";
import type { RequestHandler } from "../../src/adapters/rpc/listener/request-handler.js";
import { answerPattern, ODD, pattern, PatternLane, WHO } from "./http2-answering.js";
import { data, END_HEADERS, END_STREAM, frame, GOAWAY, grpcFields, headers, PADDED, padded, PRIORITY, reset, RST_STREAM, uint32, windowUpdate, DATA } from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";
import { expectServing, startServing } from "./http2-serving.js";

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
    ["data without end", (stream) => Buffer.concat(Array.from({ length: 1_200 }, () => data(stream, Buffer.alloc(10))))],
  ];
  const REASONS: [string, (peer: Http2Peer) => { stream: number; code: number }][] = [
    [
      "refused",
      (peer) => {
        for (let held = 0; held < 2; held++) peer.call("/lane/0?held");
        return { stream: peer.begin(grpcFields("/node/1")), code: REFUSED_STREAM };
      },
    ],
    ["too long in its headers", (peer) => ({ stream: peer.begin([...grpcFields("/node/1"), ["x", "y".repeat(5_000)]]), code: ENHANCE_YOUR_CALM })],
    ["answered early by Node", (peer) => ({ stream: peer.begin(grpcFields("/node/early")), code: 0 })],
    ["answered early by the lane", (peer) => ({ stream: peer.begin(grpcFields("/lane/early")), code: 0 })],
    [
      "in breach of the protocol",
      (peer) => {
        const stream = peer.begin(grpcFields("/node/1"));
        peer.write(windowUpdate(stream, 0));
        return { stream, code: PROTOCOL_ERROR };
      },
    ],
  ];

  describe.each(REASONS)("as it was %s", (_, begin) => {
    it.each(RESTS)("may still send %s", async (_name, rest) => {
      const onRequest: RequestHandler = (request, response) => {
        if (request.url !== "/node/early") {
          answerPattern(request, response);
          return;
        }
        response.end("early");
        response.once("finish", () => setImmediate(() => (request as Http2ServerRequest).stream.close(0)));
      };
      const lane = new PatternLane();
      const { port } = await startServing({ onRequest, lane, limits: { maxConcurrentStreams: 2, maxHeaderBytes: 4_096 } });
      const peer = await Http2Peer.open(port);
      const { stream, code } = begin(peer);
      await peer.caughtUp();
      lane.answerEarly();
      await peer.until(() => peer.on(stream).reset !== undefined);
      expect(peer.on(stream).reset).toBe(code);
      peer.write(rest(stream));
      await peer.caughtUp();
      lane.answerHeld();
      await expectServing(peer);
      expect(peer.violations).toEqual([]);
      peer.destroy();
    });
  });
});

it("the streams that a client opens while it is asked to go cost it nothing but those", async () => {
  const lane = new PatternLane();
  const { port, listener } = await startServing({ lane });
  const peer = await Http2Peer.open(port);
  const underWay = peer.call("/lane/9?held");
  await peer.caughtUp();
  const drained = listener.drain(3_600_000);
  await peer.until(() => peer.goodbyes === 2);
  const late = peer.begin(grpcFields("/lane/9"));
  peer.write(data(late, Buffer.alloc(10_000)), windowUpdate(late, 5), headers(late, [["x", "1"]], END_HEADERS | END_STREAM), reset(late));
  const later = Array.from({ length: 6 }, () => peer.call("/node/1", Buffer.alloc(10_000)));
  await peer.caughtUp();
  lane.answerHeld();
  await peer.untilOver(underWay);
  expect(peer.bodyOf(underWay)).toEqual(pattern(9));
  expect(later.map((stream) => peer.on(stream))).toEqual(later.map(() => expect.objectContaining({ blocks: [], reset: undefined })));
  await Promise.all([drained, peer.client.closed]);
  expect(peer.goodbye).toBe(0);
});

it("a request of more than its window, which nobody reads, is ended, or its connection", async () => {
  const { port, log } = await startServing({ onRequest: () => undefined });
  const peer = await Http2Peer.open(port);
  const stream = peer.begin(grpcFields("/node/9"));
  const isPutOut = () => peer.on(stream).reset !== undefined || peer.goodbye !== undefined;
  while (!isPutOut()) {
    peer.sendData(stream, Buffer.alloc(5_000));
    await peer.until(() => peer.uploadWindow >= 5_000 || isPutOut());
  }
  expect([peer.on(stream).reset, peer.goodbye]).toContain(FLOW_CONTROL_ERROR);
  expect(log.entries.filter(({ level }) => level === "error")).toEqual([]);
});

it("a client that takes its leave is told what is still served, and gets that", async () => {
  const lane = new PatternLane();
  const { port } = await startServing({ lane });
  const peer = await Http2Peer.open(port);
  const underWay = peer.call("/lane/9?held");
  peer.write(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
  peer.call("/lane/9");
  await peer.until(() => peer.goodbye === 0);
  expect(peer.lastServed).toBe(underWay);
  await peer.caughtUp();
  lane.answerHeld();
  await Promise.all([peer.untilOver(underWay), peer.client.closed]);
  expect(peer.bodyOf(underWay)).toEqual(pattern(9));
});

describe.each(WHO)("a request to %s", (who) => {
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
      await peer.until(() => peer.uploadWindow >= paddedByte.length && peer.on(stream).uploadWindow >= paddedByte.length);
      peer.sendData(stream, paddedByte, PADDED);
    }
    peer.sendData(stream, padded(Buffer.alloc(0), 255), PADDED | END_STREAM);
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "node", "x-bytes": "1000" });
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

describe("a request that the lane gives back", () => {
  it.each([1, 100, 5_000, 16_384])("is whole for Node where its first part has %d bytes and the last as many as a frame takes", async (first) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields("/lane/9"));
    peer.sendData(stream, Buffer.concat([ODD, Buffer.alloc(first)]).subarray(0, Math.max(first, ODD.length)));
    peer.sendData(stream, Buffer.alloc(16_384), END_STREAM);
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "node", "x-bytes": String(Math.max(first, ODD.length) + 16_384) });
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it.each([0, 1, 15, 16, 17, 40])("is whole for Node after %d empty parts", async (parts) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields("/lane/9"));
    for (let part = 0; part < parts; part++) peer.sendData(stream, Buffer.alloc(0));
    peer.sendData(stream, ODD, END_STREAM);
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "node", "x-bytes": "3" });
    peer.destroy();
  });

  it("is served also where Node was given later ones before, and is itself what the client takes it for", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: 10 });
    const [first, second, third] = [peer.begin(grpcFields("/lane/1000")), peer.call("/node/2000"), peer.begin(grpcFields("/lane/3000"))];
    await peer.until(() => peer.on(second).bytes === 10);
    for (const stream of [third, first]) peer.sendData(stream, ODD, END_STREAM);
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

  it("as it has trailers, is whole for Node", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(grpcFields("/lane/9"));
    peer.sendData(stream, Buffer.alloc(5));
    peer.write(headers(stream, [["x-trailer", "1"]], END_HEADERS | END_STREAM));
    await peer.untilOver(stream);
    expect(peer.on(stream).blocks[0]).toMatchObject({ "x-from": "node", "x-bytes": "5" });
    peer.destroy();
  });
});

describe("a session of Node's that ends", () => {
  it.each([
    ["without a word", (request: Http2ServerRequest) => request.stream.session?.destroy()],
    ["by a failure", (request: Http2ServerRequest) => request.stream.session?.destroy(new Error("on purpose"))],
    ["as it is closed", (request: Http2ServerRequest) => request.stream.session?.close()],
  ])("%s, takes its connection along and nothing else", async (_, end) => {
    const onRequest: RequestHandler = (request, response) => {
      if (request.url === "/node/end") end(request as Http2ServerRequest);
      else answerPattern(request, response);
    };
    const { port, log } = await startServing({ onRequest });
    const peer = await Http2Peer.open(port);
    peer.call("/node/end");
    await peer.client.closed;
    expect(peer.goodbye).toBe(INTERNAL_ERROR);
    const other = await Http2Peer.open(port);
    await expectServing(other);
    other.destroy();
    expect(log.entries.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("numbers of streams", () => {
  it("may leave any out, up to the last that there is", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const last = 2 ** 31 - 1;
    for (const stream of [101, 4_001, last]) {
      peer.write(headers(stream, grpcFields("/lane/9")), data(stream, Buffer.alloc(5), END_STREAM));
      await peer.untilOver(stream);
      expect(peer.bodyOf(stream)).toEqual(pattern(9));
    }
    peer.write(headers(1, grpcFields("/lane/9")));
    await peer.client.closed;
    expect(peer.goodbye).toBe(STREAM_CLOSED);
  });

  it.each([
    ["0", headers(0, grpcFields("/lane/9"))],
    ["a server's", headers(2, grpcFields("/lane/9"))],
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

describe("a fault in the lane", () => {
  /** Has no bytes for an answer. */
  class BrokenLane extends PatternLane {
    override routeOf(headers: Parameters<PatternLane["routeOf"]>[0]): ReturnType<PatternLane["routeOf"]> {
      if (super.routeOf(headers) === undefined) return undefined;
      return {
        begin: (stream) => ({
          answer: () => {
            setImmediate(() => stream.respond(undefined as never, Buffer.alloc(0), undefined as never));
            return true;
          },
          limitArrival: () => undefined,
          abandon: () => undefined,
        }),
      };
    }
  }

  it("that shows when nobody waits for it costs the connection, and no more", async () => {
    const { port, log } = await startServing({ lane: new BrokenLane() });
    const peer = await Http2Peer.open(port);
    peer.call("/lane/7");
    await peer.client.closed;
    expect(peer.goodbye).toBe(INTERNAL_ERROR);
    expect(log.count("an answer could not be written")).toBe(1);
    const other = await Http2Peer.open(port);
    await other.untilOver(other.call("/node/7"));
    other.client.socket.destroy();
  });
});
