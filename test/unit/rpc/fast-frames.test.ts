import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MESSAGE_ENCODERS } from "../../../src/adapters/rpc/answer-encoders.js";
import { frameEncoders } from "../../../src/adapters/rpc/fast-lane/frame-encoders.js";
import { FrameWriter } from "../../../src/adapters/rpc/fast-lane/frame-writer.js";
import { EnumEntitlementSchema, SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { EntitlementsList } from "../../../src/application/list-entitlements.js";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { decideCredit, decideCreditWithoutState } from "../../../src/domain/decide-credit.js";
import { decideFeature, decideFeatureWithoutState } from "../../../src/domain/decide-feature.js";
import { creditQueries, fallbackValues, featureQueries, moments } from "../../builders/arbitraries.js";
import { listOf, oddStates, oddTexts } from "../../builders/odd-states.js";

const { method } = SidecarService;
const frames = frameEncoders();

describe("a frame says what the message says", () => {
  const kinds = [
    ["feature", method.getEntitlement.output, undefined],
    ["featureV2", method.getEntitlementV2.output, undefined],
    ["boolean", method.getBooleanEntitlement.output, "boolean"],
    ["numeric", method.getNumericEntitlement.output, "numeric"],
    ["metered", method.getMeteredEntitlement.output, "metered"],
    ["enum", method.getEnumEntitlement.output, "enum"],
  ] as const;

  test.each(kinds)("of a feature: %s", (name, schema, kind) => {
    fc.assert(
      fc.property(oddStates, featureQueries, moments, fc.boolean(), (input, query, now, isKnown) => {
        const asked = { ...query, kind };
        const decision = isKnown ? decideFeature(buildCustomerState(input), asked, now) : decideFeatureWithoutState(asked);
        sameMeaning(schema, frames[name](decision, asked), MESSAGE_ENCODERS[name](decision, asked));
      }),
      { numRuns: 300 },
    );
  });

  test("of a wallet", () => {
    fc.assert(
      fc.property(oddStates, creditQueries, fc.boolean(), (input, query, isKnown) => {
        const decision = isKnown ? decideCredit(buildCustomerState(input), query) : decideCreditWithoutState(query);
        sameMeaning(method.getEntitlementV2.output, frames.creditV2(decision, query), MESSAGE_ENCODERS.creditV2(decision, query));
      }),
      { numRuns: 300 },
    );
  });

  test("of a list", () => {
    fc.assert(
      fc.property(oddStates, moments, (input, now) => sameLists(listOf(buildCustomerState(input), now))),
      { numRuns: 300 },
    );
  });

  test("of the fallbacks in place of a list", () => {
    fc.assert(
      fc.property(fc.dictionary(oddTexts, fallbackValues), (values) =>
        sameLists({ features: [], credits: [], fallbacks: new Map(Object.entries(values)), accessDeniedReason: "Unknown" }),
      ),
      { numRuns: 100 },
    );
  });

  function sameLists(list: EntitlementsList): void {
    sameMeaning(method.getEntitlements.output, frames.list(list), MESSAGE_ENCODERS.list(list));
    sameMeaning(method.getEntitlementsStateV2.output, frames.listV2(list), MESSAGE_ENCODERS.listV2(list));
  }
});

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

function sameMeaning<O extends DescMessage>(schema: O, frame: Buffer, message: MessageShape<O>): void {
  expect(frame[0]).toBe(0);
  expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
  expect(fromBinary(schema, frame.subarray(5))).toEqual(fromBinary(schema, toBinary(schema, message)));
}
