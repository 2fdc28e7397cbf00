import { expect, it } from "@jest/globals";
import type { Exchange, ExchangeHandler } from "../../../src/adapters/rpc/exchange/exchange.js";
import { startListening, turns } from "../listener/listening.js";
import { answerPattern, pattern } from "./http2-answering.js";
import { data, END_STREAM, type Fields, grpcFields, headers } from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";

const PATH = "/general/9";
const MESSAGE = Buffer.concat([Buffer.of(0, 0, 0, 0, 3), Buffer.from("abc")]);

/** Holds every exchange that it is given. */
class Holding {
  readonly exchanges: Exchange[] = [];
  readonly #served: (() => void)[] = [];

  readonly handler: ExchangeHandler = async (exchange) => {
    this.exchanges.push(exchange);
    await new Promise<void>((resolve) => this.#served.push(resolve));
    await answerPattern(exchange);
  };

  serveAll(): void {
    for (const serve of this.#served.splice(0)) serve();
  }
}

function withType(type: string | undefined): Fields {
  return grpcFields(PATH).flatMap((field) =>
    field[0] !== "content-type" ? [field] : type === undefined ? [] : [["content-type", type] as const],
  );
}

it.each([
  ["whose first message is there", "application/grpc", MESSAGE],
  ["of Connect's streams whose first message is there", "application/connect+json", MESSAGE],
  ["that is long", "application/proto", Buffer.alloc(16_384, 0xff)],
  ["of none of the protocols", "text/plain", Buffer.of(1)],
  ["without a content-type", undefined, Buffer.alloc(0)],
])("a request %s is served before its end", async (_, type, body) => {
  const holding = new Holding();
  const { port } = await startListening({ onExchange: holding.handler });
  const peer = await Http2Peer.open(port);
  const stream = peer.begin(withType(type));
  if (body.length > 0) peer.sendData(stream, body);
  await peer.caughtUp();
  await turns(2);
  expect(holding.exchanges).toHaveLength(1);
  peer.sendData(stream, Buffer.alloc(0), END_STREAM);
  await peer.caughtUp();
  holding.serveAll();
  await peer.untilOver(stream);
  expect(peer.on(stream).blocks[0]).toMatchObject({ "x-bytes": String(body.length) });
  peer.destroy();
});

it("a thousand requests with half a message each are no work, and are served as their messages become whole", async () => {
  const holding = new Holding();
  const { port } = await startListening({ onExchange: holding.handler });
  const peer = await Http2Peer.open(port);
  const streams = Array.from({ length: 900 }, () => peer.begin(grpcFields(PATH)));
  for (const stream of streams) peer.sendData(stream, MESSAGE.subarray(0, 6));
  await peer.caughtUp();
  await turns(5);
  expect(holding.exchanges).toEqual([]);
  const [first, second] = streams as [number, number];
  peer.sendData(first, MESSAGE.subarray(6), END_STREAM);
  for (const byte of MESSAGE.subarray(6)) peer.sendData(second, Buffer.of(byte));
  await peer.caughtUp();
  await turns(5);
  expect(holding.exchanges).toHaveLength(2);
  peer.sendData(second, Buffer.alloc(0), END_STREAM);
  await peer.caughtUp();
  holding.serveAll();
  await peer.untilOver(first, second);
  expect([first, second].map((stream) => peer.bodyOf(stream))).toEqual([pattern(9), pattern(9)]);
  peer.destroy();
});

it("a request that does not arrive in time is served as one that failed, to be answered so", async () => {
  const late: ((error: Error) => void)[] = [];
  const failures: unknown[] = [];
  const onExchange: ExchangeHandler = async (exchange) => {
    try {
      for await (const part of exchange.body) failures.push(part);
    } catch (error) {
      failures.push((error as Error).message);
    }
    exchange.send(408, [], "late");
  };
  const whenLate = (fail: (error: Error) => void) => {
    late.push(fail);
    return () => undefined;
  };
  const { port } = await startListening({ onExchange, whenLate });
  const peer = await Http2Peer.open(port);
  const stream = peer.begin(grpcFields(PATH));
  peer.sendData(stream, MESSAGE.subarray(0, 6));
  await peer.caughtUp();
  for (const fail of late) fail(new Error("too late"));
  await peer.untilOver(stream);
  expect(failures).toEqual([MESSAGE.subarray(0, 6), "too late"]);
  expect(peer.on(stream).blocks[0]).toMatchObject({ ":status": "408" });
  peer.destroy();
});

it("who sends more requests than can be begun is read again as they are, and each is answered", async () => {
  const { port } = await startListening({ onExchange: answerPattern });
  const peer = await Http2Peer.open(port);
  const streams = Array.from({ length: 900 }, (_, index) => 1 + 2 * index);
  // In one write, and so in few reads.
  peer.write(
    Buffer.concat(
      streams.map((stream) => Buffer.concat([headers(stream, grpcFields(PATH)), data(stream, MESSAGE, END_STREAM)])),
    ),
  );
  await peer.untilOver(...streams);
  expect(streams.every((stream) => peer.bodyOf(stream).equals(pattern(9)))).toBe(true);
  expect(peer.violations).toEqual([]);
  peer.destroy();
});

it.each([
  ["with an expectation that cannot be met", [...grpcFields(PATH), ["expect", "a-miracle"]], "417"],
  [
    "to CONNECT",
    [
      [":method", "CONNECT"],
      [":authority", "a"],
      ["content-type", "application/grpc"],
    ],
    "405",
  ],
] as [string, Fields, string][])(
  "a request %s is answered once, also where its message comes behind the answer",
  async (_, fields, status) => {
    const holding = new Holding();
    const { port } = await startListening({ onExchange: holding.handler });
    const peer = await Http2Peer.open(port);
    const stream = peer.begin(fields);
    peer.sendData(stream, MESSAGE);
    await peer.caughtUp();
    await turns(3);
    expect(holding.exchanges).toEqual([]);
    peer.sendData(stream, Buffer.alloc(0), END_STREAM);
    await peer.caughtUp();
    expect(peer.on(stream)).toMatchObject({ ends: 1, blocks: [{ ":status": status }] });
    expect(peer.violations).toEqual([]);
    peer.destroy();
  },
);
