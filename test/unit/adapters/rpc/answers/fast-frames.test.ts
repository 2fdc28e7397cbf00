import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { timestampFromMs, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FrameWriter } from "../../../../../src/adapters/rpc/answers/frame-writer.js";
import { frameEncoders } from "../../../../../src/adapters/rpc/gen/answers/frame-encoders.js";
import { EnumEntitlementSchema } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { unusualTexts } from "../../../../builders/unusual-states.js";
import { describeAnswers } from "./describe-answers.js";

describeAnswers("a frame has the bytes of the message", frameEncoders(), expectSameBytes);

describe("every field number is written as protobuf writes it", () => {
  /** As often with a tag of one byte as with each longer one. */
  const fields = fc.oneof(...[4, 11, 18, 25, 29].map((bits) => fc.integer({ min: 1, max: 2 ** bits - 1 })));
  const int64s = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: 0, max: 300 }));

  test.each<
    [
      string,
      (writer: FrameWriter, field: number, value: never) => void,
      (writer: BinaryWriter, field: number, value: never) => void,
      fc.Arbitrary<unknown>,
    ]
  >([
    [
      "flag",
      (writer, field, value) => writer.flag(field, value),
      (writer, field, value) => writer.tag(field, WireType.Varint).bool(value),
      fc.boolean(),
    ],
    [
      "double",
      (writer, field, value) => writer.double(field, value),
      (writer, field, value) => writer.tag(field, WireType.Bit64).double(value),
      fc.double(),
    ],
    [
      "integer",
      (writer, field, value) => writer.integer(field, value),
      (writer, field, value) => writer.tag(field, WireType.Varint).int64(value),
      int64s,
    ],
    [
      "text",
      (writer, field, value) => writer.text(field, value),
      (writer, field, value) => writer.tag(field, WireType.LengthDelimited).string(value),
      fc.oneof(unusualTexts, fc.string({ unit: "grapheme", minLength: 30, maxLength: 400, size: "max" })),
    ],
    [
      "bytes",
      (writer, field, value) => writer.bytes(field, value),
      (writer, field, value) => writer.tag(field, WireType.LengthDelimited).bytes(value),
      fc.uint8Array({ maxLength: 400, size: "max" }),
    ],
    [
      "timestamp",
      (writer, field, value) => writer.timestamp(field, value),
      (writer, field, value) =>
        writer.tag(field, WireType.LengthDelimited).bytes(toBinary(TimestampSchema, timestampFromMs(value))),
      fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    ],
  ])("%s", (_, write, expected, values) => {
    const writer = new FrameWriter();
    fc.assert(
      fc.property(fields, values, (field, value) => {
        writer.begin();
        write(writer, field, value as never);
        const reference = new BinaryWriter();
        expected(reference, field, value as never);
        expect(writer.finish().subarray(5)).toEqual(Buffer.from(reference.finish()));
      }),
      { numRuns: 500 },
    );
  });

  test("a message within", () => {
    fc.assert(
      fc.property(fields, fields, fc.uint8Array({ maxLength: 400, size: "max" }), (outer, inner, value) => {
        const writer = new FrameWriter();
        writer.begin();
        writer.flag(inner, true);
        const before = writer.length;
        writer.bytes(inner, value);
        writer.message(outer, before);
        const reference = new BinaryWriter()
          .tag(outer, WireType.LengthDelimited)
          .fork()
          .tag(inner, WireType.LengthDelimited)
          .bytes(value)
          .join();
        expect(writer.finish().subarray(5)).toEqual(
          Buffer.from(reference.tag(inner, WireType.Varint).bool(true).finish()),
        );
      }),
    );
  });

  test.each([0, -1, 2 ** 29, 1.5e9, 16.5, NaN])("%d, which is none, is refused", (field) => {
    const writer = new FrameWriter();
    writer.begin();
    expect(() => writer.flag(field, true)).toThrow(RangeError);
  });
});

test("a frame keeps its bytes while others are written, however many and however large", () => {
  const writer = new FrameWriter();
  const written: { readonly frame: Buffer; readonly text: string }[] = [];
  for (let size = 1; size < 5_000_000; size = Math.ceil(size * 1.3)) {
    const text = String(size % 10).repeat(size);
    writer.begin();
    writer.text(5, text.slice(size / 2));
    writer.text(5, text.slice(0, size / 2));
    written.push({ frame: writer.finish(), text });
  }
  for (const { frame, text } of written) {
    expect(frame.length).toBe(5 + frame.readUInt32BE(1));
    expect(fromBinary(EnumEntitlementSchema, frame.subarray(5)).enumValues.join("")).toBe(text);
  }
});

test("a frame that was given up leaves nothing in the next", () => {
  const writer = new FrameWriter();
  writer.begin();
  writer.text(1, "given up");
  writer.begin();
  expect(writer.finish()).toEqual(Buffer.alloc(5));
});

function expectSameBytes<O extends DescMessage>(schema: O, frame: Buffer, message: MessageShape<O>): void {
  expect(frame[0]).toBe(0);
  expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
  expect(frame.subarray(5)).toEqual(Buffer.from(toBinary(schema, message)));
}
