import { create, fromJson, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import {
  EventSchema,
  GetBooleanEntitlementRequestSchema,
  GetEntitlementRequestSchema,
  GetEntitlementV2RequestSchema,
  GetEnumEntitlementRequestSchema,
  GetMeteredEntitlementRequestSchema,
  GetNumericEntitlementRequestSchema,
  ReportUsageRequestSchema,
  UsageUpdateBehavior,
} from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import {
  readBooleanQuery,
  readEntitlementQuery,
  readEntitlementV2Query,
  readEnumQuery,
  readMeteredQuery,
  readNumericQuery,
} from "../../../../../src/adapters/rpc/service/check-calls.js";
import { readUsageEvent, readUsageReport } from "../../../../../src/adapters/rpc/service/write-calls.js";

const NOT_FINITE = [NaN, Infinity, -Infinity];
const report = (init: MessageInitShape<typeof ReportUsageRequestSchema>) =>
  readUsageReport(create(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats", ...init }), undefined);
const event = (init: MessageInitShape<typeof EventSchema>) =>
  readUsageEvent(
    create(EventSchema, { eventName: "saved", customerId: "acme", idempotencyKey: "key", ...init }),
    "events[2].",
  );
const check = (init: MessageInitShape<typeof GetEntitlementRequestSchema>) =>
  readEntitlementQuery(create(GetEntitlementRequestSchema, { featureId: "x", ...init }));
const checkV2 = (init: MessageInitShape<typeof GetEntitlementV2RequestSchema>) =>
  readEntitlementV2Query(create(GetEntitlementV2RequestSchema, init));

describe("what a typed check asks", () => {
  const NOTHING = {
    featureId: "x",
    requestedUsage: undefined,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
  const message = { featureId: "x" };

  test.each([
    ["boolean", readBooleanQuery(create(GetBooleanEntitlementRequestSchema, message))],
    ["numeric", readNumericQuery(create(GetNumericEntitlementRequestSchema, message))],
    ["metered", readMeteredQuery(create(GetMeteredEntitlementRequestSchema, message))],
    ["enum", readEnumQuery(create(GetEnumEntitlementRequestSchema, message))],
  ])("%s, of nothing but the feature", (kind, query) => {
    expect(query).toEqual({ ...NOTHING, kind });
  });

  test("options and fallbacks are those of the kind", () => {
    expect(
      readBooleanQuery(
        create(GetBooleanEntitlementRequestSchema, { ...message, options: { fallback: { hasAccess: true } } }),
      ).fallback,
    ).toEqual({ hasAccess: true });
    expect(
      readNumericQuery(
        create(GetNumericEntitlementRequestSchema, {
          ...message,
          options: { fallback: { hasAccess: true, value: -1 } },
        }),
      ).fallback,
    ).toEqual({ hasAccess: true, value: -1, isUnlimited: undefined });
    expect(
      readMeteredQuery(
        create(GetMeteredEntitlementRequestSchema, {
          ...message,
          options: { requestedUsage: 0.5, fallback: { usageLimit: 0 } },
        }),
      ),
    ).toMatchObject({ requestedUsage: 0.5, fallback: { hasAccess: false, usageLimit: 0 } });
    expect(
      readEnumQuery(
        create(GetEnumEntitlementRequestSchema, {
          ...message,
          options: { requestedValues: ["a"], fallback: { enumValues: ["b"] } },
        }),
      ),
    ).toMatchObject({ requestedValues: ["a"], fallback: { hasAccess: false, enumValues: ["b"] } });
  });

  test("options without a fallback are none", () => {
    expect(readMeteredQuery(create(GetMeteredEntitlementRequestSchema, { ...message, options: {} }))).toEqual({
      ...NOTHING,
      kind: "metered",
    });
  });
});

describe("what a check of any kind asks", () => {
  test("the first generation falls back where the feature is unknown, the second does not", () => {
    expect(check({})).toMatchObject({ kind: undefined, fallbackWhenUnknown: true });
    expect(checkV2({ featureId: "x" })).toMatchObject({
      type: "feature",
      query: { kind: undefined, fallbackWhenUnknown: false },
    });
  });

  test.each([
    [{ featureId: "x" }, { type: "feature", query: { featureId: "x" } }],
    [
      { featureId: "x", currencyId: "" },
      { type: "feature", query: { featureId: "x" } },
    ],
    [{ currencyId: "c" }, { type: "credit", query: { currencyId: "c" } }],
    [
      { currencyId: "c", featureId: "" },
      { type: "credit", query: { currencyId: "c" } },
    ],
  ])("%j asks for exactly one thing", (init, query) => {
    expect(checkV2(init)).toMatchObject(query);
  });

  test.each([{}, { featureId: "" }, { featureId: "", currencyId: "" }, { featureId: "x", currencyId: "c" }])(
    "%j does not",
    (init) => {
      expect(() => checkV2(init)).toThrow(
        expect.objectContaining({
          code: "invalid-argument",
          message: expect.stringMatching(/feature_id and currency_id .* send exactly one/),
        }),
      );
    },
  );

  test.each(NOT_FINITE)("numbers have to be finite: %d", (number) => {
    const requestedUsage = { options: { requestedUsage: number } };
    const usageLimit = { options: { fallback: { usageLimit: number } } };
    expect(() => check(requestedUsage)).toThrow(`options.requested_usage was ${number}: send a finite number`);
    expect(() => checkV2({ currencyId: "c", ...requestedUsage })).toThrow("options.requested_usage");
    expect(() => check(usageLimit)).toThrow("options.fallback.usage_limit");
    expect(() => checkV2({ currencyId: "c", ...usageLimit })).toThrow("options.fallback.usage_limit");
    expect(() =>
      readMeteredQuery(create(GetMeteredEntitlementRequestSchema, { featureId: "x", ...requestedUsage })),
    ).toThrow("options.requested_usage");
    expect(() =>
      readMeteredQuery(create(GetMeteredEntitlementRequestSchema, { featureId: "x", ...usageLimit })),
    ).toThrow("options.fallback.usage_limit");
  });
});

describe("a report of usage", () => {
  test.each([
    [undefined, "DELTA"],
    [UsageUpdateBehavior.UNSPECIFIED, "DELTA"],
    [UsageUpdateBehavior.DELTA, "DELTA"],
    [UsageUpdateBehavior.SET, "SET"],
  ])("behaviour %j is %s", (updateBehavior, expected) => {
    expect(report({ updateBehavior }).updateBehavior).toBe(expected);
  });

  test("every report has a key of its own", () => {
    const keys = new Set(Array.from({ length: 100 }, () => report({}).idempotencyKey));
    expect(keys.size).toBe(100);
  });

  test("dimensions are kept as they are, empty ones too", () => {
    const dimensions = {
      text: { value: { case: "stringValue", value: "" } },
      number: { value: { case: "numberValue", value: -0.5 } },
      truth: { value: { case: "booleanValue", value: false } },
      __proto__: { value: { case: "stringValue", value: "x" } },
    } as const;
    expect([...report({ dimensions }).dimensions]).toEqual([
      ["text", ""],
      ["number", -0.5],
      ["truth", false],
    ]);
  });

  test("a timestamp is milliseconds", () => {
    expect(report({ timestamp: { seconds: 1_767_225_600n, nanos: 5_999_999 } }).timestamp).toBe(
      Date.UTC(2026, 0, 1, 0, 0, 0, 5),
    );
    expect(report({ timestamp: { seconds: -1n, nanos: 0 } }).timestamp).toBe(-1000);
    expect(report({}).timestamp).toBeUndefined();
  });

  test.each<[string, MessageInitShape<typeof ReportUsageRequestSchema>, string]>([
    ["no customer", { customerId: "" }, "customer_id is required"],
    ["no feature", { featureId: "" }, "feature_id is required"],
    ["an endless value", { value: Infinity }, "value was Infinity"],
    ["no value that is a number", { value: NaN }, "value was NaN"],
    ["a dimension of nothing", { dimensions: { a: {} } }, 'dimensions["a"] has no value'],
    [
      "a dimension without end",
      { dimensions: { 'a"b': { value: { case: "numberValue", value: -Infinity } } } },
      'dimensions["a\\"b"].number_value was -Infinity',
    ],
    ["a timestamp after the year 9999", { timestamp: { seconds: 253_402_300_800n } }, "timestamp is outside"],
    ["a timestamp before the year 1", { timestamp: { seconds: -62_135_596_801n } }, "timestamp is outside"],
    ["a timestamp with too many nanoseconds", { timestamp: { nanos: 1_000_000_000 } }, "timestamp is outside"],
    ["a timestamp with negative nanoseconds", { timestamp: { nanos: -1 } }, "timestamp is outside"],
  ])("%s is refused by name", (_, init, message) => {
    expect(() => report(init)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });

  test.each([3, -1])("the unknown behaviour %d is refused, not guessed", (updateBehavior) => {
    const request = fromJson(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats", updateBehavior });
    expect(() => readUsageReport(request, undefined)).toThrow(
      `update_behavior was ${updateBehavior}: send DELTA (1), SET (2) or leave it out`,
    );
  });

  test.each([
    ["of the caller's is that of the report", "order-7", undefined, { idempotencyKey: "order-7", keyOrigin: "caller" }],
    [
      "of a bulk's caller is another one for each item",
      "order-7",
      2,
      { idempotencyKey: "order-7·2", keyOrigin: "caller" },
    ],
    ["of nothing is made up", "", undefined, { keyOrigin: "generated" }],
    ["that is left out is made up", undefined, 3, { keyOrigin: "generated" }],
  ] as const)("a key %s", (_, key, index, expected) => {
    const request = create(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats" });
    expect(readUsageReport(request, key, index)).toMatchObject(expected);
  });

  test.each(["a\nb", " a", "é", "x".repeat(256)])("the key %j is refused by name", (key) => {
    const request = create(ReportUsageRequestSchema, { customerId: "acme", featureId: "seats" });
    expect(() => readUsageReport(request, key)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining("idempotency-key") }),
    );
  });

  test("a long name in a message is cut, half of a character is escaped", () => {
    const name = `${"x".repeat(79)}😀`;
    expect(() => report({ dimensions: { [name]: {} } })).toThrow(
      `dimensions["${"x".repeat(79)}\\ud83d…"] has no value`,
    );
  });
});

describe("an event", () => {
  test("is read whole", () => {
    expect(
      event({
        resourceId: "site",
        timestamp: { seconds: 1n },
        dimensions: { size: { value: { case: "numberValue", value: 3 } } },
      }),
    ).toEqual({
      eventName: "saved",
      subject: { customerId: "acme", resourceId: "site" },
      idempotencyKey: "key",
      dimensions: new Map([["size", 3]]),
      timestamp: 1000,
    });
  });

  test("an empty resource is none", () => {
    expect(event({ resourceId: "" }).subject).toEqual({ customerId: "acme", resourceId: undefined });
  });

  test.each<[MessageInitShape<typeof EventSchema>, string]>([
    [{ eventName: "" }, "events[2].event_name"],
    [{ customerId: "" }, "events[2].customer_id"],
    [{ idempotencyKey: "" }, "events[2].idempotency_key"],
    [{ dimensions: { a: {} } }, 'events[2].dimensions["a"]'],
    [{ timestamp: { nanos: -1 } }, "events[2].timestamp"],
  ])("%j is refused by its place in the list", (init, field) => {
    expect(() => event(init)).toThrow(field);
  });
});
