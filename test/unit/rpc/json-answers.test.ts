import { toJsonString, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { JSON_ENCODERS } from "../../../src/adapters/rpc/json-lane/json-encoders.js";
import { describeAnswers } from "./describe-answers.js";

describeAnswers("an answer in JSON is, to the letter, the message's", JSON_ENCODERS, expectSameText);

function expectSameText<O extends DescMessage>(schema: O, text: string, message: MessageShape<O>): void {
  expect(text).toBe(toJsonString(schema, message, { alwaysEmitImplicit: true }));
}
