import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import { startListening, turns } from "../listener/listening.js";
import { answerPattern, PASSED_ON, type Path, PATHS, pattern, PatternFastPath } from "./http2-answering.js";
import { END_STREAM, grpcFields, reset } from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";

const MAX_WINDOW = 2 ** 31 - 1;
const FLOW_CONTROL_ERROR = 3;
/** Node sends trailers only where there is room for more data as well. */
const TRAILERS_TAKE: Readonly<Record<Path, number>> = { fast: 0, general: 0 };

function start(fastPath = new PatternFastPath()) {
  return startListening({ onExchange: answerPattern, fastPath });
}

function expectAnswer(peer: Http2Peer, stream: number, who: Path, bytes: number): void {
  const { blocks, ends, reset: code } = peer.on(stream);
  expect({ ends, code, first: blocks[0], last: blocks[1], blocks: blocks.length }).toMatchObject({
    ends: 1,
    code: undefined,
    first: { ":status": "200", "x-from": who },
    last: { "x-last": "1" },
    blocks: 2,
  });
  expect(peer.bodyOf(stream).equals(pattern(bytes))).toBe(true);
}

describe.each(PATHS)("an answer from %s", (who) => {
  it("comes byte by byte where its window opens so", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 0 });
    const stream = peer.call(`/${who}/40`);
    await peer.until(() => peer.on(stream).blocks.length === 1);
    for (let bytes = 1; bytes <= 40; bytes++) {
      peer.openWindow(stream, 1);
      await peer.until(() => peer.on(stream).bytes === bytes);
    }
    if (TRAILERS_TAKE[who] > 0) peer.openWindow(stream, TRAILERS_TAKE[who]);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 40);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("comes byte by byte where the window of the connection opens so", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    const first = peer.call(`/${who}/65535`);
    await peer.untilOver(first);
    const second = peer.call(`/${who}/40`);
    await peer.until(() => peer.on(second).blocks.length === 1);
    for (let bytes = 1; bytes <= 40; bytes++) {
      peer.openWindow(0, 1);
      await peer.until(() => peer.on(second).bytes === bytes);
    }
    await peer.untilOver(second);
    expectAnswer(peer, first, who, 65_535);
    expectAnswer(peer, second, who, 40);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("without a body uses no window", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: TRAILERS_TAKE[who] });
    const stream = peer.call(`/${who}/0`);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 0);
    peer.destroy();
  });

  it("minds a window that shrinks below what was sent, and grows again", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000 });
    const stream = peer.call(`/${who}/3000`);
    await peer.until(() => peer.on(stream).bytes === 1_000);
    peer.setInitialWindow(400);
    await peer.caughtUp();
    peer.openWindow(stream, 600);
    await peer.caughtUp();
    expect(peer.on(stream)).toMatchObject({ bytes: 1_000, window: 0 });
    peer.openWindow(stream, 5);
    await peer.until(() => peer.on(stream).bytes === 1_005);
    peer.setInitialWindow(2_400);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 3_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("that waits for a window is not sent once its client has cancelled it", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    const first = peer.call(`/${who}/65535`);
    await peer.untilOver(first);
    const cancelled = peer.call(`/${who}/500`);
    await peer.until(() => peer.on(cancelled).blocks.length === 1);
    await peer.caughtUp();
    peer.write(reset(cancelled));
    await peer.caughtUp();
    peer.openWindow(0, 1_000);
    const next = peer.call(`/${who}/1000`);
    await peer.untilOver(next);
    expect(peer.on(cancelled)).toMatchObject({ bytes: 0, ends: 0 });
    expectAnswer(peer, next, who, 1_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("comes also after many that were cancelled as they waited", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    await peer.untilOver(peer.call(`/${who}/65535`));
    for (let call = 0; call < 10; call++) {
      const cancelled = peer.call(`/${who}/60000`);
      await turns(5);
      await peer.caughtUp();
      peer.write(reset(cancelled));
    }
    peer.openWindow(0, 200_000);
    const stream = peer.call(`/${who}/60000`);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 60_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("whose window opens beyond all bounds is ended, others go on", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port);
    const [stream, other] = [peer.begin(grpcFields(`/${who}/20`)), peer.begin(grpcFields(`/${who}/20`))];
    peer.openWindow(stream, MAX_WINDOW);
    peer.sendData(other, Buffer.alloc(5), END_STREAM);
    await peer.untilOver(stream, other);
    expect(peer.on(stream).reset).toBe(FLOW_CONTROL_ERROR);
    expectAnswer(peer, other, who, 20);
    peer.destroy();
  });

  it("that waits is given before a drained connection closes", async () => {
    const { port, listener } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    const stream = peer.call(`/${who}/70000`);
    await peer.until(() => peer.on(stream).bytes === 65_535);
    await peer.caughtUp();
    const drained = listener.drain(3_600_000);
    await peer.until(() => peer.goodbye === 0);
    await peer.caughtUp();
    peer.openWindow(0, 65_535);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 70_000);
    expect(peer.violations).toEqual([]);
    await Promise.all([drained, peer.client.closed]);
  });

  it("that waits does not hold up the upload of another request", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    const waiting = peer.call(`/${who}/200000`);
    await peer.until(() => peer.on(waiting).bytes === 65_535);
    const upload = peer.begin(grpcFields("/general/0"));
    for (let sent = 0; sent < 200_000; sent += 1_000) {
      await peer.until(() => peer.uploadWindow >= 1_000 && peer.on(upload).uploadWindow >= 1_000);
      peer.sendData(upload, Buffer.alloc(1_000));
    }
    peer.sendData(upload, Buffer.alloc(0), END_STREAM);
    await peer.caughtUp();
    expect(peer.on(waiting).bytes).toBe(65_535);
    peer.openWindow(0, 200_000);
    await peer.untilOver(upload, waiting);
    expect(peer.on(upload).blocks[0]).toMatchObject({ "x-from": "general", "x-bytes": "200000" });
    expectAnswer(peer, waiting, who, 200_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it("that waits for the connection minds a window of its own that shrinks meanwhile", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
    const stream = peer.call(`/${who}/70000`);
    await peer.until(() => peer.on(stream).bytes === 65_535);
    await peer.caughtUp();
    peer.setInitialWindow(0);
    await peer.caughtUp();
    peer.openWindow(0, 100_000);
    await peer.caughtUp();
    expect(peer.violations).toEqual([]);
    peer.openWindow(stream, 70_000);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, who, 70_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });
});

