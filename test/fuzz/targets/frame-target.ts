import {
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  grpcFields,
  headers,
  OPENING,
} from "../../integration/http2/http2-frames.js";
import { ByteSource } from "../byte-source.js";
import type { FuzzTarget } from "../fuzz-target.js";
import { FrameRules, type Verdict } from "./frame-rules.js";
import { CHECK_PATH, FuzzServer } from "./fuzz-server.js";
import { requestBlock } from "./requests.js";
import { WireClient } from "./wire-client.js";

/** Streams that are open when the frames come: two calls whose bodies are still to come. */
const LAST_STREAM = 3;
const MOST_FRAMES = 6;
const SIZES = [0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 16_384, 16_385, 100_000];

/**
 * Frames of every type with any flags, stream, length and padding, written in one piece or in several: the connection is ended
 * where RFC 9113 demands it, with a code that it allows, and goes on where it must.
 */
export async function frameTarget(): Promise<FuzzTarget> {
  const server = await FuzzServer.start();
  return {
    name: "frames",
    maxBytes: 200,
    dictionary: [Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.from([0, 4]), Buffer.from([0, 5]), Buffer.from([0, 2])],
    async run(input) {
      const source = new ByteSource(input);
      const { frames, verdict } = chooseFrames(source);
      const client = new WireClient(server.port);
      client.unacknowledged = 1_000;
      client.window = 2 ** 40;
      const calls = [1, LAST_STREAM].map((stream) => headers(stream, grpcFields(CHECK_PATH)));
      await writeInPieces(client, Buffer.concat([OPENING, ...calls, ...frames.map(encoded)]), source);
      const goesOn = await client.caughtUp("the end");
      const { goAway } = client;
      client.socket.destroy();
      await client.until(() => client.isClosed);
      if (client.violations.length > 0) throw new Error(`the server has sent ${client.violations.join("; ")}`);
      if (isWrong(verdict, goesOn, goAway)) {
        const outcome = goesOn ? "goes on" : `was ended with code ${goAway}`;
        throw new Error(
          `after ${frames.map(nameOf).join(", ")} the connection ${outcome}; right: ${Array.isArray(verdict) ? `code ${verdict.join(" or ")}` : String(verdict)}`,
        );
      }
      await server.settle();
    },
    close: () => server.stop(),
  };
}

/** Until one is not to be survived, or nothing is known for certain any more. */
function chooseFrames(source: ByteSource): { readonly frames: readonly Frame[]; readonly verdict: Verdict } {
  const rules = new FrameRules(LAST_STREAM);
  const frames: Frame[] = [];
  let isUncertain = false;
  while (!source.isEmpty && frames.length < MOST_FRAMES) {
    const next = chooseFrame(source);
    frames.push(next);
    const verdict = rules.judge(next);
    if (verdict === "either") isUncertain = true;
    else if (verdict !== "goes on") return { frames, verdict: isUncertain ? "either" : verdict };
  }
  // The ping at the end is a frame too.
  if (rules.isWithinBlock) return { frames, verdict: isUncertain ? "either" : [1] };
  return { frames, verdict: isUncertain ? "either" : "goes on" };
}

function chooseFrame(source: ByteSource): Frame {
  const type = source.seldom(12) ? source.byte() : source.integer(0, 10);
  const flags = source.oneOf([0, END_STREAM, END_HEADERS, END_STREAM | END_HEADERS, 0x8, 0x2c, 0xff, source.byte()]);
  const stream = source.oneOf([0, 1, LAST_STREAM, 0, 1, 2, 5, 99, 0x7fff_ffff]);
  if (type === 1 && !source.seldom(3)) return { type, flags: flags & ~0x28, stream, payload: requestBlock(source) };
  const length = source.oneOf(SIZES);
  const payload = Buffer.alloc(length);
  source.take(Math.min(length, 24)).copy(payload);
  return { type, flags, stream, payload };
}

function isWrong(verdict: Verdict, goesOn: boolean, goAway: number | undefined): boolean {
  if (verdict === "either") return false;
  if (verdict === "goes on") return !goesOn;
  return goesOn || goAway === undefined || !verdict.includes(goAway);
}

async function writeInPieces(client: WireClient, bytes: Buffer, source: ByteSource): Promise<void> {
  let sent = 0;
  client.holdReplies();
  for (let pieces = source.oneOf([0, 0, 1, 2, 4]); pieces > 0 && sent < bytes.length; pieces--) {
    const end = Math.min(bytes.length, sent + source.integer(1, 120));
    client.write(bytes.subarray(sent, end));
    sent = end;
    for (let turns = source.integer(0, 2); turns >= 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  }
  client.write(bytes.subarray(sent));
  client.sendReplies();
}

function encoded({ type, flags, stream, payload }: Frame): Buffer {
  return frame(type, flags, stream, payload);
}

function nameOf({ type, flags, stream, payload }: Frame): string {
  return `type ${type}, flags ${flags}, stream ${stream}, ${payload.length} bytes ${payload.subarray(0, 24).toString("hex")}`;
}
