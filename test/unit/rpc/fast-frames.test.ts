import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { frameEncoders } from "../../../src/adapters/rpc/fast-lane/frame-encoders.js";
import { FrameWriter } from "../../../src/adapters/rpc/fast-lane/frame-writer.js";
import { EnumEntitlementSchema } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { describeAnswers } from "./describe-answers.js";

describeAnswers("a frame says what the message says", frameEncoders(), expectSameMeaning);

test("a frame keeps what it says while others are written, however many and however large", () => {
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

function expectSameMeaning<O extends DescMessage>(schema: O, frame: Buffer, message: MessageShape<O>): void {
  expect(frame[0]).toBe(0);
  expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
  expect(fromBinary(schema, frame.subarray(5))).toEqual(fromBinary(schema, toBinary(schema, message)));
}
