import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import type { FastPathStream, Route } from "../../../src/adapters/rpc/exchange/request-handlers.js";
import type { HeaderList } from "../../../src/adapters/rpc/http2/hpack/header-table.js";
import { encodeLiteral, indexedLiteral } from "../../../src/adapters/rpc/http2/hpack/header-writer.js";
import { turns } from "../listener/listening.js";
import { type Path, PATHS, pattern, PatternFastPath } from "./http2-answering.js";
import {
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  grpcFields,
  HEADERS,
  headers,
  INITIAL_WINDOW_SIZE,
  ping,
  PRIORITY,
  reset,
  settings,
  windowUpdate,
} from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";
import { expectServing, startServing } from "./http2-serving.js";

const COMPRESSION_ERROR = 9;
const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const HELD = "/fast/9?held";

/** Never answers, and works on when its callers are gone. */
class WorkingFastPath extends PatternFastPath {
  readonly #working: FastPathStream[] = [];

  override http2RouteOf(headers: HeaderList): Route | undefined {
    if (super.http2RouteOf(headers) === undefined) return undefined;
    return {
      begin: (stream) => ({
        isDear: false,
        wait: () => undefined,
        answer: () => this.#working.push(stream) > 0,
        limitArrival: () => undefined,
        abandon: () => true,
      }),
    };
  }

  endWork(): void {
    for (const stream of this.#working.splice(0)) stream.released();
  }
}

describe("a client that does not read", () => {
  /** Of all that Node's own answers hold, it bounds itself what may wait. */
  const CALLS: Readonly<Record<Path, number>> = { fast: 800, general: 800 };
  const BYTES = 100_000;

  it.each(PATHS)("is sent by %s what it asks for as it reads, and little of that waits meanwhile", async (who) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: BYTES + 1 });
    peer.openWindow(0, 2 ** 30);
    await peer.caughtUp();
    peer.client.socket.pause();
    const calls = Array.from({ length: CALLS[who] }, () => peer.call(`/${who}/${BYTES}`));
    let most = 0;
    for (let turn = 0; turn < 200; turn++) {
      await turns(1);
      most = Math.max(most, peer.serverSocket.writableLength);
    }
    expect(most).toBeLessThan(1_000_000);
    if (who === "fast") expect(most).toBeGreaterThan(0);
    peer.client.socket.resume();
    await peer.untilOver(...calls);
    for (const stream of calls) expect(peer.bodyOf(stream).equals(pattern(BYTES))).toBe(true);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  const FLOODS: [string, Buffer][] = [
    ["pings", ping("flood")],
    ["settings", settings([INITIAL_WINDOW_SIZE, 1_000], [INITIAL_WINDOW_SIZE, 2_000])],
    ["requests that are refused", Buffer.alloc(0)],
  ];
  it.each(FLOODS)("and sends %s without end makes nobody hold more than a socket does", async (_, flood) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: 100_000 });
    peer.openWindow(0, 2 ** 30);
    peer.client.socket.pause();
    for (let call = 0; call < 200; call++) peer.call("/fast/100000");
    while (peer.serverSocket.writableLength === 0) await turns(1);
    const before = peer.serverSocket.bytesRead;
    for (let round = 0; round < 100; round++) {
      const frames = Array.from({ length: 1_000 }, () =>
        flood.length > 0 ? flood : headers(peer.next(), grpcFields("/general/1"), END_HEADERS | END_STREAM),
      );
      peer.client.socket.write(Buffer.concat(frames));
      await turns(1);
    }
    expect(peer.serverSocket.writableLength).toBeLessThan(1_000_000);
    expect(peer.serverSocket.bytesRead - before).toBeLessThan(1_000_000);
    peer.destroy();
  });
});

