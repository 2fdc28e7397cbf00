import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "@jest/globals";
import { MESSAGE_ENCODERS } from "../../../../../src/adapters/rpc/answers/message-encoders.js";
import { callFailure } from "../../../../../src/adapters/rpc/call/call-failure.js";
import {
  GetEntitlementsRequestSchema,
  GetEntitlementsStateV2RequestSchema,
  GetEntitlementV2RequestSchema,
  GetMeteredEntitlementRequestSchema,
} from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { dropEndlessDeadline } from "../../../../../src/adapters/rpc/protocols/fast-path-headers.js";
import { protocolOf } from "../../../../../src/adapters/rpc/protocols/general-path.js";
import { checkCalls } from "../../../../../src/adapters/rpc/service/check-calls.js";
import { listCalls } from "../../../../../src/adapters/rpc/service/check-calls.js";
import { CodedError, ERROR_CODES } from "../../../../../src/domain/errors.js";
import { MAX_ID_BYTES } from "../../../../../src/domain/subject.js";
import { buildCore, know, NO_HURRY } from "../../../../builders/core.js";
import { metered, stateWith, wallet } from "../../../../builders/states.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

const CALM = new AbortController().signal;

describe("a failed call", () => {
  test.each([
    ["invalid-argument", Code.InvalidArgument],
    ["not-found", Code.NotFound],
    ["failed-precondition", Code.FailedPrecondition],
    ["unauthenticated", Code.Unauthenticated],
    ["resource-exhausted", Code.ResourceExhausted],
    ["deadline-exceeded", Code.DeadlineExceeded],
    ["cancelled", Code.Canceled],
    ["unavailable", Code.Unavailable],
    ["internal", Code.Internal],
  ] as const)("%s has its code and its own message", (code, expected) => {
    const logger = new RecordingLogger();
    const failure = callFailure(new CodedError(code, "why"), CALM, { method: "M" }, logger);
    expect(failure).toMatchObject({ code: expected, rawMessage: "why" });
    expect(logger.lines).toEqual([]);
    expect(ERROR_CODES).toContain(code);
  });

  test.each([new TypeError("secret"), "secret", undefined])(
    "that nobody foresaw (%s) is logged once and gives nothing away",
    (thrown) => {
      const logger = new RecordingLogger();
      const failure = callFailure(thrown, CALM, { method: "GetEntitlement" }, logger);
      expect(failure.code).toBe(Code.Internal);
      expect(failure.message).not.toContain("secret");
      expect(logger.lines).toEqual([
        { level: "error", message: expect.any(String), fields: { method: "GetEntitlement", error: thrown } },
      ]);
    },
  );

  test.each(["cancelled", "deadline-exceeded"] as const)(
    "whose caller's time ran out is told so, whatever the work says (%s)",
    (code) => {
      const late = AbortSignal.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
      expect(callFailure(new CodedError(code, "given up"), late, { method: "M" }, new RecordingLogger()).code).toBe(
        Code.DeadlineExceeded,
      );
      expect(
        callFailure(new CodedError(code, "given up"), AbortSignal.abort(), { method: "M" }, new RecordingLogger()).code,
      ).toBe(Code.Canceled);
    },
  );

  test("for another reason says that reason, also when it is late", () => {
    const late = AbortSignal.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    expect(callFailure(new CodedError("not-found", "none"), late, { method: "M" }, new RecordingLogger()).code).toBe(
      Code.NotFound,
    );
  });

  test("has a message that fits into a header and can be encoded", () => {
    const { rawMessage } = callFailure(
      new CodedError("unavailable", `\ud800${"é".repeat(10_000)}`),
      CALM,
      { method: "M" },
      new RecordingLogger(),
    );
    expect(encodeURIComponent(rawMessage).length).toBeLessThan(8_000);
  });
});

test("checks and lists of what is cached answer at once, without a promise", async () => {
  const core = buildCore();
  await know(core, { customerId: "acme" }, stateWith([metered()], { credits: [wallet()] }));
  const checks = checkCalls(core.check, MESSAGE_ENCODERS, () => undefined, MAX_ID_BYTES);
  const lists = listCalls(core.list, MESSAGE_ENCODERS, MAX_ID_BYTES);
  const subject = { customerId: "acme" };
  const verifiedAt = core.clock.now();
  for (const reply of [
    checks.getMeteredEntitlement(
      create(GetMeteredEntitlementRequestSchema, { ...subject, featureId: "seats" }),
      NO_HURRY,
    ),
    checks.getEntitlementV2(create(GetEntitlementV2RequestSchema, { ...subject, featureId: "seats" }), NO_HURRY),
    checks.getEntitlementV2(create(GetEntitlementV2RequestSchema, { ...subject, currencyId: "credits" }), NO_HURRY),
    lists.getEntitlements(create(GetEntitlementsRequestSchema, subject), NO_HURRY),
    lists.getEntitlementsStateV2(create(GetEntitlementsStateV2RequestSchema, subject), NO_HURRY),
  ]) {
    expect(reply).not.toBeInstanceOf(Promise);
    expect(reply).toMatchObject({ source: "memory", verifiedAt });
  }
});

describe("a deadline further away than a timer can wait is none", () => {
  test.each([
    ["grpc-timeout", "596H", true],
    ["grpc-timeout", "597H", false],
    ["grpc-timeout", "99999999H", false],
    ["grpc-timeout", "99999999m", true],
    ["grpc-timeout", "99999999S", false],
    ["grpc-timeout", "nonsense", true],
    ["connect-timeout-ms", "2147483647", true],
    ["connect-timeout-ms", "2147483648", false],
    ["connect-timeout-ms", "1e10", true],
  ])("%s: %s", (name, value, isKept) => {
    const header = new Headers({ [name]: value });
    dropEndlessDeadline(header);
    expect(header.has(name)).toBe(isKept);
  });
});

describe("the protocol of a request", () => {
  test.each([
    ["application/grpc", "grpc"],
    ["application/grpc+proto", "grpc"],
    ["Application/GRPC+json;charset=utf-8", "grpc"],
    ["application/grpc-web", "grpc-web"],
    ["application/grpc-web+json", "grpc-web"],
    ["application/grpc-web-text", "grpc-web-text"],
    ["application/grpc-web-text+proto", "grpc-web-text"],
    ["application/json; charset=utf-8", "connect"],
    ["application/json ;charset=utf-8", "connect"],
    ["application/proto", "connect"],
    ["application/connect+proto", "connect-stream"],
    ["application/grpc-webby", "other"],
    ["text/plain", "other"],
    ["", "other"],
    [undefined, "other"],
  ])("%s is %s", (contentType, protocol) => {
    expect(protocolOf(contentType)).toBe(protocol);
  });
});