it("an answer of the general path to a request that is not whole comes before the client is told to send no more", async () => {
  const onExchange: ExchangeHandler = async (exchange) => {
    if (exchange.target !== "/general/early") {
      await answerPattern(exchange);
      return;
    }
    exchange.respond(200, [["x-from", "general"]], false);
    await exchange.write(pattern(1_000));
    exchange.end([["x-last", "1"]]);
  };
  const { port } = await startListening({ onExchange, fastPath: new PatternFastPath() });
  const peer = await Http2Peer.open(port, { initialWindow: 1_000_000 });
  await peer.untilOver(peer.call("/general/65035"));
  const early = peer.begin(grpcFields("/general/early"));
  peer.sendData(early, Buffer.alloc(5));
  await peer.until(() => peer.on(early).bytes === 500);
  await turns(20);
  await peer.caughtUp();
  expect(peer.on(early).reset).toBeUndefined();
  peer.openWindow(0, 1_000);
  await peer.until(() => peer.on(early).reset !== undefined);
  expect(peer.on(early)).toMatchObject({ ends: 1, reset: 0, bytes: 1_000 });
  expect(peer.violations).toEqual([]);
  peer.destroy();
});

describe("windows of several answers", () => {
  it("the client's own, opened while the fast path held the request, holds when the general path serves it", async () => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 0 });
    const stream = peer.begin(grpcFields("/fast/3000"));
    peer.openWindow(stream, 1_000);
    peer.openWindow(stream, 2_001);
    peer.sendData(stream, PASSED_ON, END_STREAM);
    await peer.untilOver(stream);
    expectAnswer(peer, stream, "general", 3_000);
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });

  it.each(PATHS)("an overflow of the connection's ends it, with answers from %s waiting", async (who) => {
    const { port } = await start();
    const peer = await Http2Peer.open(port, { initialWindow: 0 });
    peer.call(`/${who}/10`);
    await peer.caughtUp();
    peer.openWindow(0, MAX_WINDOW);
    await peer.client.closed;
    expect(peer.goodbye).toBe(FLOW_CONTROL_ERROR);
  });

  it.each(PATHS)(
    "an overflow by a larger initial window ends the connection, with an answer from %s to come",
    async (who) => {
      const { port } = await start();
      const peer = await Http2Peer.open(port);
      const stream = peer.begin(grpcFields(`/${who}/10`));
      peer.openWindow(stream, 1_000);
      peer.setInitialWindow(MAX_WINDOW);
      await peer.client.closed;
      expect(peer.goodbye).toBe(FLOW_CONTROL_ERROR);
    },
  );

  /** Those that the fast path passes on are answered by the general path. */
  const ASKED = {
    fast: ["/fast/", Buffer.alloc(5), "fast"],
    general: ["/general/", Buffer.alloc(5), "general"],
    passed: ["/fast/", PASSED_ON, "general"],
  } as const;
  type Step =
    readonly ["call", keyof typeof ASKED, number] | readonly ["connection" | "stream" | "initial", number, number];
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(
      fc.constant("call" as const),
      fc.constantFrom("fast" as const, "general" as const, "passed" as const),
      fc.integer({ min: 0, max: 40_000 }),
    ),
    fc.tuple(
      fc.constantFrom("connection" as const, "stream" as const),
      fc.nat({ max: 20 }),
      fc.integer({ min: 1, max: 30_000 }),
    ),
    fc.tuple(fc.constant("initial" as const), fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
  );

  it("are minded whatever opens, shrinks and is asked for, and every answer arrives whole", async () => {
    const { port } = await start();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 70_000 }),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        async (initialWindow, steps) => {
          const peer = await Http2Peer.open(port, { initialWindow });
          const calls: (readonly [stream: number, who: Path, bytes: number])[] = [];
          for (const [what, which, amount] of steps) {
            if (what === "call") {
              const [path, body, who] = ASKED[which];
              calls.push([peer.call(`${path}${amount}`, body), who, amount]);
            } else if (what === "connection") peer.openWindow(0, amount);
            else if (what === "initial") peer.setInitialWindow(amount);
            else if (calls.length > 0) peer.openWindow(calls[which % calls.length]![0], amount);
            if (amount % 3 === 0) await peer.caughtUp();
          }
          await peer.caughtUp();
          peer.setInitialWindow(100_000);
          peer.openWindow(0, 10_000_000);
          for (const [stream] of calls) peer.openWindow(stream, 1_000_000);
          await peer.untilOver(...calls.map(([stream]) => stream));
          await peer.caughtUp();
          for (const [stream, who, bytes] of calls) expectAnswer(peer, stream, who, bytes);
          expect(peer.violations).toEqual([]);
          peer.destroy();
        },
      ),
      { numRuns: 150 },
    );
  });
});