describe("a header block", () => {
  const whole = encodeLiteral(grpcFields("/general/9"));

  function inParts(stream: number, parts: readonly Buffer[], flags = END_STREAM): Buffer {
    const last = parts.length - 1;
    return Buffer.concat(
      parts.map((part, index) => {
        const end = index === last ? END_HEADERS : 0;
        return index === 0 ? frame(HEADERS, flags | end, stream, part) : frame(CONTINUATION, end, stream, part);
      }),
    );
  }

  it.each(Array.from({ length: 17 }, (_, index) => index))(
    "may be in one frame and %d more, of which some are empty",
    async (more) => {
      const { port } = await startServing();
      const peer = await Http2Peer.open(port);
      const stream = peer.next();
      const cuts = Array.from({ length: more + 1 }, (_, index) =>
        whole.subarray(Math.floor(index / 2) * 4, index === more ? undefined : Math.floor((index + 1) / 2) * 4),
      );
      peer.write(inParts(stream, cuts));
      await peer.untilOver(stream);
      expect(peer.bodyOf(stream)).toEqual(pattern(9));
      peer.destroy();
    },
  );

  it("that is longer than any that may be read ends the connection", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.write(
      frame(HEADERS, END_STREAM, peer.next(), whole),
      ...Array.from({ length: 5 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(16_000, 0x82))),
    );
    await peer.client.closed;
    expect(peer.goodbye).toBe(ENHANCE_YOUR_CALM);
  });

  it("in very many frames ends the connection", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.write(frame(HEADERS, END_STREAM, peer.next(), whole));
    peer.write(...Array.from({ length: 17 }, () => frame(CONTINUATION, 0, 1)));
    await peer.client.closed;
    expect(peer.goodbye).toBe(ENHANCE_YOUR_CALM);
  });

  /** A header of nearly the whole table, and then again and again by its index: 16,000 octets that are 64 million. */
  const bomb = Buffer.concat([indexedLiteral("x-bomb", "y".repeat(4_000)), Buffer.alloc(12_000, 0xbe)]);

  it.each([
    ["a request", (stream: number) => frame(HEADERS, END_HEADERS, stream, Buffer.concat([whole, bomb]))],
    [
      "a request, in several frames",
      (stream: number) =>
        inParts(
          stream,
          [Buffer.concat([whole, bomb]), ...Array.from({ length: 2 }, () => Buffer.alloc(16_000, 0xbe))],
          0,
        ),
    ],
    [
      "trailers",
      (stream: number) =>
        Buffer.concat([
          headers(stream, grpcFields("/general/9")),
          frame(HEADERS, END_HEADERS | END_STREAM, stream, bomb),
        ]),
    ],
    [
      "trailers of a request that the fast path holds",
      (stream: number) =>
        Buffer.concat([headers(stream, grpcFields(HELD)), frame(HEADERS, END_HEADERS | END_STREAM, stream, bomb)]),
    ],
  ])("that means far more than it is ends %s, others go on", async (_, bombIn) => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const stream = peer.next();
    peer.write(bombIn(stream));
    await peer.untilOver(stream);
    expect(peer.on(stream).reset).toBe(ENHANCE_YOUR_CALM);
    await expectServing(peer);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("may empty its table and set it to any size that it may have, as often as it likes", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const sizes = Buffer.from([0x20, 0x3f, 0x45, 0x3f, 0xe1, 0x1f]);
    for (let call = 0; call < 50; call++) {
      const stream = peer.next();
      const block = Buffer.concat([...Array.from({ length: call }, () => sizes), whole]);
      peer.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, block));
      await peer.untilOver(stream);
      expect(peer.bodyOf(stream)).toEqual(pattern(9));
    }
    peer.destroy();
  });

  it.each([
    ["sets its table to more than it may be", Buffer.from([0x3f, 0xe2, 0x1f])],
    ["sets its table behind a header", Buffer.from([0x82, 0x20])],
    ["refers to what there is not", Buffer.from([0xff, 0x80, 0x01])],
    ["refers to nothing", Buffer.from([0x80])],
    ["ends within a header", Buffer.from([0x00, 0x05, 0x61])],
    ["holds a number without end", Buffer.alloc(20, 0xff)],
  ])("that %s ends the connection", async (_, broken) => {
    const { port, log } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.write(frame(HEADERS, END_HEADERS | END_STREAM, peer.next(), broken));
    await peer.client.closed;
    expect(peer.goodbye).toBe(COMPRESSION_ERROR);
    expect(log.entries.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("cancelled calls of the fast path", () => {
  it("cost nothing once they are answered", async () => {
    const fastPath = new PatternFastPath();
    const { port } = await startServing({ fastPath });
    const peer = await Http2Peer.open(port);
    for (let call = 0; call < 3_000; call++) {
      const stream = peer.next();
      peer.write(headers(stream, grpcFields("/fast/9")), data(stream, Buffer.alloc(5), END_STREAM), reset(stream));
    }
    await peer.caughtUp();
    await expectServing(peer);
    expect(fastPath.abandoned).toBe(0);
    peer.destroy();
  });

  it.each([900, 20_000])(
    "that wait are given up at once, %d of them, and those that nobody cancelled are answered",
    async (calls) => {
      const fastPath = new PatternFastPath();
      const { port, log } = await startServing({ fastPath });
      const peer = await Http2Peer.open(port);
      const open = peer.call(HELD);
      for (let call = 0; call < calls; call++) {
        const stream = peer.next();
        peer.write(headers(stream, grpcFields(HELD)), data(stream, Buffer.alloc(5), END_STREAM), reset(stream));
      }
      await peer.caughtUp();
      expect(fastPath.abandoned).toBe(calls);
      expect(fastPath.held.size).toBe(1);
      fastPath.answerHeld();
      await peer.untilOver(open);
      expect(peer.bodyOf(open)).toEqual(pattern(9));
      await expectServing(peer);
      expect(log.entries.filter(({ level }) => level === "warn")).toEqual([]);
      peer.destroy();
    },
  );

  it("whose work runs on are bounded: more are refused until some of it has ended", async () => {
    const fastPath = new WorkingFastPath();
    const { port } = await startServing({ fastPath, limits: { maxConcurrentStreams: 5 } });
    const peer = await Http2Peer.open(port);
    for (let call = 0; call < 20; call++) peer.write(reset(peer.call("/fast/1")));
    await peer.caughtUp();
    const refused = peer.call("/fast/1");
    await peer.until(() => peer.on(refused).reset !== undefined);
    expect(peer.on(refused).reset).toBe(REFUSED_STREAM);
    fastPath.endWork();
    const served = peer.call("/general/7");
    await peer.untilOver(served);
    expect(peer.bodyOf(served)).toEqual(pattern(7));
    peer.destroy();
  });

  it("that wait for a window are freed while their connection goes on", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const fastPath = new PatternFastPath();
    const { port } = await startServing({ fastPath });
    const peer = await Http2Peer.open(port, { initialWindow: 10 });
    const calls = Array.from({ length: 500 }, () => peer.call("/fast/1000"));
    await peer.until(() => calls.every((stream) => peer.on(stream).bytes === 10));
    peer.write(...calls.map((stream) => reset(stream)));
    await peer.caughtUp();
    peer.setInitialWindow(65_535);
    await expectServing(peer);
    expect(fastPath.streams.length).toBe(501);
    for (let attempt = 0; attempt < 200 && fastPath.streams.some((stream) => stream.deref() !== undefined); attempt++) {
      await turns(5);
      collectGarbage();
    }
    expect(fastPath.streams.filter((stream) => stream.deref() !== undefined)).toEqual([]);
    peer.destroy();
  });

  it.each(["destroy", "end"] as const)("whose connection is lost (%s) are all given up", async (how) => {
    const fastPath = new PatternFastPath();
    const { port } = await startServing({ fastPath });
    const peer = await Http2Peer.open(port, { initialWindow: 10 });
    for (let call = 0; call < 100; call++) peer.call(HELD);
    const waiting = peer.call("/fast/1000");
    await peer.until(() => peer.on(waiting).bytes === 10);
    await peer.caughtUp();
    expect(fastPath.held.size).toBe(100);
    const closed = new Promise((resolve) => peer.serverSocket.once("close", resolve));
    if (how === "destroy") peer.client.socket.resetAndDestroy();
    else peer.client.socket.end();
    await closed;
    expect(fastPath.held.size).toBe(0);
    expect(fastPath.abandoned).toBe(101);
    peer.destroy();
  });
});

describe("headers of requests that are not served yet", () => {
  const MANY = Array.from({ length: 60 }, (_, index) => [`x-${index}`, "v"] as const);

  it("are held against the connection's budget: streams beyond it are refused until others have ended", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port);
    const calls = Array.from({ length: 900 }, () => peer.begin([...grpcFields("/general/1"), ...MANY]));
    await peer.caughtUp();
    const refused = calls.filter((stream) => peer.on(stream).reset === REFUSED_STREAM);
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.length).toBeLessThan(800);
    peer.write(...calls.filter((stream) => !refused.includes(stream)).map((stream) => reset(stream)));
    await expectServing(peer);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });
});

