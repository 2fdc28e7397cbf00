import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { encodeTimestamp } from "../../../../../src/adapters/rpc/answers/message-encoders.js";
import { toInt32 } from "../../../../../src/adapters/rpc/answers/wire-values.js";
import { encodeGrpcMessage } from "../../../../../src/adapters/rpc/protocols/answer-headers.js";
import { checkedFrames, decodeBase64 } from "../../../../../src/adapters/rpc/protocols/universal-request.js";
import { readTimestamp } from "../../../../../src/adapters/rpc/service/write-calls.js";

const bytes = fc.uint8Array({ maxLength: 40 });
const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe("frames with known flags", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(0, 1), bytes), { maxLength: 4 });

  test("pass unchanged, however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(frames, cuts, async (messages, at) => {
        const body = Buffer.concat(messages.map(([flags, message]) => frame(flags, message)));
        expect(await collect(checkedFrames(cutAt(body, at), "grpc"))).toEqual(body);
      }),
    );
  });

  test("do not when one is of another kind, or the last is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(
        frames,
        fc.integer({ min: 2, max: 255 }),
        bytes,
        cuts,
        fc.boolean(),
        async (messages, flags, message, at, isCut) => {
          const before = messages.map(([known, each]) => frame(known, each));
          const last = isCut ? frame(0, message).subarray(0, -1) : frame(flags, message);
          const failure = collect(checkedFrames(cutAt(Buffer.concat([...before, last]), at), "grpc"));
          await expect(failure).rejects.toMatchObject({ code: Code.InvalidArgument });
        },
      ),
    );
  });

  test("the end of a stream is a flag of Connect's alone", async () => {
    const body = frame(0b10, new Uint8Array());
    expect(await collect(checkedFrames(cutAt(body, []), "connect-stream"))).toEqual(body);
    await expect(collect(checkedFrames(cutAt(body, []), "grpc-web"))).rejects.toBeInstanceOf(ConnectError);
  });
});

test("base64 reads as what was written, in however many padded texts and chunks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 5 }), cuts, async (texts, at) => {
      const body = Buffer.from(texts.map((text) => Buffer.from(text).toString("base64")).join(""));
      expect(await collect(decodeBase64(cutAt(body, at)))).toEqual(Buffer.concat(texts));
    }),
  );
});

test("a status message survives its way, and printable ASCII is sent as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const message = Buffer.from(text).toString();
      const sent = encodeGrpcMessage(message);
      expect(sent).toMatch(/^[ -~]*$/);
      expect(decodeURIComponent(sent)).toBe(message);
    }),
  );
  expect(encodeGrpcMessage("a: b/c?%é")).toBe("a: b/c?%25%C3%A9");
});

test("a number within 32 bits loses its fraction and nothing else", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (whole, fraction) => toInt32(whole + Math.sign(whole) * fraction) === whole,
    ),
  );
});

test("a timestamp that the wire can hold comes back, to the millisecond", () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date("0001-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59.999Z"),
        noInvalidDate: true,
      }),
      (date) => {
        expect(readTimestamp(encodeTimestamp(date.getTime()), "timestamp")).toBe(date.getTime());
      },
    ),
  );
});

function frame(flags: number, message: Uint8Array): Buffer {
  const prefix = Buffer.from([flags, 0, 0, 0, 0]);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

async function* cutAt(body: Buffer, cuts: readonly number[]): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  const places = [0, ...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((a, b) => a - b);
  for (let part = 1; part < places.length; part++) yield body.subarray(places[part - 1], places[part]);
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
