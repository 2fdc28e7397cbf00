import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { SidecarService } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { grpcTimeoutMs } from "../../../../../src/adapters/rpc/protocols/fast-path-headers.js";
import { requestReader } from "../../../../../src/adapters/rpc/service/request-reader.js";
import { optional } from "../../../../builders/arbitraries.js";

const METHODS = [
  SidecarService.method.getBooleanEntitlement,
  SidecarService.method.getNumericEntitlement,
  SidecarService.method.getMeteredEntitlement,
  SidecarService.method.getEnumEntitlement,
  SidecarService.method.getEntitlement,
  SidecarService.method.getEntitlementV2,
  SidecarService.method.getEntitlements,
  SidecarService.method.getEntitlementsStateV2,
] as const;

const ids = fc.oneof(
  { weight: 5, arbitrary: fc.string({ maxLength: 20 }) },
  fc.constantFrom("", "é", "x".repeat(127), "x".repeat(128), "\0", "\u007f"),
);

/** Everything that a request of any of the methods may have; of each message, what it has no field for is left out. */
const requests = fc.record(
  {
    customerId: ids,
    resourceId: optional(ids),
    featureId: ids,
    currencyId: optional(ids),
    options: fc.record(
      {
        requestedUsage: fc.double(),
        requestedValues: fc.array(ids, { maxLength: 2 }),
        fallback: fc.constant({ hasAccess: true }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

describe.each(METHODS)("the request of $name is read as the library reads it", ({ input }) => {
  test("as clients send it", () => {
    fc.assert(
      fc.property(requests, (request) => sameReading(input, encoded(input, request))),
      { numRuns: 300 },
    );
  });

  test("with bytes put in, taken out and changed", () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.array(fc.nat({ max: 255 }), { maxLength: 4 })), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(requests, damages, (request, changes) => {
        const bytes = [...encoded(input, request)];
        for (const [at, removed, added] of changes) bytes.splice(at % (bytes.length + 1), removed, ...added);
        sameReading(input, Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test("of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => sameReading(input, Buffer.from(bytes))),
      { numRuns: 500 },
    );
  });
});

test("a plain request is read without the library", () => {
  const { input } = SidecarService.method.getMeteredEntitlement;
  const plain = encoded(input, { customerId: "acme", featureId: "seats", options: { requestedUsage: 1 } });
  // The library keeps what it does not know in the message; without it there is no place for that.
  expect(readingOf(input, plain)).not.toHaveProperty("$unknown");
  expect((readingOf(input, plain) as { readonly options: unknown }).options).toEqual({
    $typeName: "stigg.sidecar.v1.MeteredEntitlementOptions",
    requestedUsage: 1,
    requestedValues: [],
  });
});

test.each([
  ["1n", 0.000_001],
  ["250m", 250],
  ["20S", 20_000],
  ["99999999m", 99_999_999],
  ["596H", 2_145_600_000],
  ["597H", Infinity],
  ["99999999H", Infinity],
  ["0S", undefined],
  ["00000000n", undefined],
  ["123456789m", undefined],
  ["m", undefined],
  ["", undefined],
  ["1", undefined],
  ["1s", undefined],
  ["-1S", undefined],
  ["1.5S", undefined],
  [" 1S", undefined],
  ["1S ", undefined],
  ["٣S", undefined],
])("the deadline %j is %s ms away, or left to the general path", (header, timeoutMs) => {
  expect(grpcTimeoutMs(header)).toBe(timeoutMs);
});

function encoded(schema: DescMessage, request: object): Buffer {
  const known = Object.fromEntries(Object.entries(request).filter(([name]) => name in schema.field));
  return Buffer.from(toBinary(schema, create(schema, withKnownOptions(schema, known))));
}

function withKnownOptions(schema: DescMessage, request: Record<string, unknown>): Record<string, unknown> {
  const options = schema.field["options"]?.message;
  if (options === undefined || request["options"] === undefined) return request;
  return {
    ...request,
    options: Object.fromEntries(Object.entries(request["options"] as object).filter(([name]) => name in options.field)),
  };
}

/** As it lies among others, and read twice: what is known of the first must not show in the second. */
function readingOf(schema: DescMessage, message: Buffer): object {
  const before = Buffer.from([0x0a, 0x7f]);
  const read = requestReader(schema);
  const others = encoded(schema, { customerId: "other", featureId: "another", currencyId: "else" });
  read(others, 0, others.length);
  return read(Buffer.concat([before, message, others]), before.length, before.length + message.length);
}

/** What handlers read: nothing of a message but its fields. */
function sameReading(schema: DescMessage, bytes: Buffer): void {
  const read = attempt(() => readingOf(schema, bytes));
  const expected = attempt(() => fromBinary(schema, bytes));
  expect(fieldsOf(schema, read)).toEqual(fieldsOf(schema, expected));
}

function attempt(read: () => object): object | string {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

function fieldsOf(schema: DescMessage, read: object | string): unknown {
  if (typeof read === "string") return read;
  const fields = read as Record<string, unknown>;
  const options = schema.field["options"]?.message;
  return schema.fields.map(({ localName }) => {
    const value = fields[localName];
    return localName === "options" && value !== undefined && options !== undefined
      ? options.fields.map((field) => (value as Record<string, unknown>)[field.localName])
      : value;
  });
}