describe("more control frames than there may be", () => {
  it("count expectations of calls that come to nothing, and leave open calls to finish", async () => {
    const fastPath = new PatternFastPath();
    const { port } = await startServing({ fastPath });
    const peer = await Http2Peer.open(port);
    const open = peer.call(HELD);
    for (let call = 0; call < 10_000 && peer.goodbye === undefined; call++) {
      const stream = peer.begin([...grpcFields("/general/1"), ["expect", "100-continue"]]);
      peer.write(reset(stream));
      if (call % 1_000 === 999) await turns(1);
    }
    await peer.until(() => peer.goodbye !== undefined);
    expect(peer.goodbye).toBe(ENHANCE_YOUR_CALM);
    fastPath.answerHeld();
    await peer.untilOver(open);
    expect(peer.bodyOf(open)).toEqual(pattern(9));
    peer.destroy();
  });

  it("leave open calls to finish, by the windows that the client gave last", async () => {
    const fastPath = new PatternFastPath();
    const { port } = await startServing({ fastPath });
    const peer = await Http2Peer.open(port);
    const open = peer.call(HELD);
    await peer.until(() => fastPath.held.size === 1);
    const shut = settings([INITIAL_WINDOW_SIZE, 0]);
    peer.write(Buffer.concat(Array.from({ length: 15_000 }, () => shut)), settings([INITIAL_WINDOW_SIZE, 65_535]));
    await peer.until(() => peer.goodbye !== undefined);
    expect(peer.goodbye).toBe(ENHANCE_YOUR_CALM);
    fastPath.answerHeld();
    await peer.untilOver(open);
    expect(peer.bodyOf(open)).toEqual(pattern(9));
    peer.destroy();
  });
});

