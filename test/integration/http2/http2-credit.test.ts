import { describe, expect, it } from "@jest/globals";
import { startListening } from "../listener/listening.js";
import { answerPattern, PASSED_ON, pattern, PatternFastPath } from "./http2-answering.js";
import { END_HEADERS, END_STREAM, grpcFields, headers, PADDED, padded, reset } from "./http2-frames.js";
import { Http2Peer } from "./http2-peer.js";

const WINDOW = 65_535;
/** What either of the two who count it may not have told yet: Node half of its window, the connection a quarter of its own. */
const UNREPORTED = 32_768 + 16_384;

type Sender = (peer: Http2Peer) => Promise<void>;

/** Sends so much on a stream, when the windows allow. */
async function upload(peer: Http2Peer, stream: number, bytes: Uint8Array, flags: number): Promise<void> {
  await peer.until(() => Math.min(peer.uploadWindow, peer.on(stream).uploadWindow) >= bytes.length);
  peer.sendData(stream, bytes, flags);
}

const SENDERS: Readonly<Record<string, Sender>> = {
  "the fast path answers": (peer) => upload(peer, peer.begin(grpcFields("/fast/9")), Buffer.alloc(300), END_STREAM),
  "the fast path answers, in parts": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    for (const flags of [0, 0, END_STREAM]) await upload(peer, stream, Buffer.alloc(100), flags);
  },
  "the fast path passes on": (peer) =>
    upload(peer, peer.begin(grpcFields("/fast/9")), Buffer.concat([PASSED_ON, Buffer.alloc(300)]), END_STREAM),
  "the fast path passes on after its first part": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    await upload(peer, stream, PASSED_ON, 0);
    await upload(peer, stream, Buffer.alloc(300), END_STREAM);
  },
  "the fast path passes on as they have trailers": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    await upload(peer, stream, Buffer.alloc(300), 0);
    peer.write(headers(stream, [["x-trailer", "1"]], END_HEADERS | END_STREAM));
  },
  "the fast path passes on as they are long": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    for (const flags of [0, 0, END_STREAM]) await upload(peer, stream, Buffer.alloc(9_000), flags);
  },
  "Node answers": (peer) => upload(peer, peer.begin(grpcFields("/general/9")), Buffer.alloc(300), END_STREAM),
  "are padded": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    await upload(peer, stream, padded(PASSED_ON, 200), PADDED);
    await upload(peer, stream, padded(Buffer.alloc(50), 255), PADDED | END_STREAM);
  },
  "are cancelled by half": async (peer) => {
    for (const who of ["fast", "general"]) {
      const stream = peer.begin(grpcFields(`/${who}/9`));
      await upload(peer, stream, Buffer.alloc(300), 0);
      peer.write(reset(stream));
    }
  },
  "go on after their end": async (peer) => {
    const stream = peer.begin(grpcFields("/fast/9"));
    await upload(peer, stream, Buffer.alloc(5), END_STREAM);
    await upload(peer, stream, Buffer.alloc(300), 0);
  },
};

async function sendMany(peer: Http2Peer, send: Sender, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    await send(peer);
    if (sent % 50 === 49) await peer.caughtUp();
  }
  await peer.caughtUp();
}

async function expectCredit(peer: Http2Peer): Promise<void> {
  const last = [peer.call("/fast/7"), peer.call("/general/7")];
  await peer.untilOver(...last);
  expect(last.map((stream) => peer.bodyOf(stream))).toEqual([pattern(7), pattern(7)]);
  await peer.until(() => peer.uploadWindow >= WINDOW - UNREPORTED);
  expect(peer.uploadWindow).toBeLessThanOrEqual(WINDOW);
}

describe("what a client may send on a connection neither dwindles nor grows", () => {
  it.each(Object.entries(SENDERS))("by requests that %s", async (_, send) => {
    const { port } = await startListening({ onExchange: answerPattern, fastPath: new PatternFastPath() });
    const peer = await Http2Peer.open(port);
    peer.openWindow(0, 10_000_000);
    await sendMany(peer, send, 450);
    await expectCredit(peer);
    peer.destroy();
  });

  it("by ten thousand requests of either kind", async () => {
    const { port } = await startListening({ onExchange: answerPattern, fastPath: new PatternFastPath() });
    const peer = await Http2Peer.open(port);
    peer.openWindow(0, 100_000_000);
    for (let request = 0; request < 10_000; request += 100) {
      await sendMany(peer, SENDERS["the fast path passes on"]!, 100);
      await sendMany(peer, SENDERS["the fast path answers"]!, 100);
    }
    await expectCredit(peer);
    peer.destroy();
  });
});
