import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import { expect } from "@jest/globals";
import { JSON_OPTIONS } from "../../../../../src/adapters/rpc/answers/answer-encoders.js";
import { TEXT_ENCODERS } from "../../../../../src/adapters/rpc/gen/answers/text-encoders.js";
import { describeAnswers } from "./describe-answers.js";

describeAnswers("an answer in JSON is, to the letter, the message's", TEXT_ENCODERS, expectSameText);

function expectSameText<O extends DescMessage>(schema: O, text: string, message: MessageShape<O>): void {
  expect(text).toBe(toJsonString(schema, message, JSON_OPTIONS));
}
