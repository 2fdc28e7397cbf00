import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { startListening } from "../listener/listening.js";
import { answerPattern, type Path, PATHS, PatternFastPath } from "./http2-answering.js";
import { framesIn, HEADER_TABLE_SIZE, HEADERS, settings } from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";

function start() {
  return startListening({ onExchange: answerPattern, fastPath: new PatternFastPath() });
}

/** By a client that gives up a connection on which headers are not what its table makes of them. */
async function expectAnswer(session: ClientHttp2Session, who: Path): Promise<void> {
  const stream = session.request({ ":method": "POST", ":path": `/${who}/9` });
  const answered = Promise.all([once(stream, "response"), once(stream, "trailers")]) as Promise<
    [[IncomingHttpHeaders], [IncomingHttpHeaders]]
  >;
  stream.resume();
  stream.end("hello");
  const [[headers], [trailers]] = await answered;
  expect(headers).toMatchObject({ ":status": 200, "x-from": who });
  expect(trailers).toMatchObject({ "x-last": "1" });
}

describe("a client's table of headers", () => {
  const orders: Path[][] = [
    ["fast", "general", "fast", "fast", "general"],
    ["general", "fast", "fast", "general", "fast"],
  ];
  it.each([0, 1, 31, 64, 2_047, 4_095, 4_096, 4_097, 65_536])(
    "of %d bytes from its beginning",
    async (headerTableSize) => {
      const { port } = await start();
      for (const order of orders) {
        const session = connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize } });
        for (const who of order) await expectAnswer(session, who);
        session.close();
      }
    },
  );

  it("may change its size whenever it likes", async () => {
    const { port } = await start();
    const size = fc.constantFrom(0, 31, 64, 100, 4_000, 4_096, 10_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(size, fc.constantFrom(...PATHS)), { maxLength: 12 }), async (steps) => {
        const session = connect(`http://127.0.0.1:${port}`);
        const answers: Promise<void>[] = [];
        for (const step of steps) {
          if (typeof step === "number") session.settings({ headerTableSize: step });
          else answers.push(expectAnswer(session, step));
        }
        await Promise.all(answers);
        for (const who of PATHS) await expectAnswer(session, who);
        session.close();
      }),
      { numRuns: 100 },
    );
  });

  it.each(PATHS)("that shrinks and grows at once is signalled by the next answer, of %s", async (who) => {
    const { port } = await start();
    const peer = await Http2Peer.open(port);
    await peer.untilOver(peer.call("/fast/9"), peer.call("/general/9"));
    const { length } = framesIn(peer.client.bytes);
    peer.write(settings([HEADER_TABLE_SIZE, 0], [HEADER_TABLE_SIZE, 4_096]));
    await peer.untilOver(peer.call(`/${who}/9`));
    const next = framesIn(peer.client.bytes)
      .slice(length)
      .find(({ type }) => type === HEADERS);
    expect(next?.payload[0]).toBe(0x20);
    peer.destroy();
  });
});

describe("header blocks of the general path", () => {
  it("of more than a frame come whole, with answers of the fast path around them", async () => {
    const onLargeRequest: Parameters<typeof startListening>[0] = {
      fastPath: new PatternFastPath(),
      onExchange: async (exchange) => {
        exchange.respond(
          200,
          [
            ["x-from", "general"],
            ["x-large", "y".repeat(30_000)],
          ],
          false,
        );
        await exchange.write(Buffer.from("body"));
        exchange.end([["x-last", "z".repeat(30_000)]]);
      },
    };
    const { port } = await startListening(onLargeRequest);
    const peer = await Http2Peer.open(port);
    const large: number[] = [];
    for (let call = 0; call < 20; call++) {
      large.push(peer.call("/general/1"));
      peer.call("/fast/9");
    }
    await peer.untilOver(...large);
    for (const stream of large) {
      expect(peer.on(stream).blocks[0]?.["x-large"]).toHaveLength(30_000);
      expect(peer.on(stream).blocks[1]?.["x-last"]).toHaveLength(30_000);
    }
    expect(peer.violations).toEqual([]);
    peer.destroy();
  });
});