describe("windows", () => {
  it("opened without end, for answers that wait, are all counted", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: 0 });
    const calls = Array.from({ length: 999 }, () => peer.call("/fast/20"));
    await peer.caughtUp();
    for (let round = 0; round < 20; round++) peer.write(...calls.map((stream) => windowUpdate(stream, 1)));
    for (const stream of calls) peer.on(stream).window += 20;
    await peer.untilOver(...calls);
    for (const stream of calls) expect(peer.bodyOf(stream)).toEqual(pattern(20));
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });
});

describe("frames that are no part of a call", () => {
  const EMPTY = Buffer.alloc(0);
  /** More than any budget, each. */
  const FLOOD = 40_000;
  const KINDS: readonly (readonly [what: string, frames: (peer: Http2Peer, stream: number) => Buffer])[] = [
    ["PING", () => ping("flooded!")],
    ["SETTINGS", () => settings([INITIAL_WINDOW_SIZE, 65_535])],
    ["WINDOW_UPDATE of the connection", () => windowUpdate(0, 1)],
    ["WINDOW_UPDATE of a stream", (_, stream) => windowUpdate(stream, 1)],
    ["PRIORITY", (_, stream) => frame(PRIORITY, 0, stream, Buffer.from([0, 0, 0, 0, 1]))],
    ["empty DATA", (_, stream) => data(stream + 2, EMPTY)],
    ["RST_STREAM of closed streams", (_, stream) => reset(stream - 2)],
    ["frames of an unknown type", () => frame(0x77, 0, 0, EMPTY)],
  ];

  it.each(KINDS)("(%s) beyond a budget have the connection go, and its open calls still finish", async (_, frames) => {
    const fastPath = new PatternFastPath();
    let exceeded = 0;
    const { port, log } = await startServing({ fastPath, onExceeded: () => exceeded++ });
    const peer = await Http2Peer.open(port);
    await peer.untilOver(peer.call("/fast/1"));
    const open = peer.call(HELD);
    peer.begin(grpcFields("/general/1"));
    await peer.caughtUp();
    peer.write(...Array.from({ length: FLOOD }, () => frames(peer, open)));
    await peer.until(() => peer.goodbye !== undefined);
    expect(peer.goodbye).toBe(ENHANCE_YOUR_CALM);
    expect([
      exceeded,
      log.count("an HTTP/2 connection sent too many control frames and is closed once its calls are answered"),
    ]).toEqual([1, 1]);
    const other = await Http2Peer.open(port);
    await expectServing(other);
    other.destroy();
    fastPath.answerHeld();
    await peer.untilOver(open);
    expect(peer.bodyOf(open)).toEqual(pattern(9));
    peer.destroy();
  });

  it("in proportion to the calls that are answered, as honest clients send them, are never too many", async () => {
    const { port, log } = await startServing();
    const peer = await Http2Peer.open(port);
    peer.openWindow(0, 2 ** 30);
    for (let round = 0; round < 300; round++) {
      const calls = Array.from({ length: 50 }, () => peer.call("/fast/1"));
      peer.write(...calls.flatMap(() => [ping("bdp-ping"), windowUpdate(0, 1), windowUpdate(0, 1)]));
      await peer.untilOver(...calls);
    }
    expect(peer.goodbye).toBeUndefined();
    expect(log.entries.filter(({ level }) => level === "warn")).toEqual([]);
    peer.destroy();
  });

  it("that open a window byte by byte are not answered byte by byte", async () => {
    const { port } = await startServing();
    const peer = await Http2Peer.open(port, { initialWindow: 0 });
    const stream = peer.call("/fast/1000");
    await peer.caughtUp();
    peer.on(stream).window += 1_000;
    peer.write(...Array.from({ length: 1_000 }, () => windowUpdate(stream, 1)));
    await peer.untilOver(stream);
    expect(peer.bodyOf(stream)).toEqual(pattern(1_000));
    expect(peer.on(stream).body.length).toBeLessThan(50);
    peer.destroy();
  });
});
