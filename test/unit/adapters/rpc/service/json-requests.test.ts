import { type DescMessage, fromJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { SidecarService } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { parseHttp1Headers } from "../../../../../src/adapters/rpc/protocols/fast-path-headers.js";
import { jsonReader } from "../../../../../src/adapters/rpc/service/json-request-reader.js";

const { method } = SidecarService;
const METHODS = [
  method.getBooleanEntitlement,
  method.getNumericEntitlement,
  method.getMeteredEntitlement,
  method.getEnumEntitlement,
  method.getEntitlement,
  method.getEntitlementV2,
  method.getEntitlements,
  method.getEntitlementsStateV2,
];

const ids = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  fc.constantFrom<unknown>("", "é", '"', "\\", "\ud800", null, 7, []),
);

/** Everything that a request of any of the methods may have; seldom all of it is right. */
const requests = fc.record(
  {
    customerId: ids,
    resourceId: ids,
    featureId: ids,
    currencyId: ids,
    customer_id: ids,
    options: fc.oneof(
      fc.record({ requestedUsage: fc.oneof(fc.double(), fc.constantFrom("NaN", "7", "", null)) }),
      fc.record(
        {
          requestedUsage: fc.integer(),
          requestedValues: fc.array(ids, { maxLength: 2 }),
          fallback: fc.constant({ hasAccess: true }),
        },
        { requiredKeys: [] },
      ),
      fc.constantFrom<unknown>(null, {}, [], 7),
    ),
  },
  { requiredKeys: [] },
);
const formats = fc.constantFrom(undefined, 2);

describe.each(METHODS)("the JSON of a request of $name is read as the library reads it", ({ input }) => {
  test("as clients send it", () => {
    fc.assert(
      fc.property(
        requests,
        formats,
        fc.array(fc.constantFrom("customerId", "featureId", "options"), { maxLength: 2 }),
        (request, format, left) => {
          const known = Object.entries(request).filter(
            ([name]) => name in input.field || left.some((other) => other === name),
          );
          sameReading(input, JSON.stringify(Object.fromEntries(known), undefined, format));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("with characters put in, taken out and changed", () => {
    const pieces = fc.constantFrom(
      "",
      '"',
      "{",
      "}",
      "[",
      ":",
      ",",
      "\\",
      "\ufeff",
      "0",
      '"customerId":"x",',
      '"customerId":"customerId"',
      '"__proto__":{},',
    );
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), pieces), { maxLength: 3 });
    fc.assert(
      fc.property(requests, damages, (request, changes) => {
        let text = JSON.stringify(request);
        for (const [at, removed, added] of changes) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + added + text.slice(start + removed);
        }
        sameReading(input, text);
      }),
      { numRuns: 500 },
    );
  });

  test.each(["{}", "[]", "null", "7", '"acme"', "", " {} ", "{}{}", '{"customerId":"a","customerId":"b"}'])(
    "of %j",
    (text) => {
      sameReading(input, text);
    },
  );
});

test("a plain request is read without the library", () => {
  const read = jsonReader(method.getMeteredEntitlement.input)(
    '{"customerId":"acme","featureId":"seats","options":{"requestedUsage":1}}',
  );
  // The library makes messages with a prototype that knows what was not set.
  expect(Object.keys(read)).toContain("currencyId");
  expect(read).toMatchObject({ customerId: "acme", featureId: "seats", options: { requestedUsage: 1 } });
});

const PEER = { address: "", isEncrypted: false, certificateName: undefined };
const PLAIN = { host: "127.0.0.1:8443", "content-type": "application/json" };

test.each([
  ["nothing but a content type", {}, Infinity],
  ["a charset", { "content-type": "application/json; charset=utf-8" }, Infinity],
  ["a host by name", { host: "sidecar.services.local" }, Infinity],
  ["a host of IPv6", { host: "[::1]:80" }, Infinity],
  ["a deadline", { "connect-timeout-ms": "250" }, 250],
  ["a deadline in years", { "connect-timeout-ms": "2147483648" }, Infinity],
  [
    "what does not matter",
    { "accept-encoding": "gzip", "connect-protocol-version": "1", "user-agent": "curl" },
    Infinity,
  ],
  ["a deadline that is over", { "connect-timeout-ms": "0" }, undefined],
  ["a deadline of too many digits", { "connect-timeout-ms": "12345678901" }, undefined],
  ["two deadlines", { "connect-timeout-ms": "1, 2" }, undefined],
  ["no content type", { "content-type": undefined }, undefined],
  ["another content type", { "content-type": "application/jsonp" }, undefined],
  ["another charset", { "content-type": "application/json; charset=utf-16" }, undefined],
  ["a body compressed otherwise", { "content-encoding": "br" }, undefined],
  ["no host", { host: undefined }, undefined],
  ["what is no host", { host: "a b" }, undefined],
])("headers with %s leave a caller so many ms on the fast path, or none", (_, headers, timeoutMs) => {
  expect(parseHttp1Headers("/", { ...PLAIN, ...headers }, PEER)?.timeoutMs).toBe(timeoutMs);
});

/** What handlers read: nothing of a message but its fields, of a text as it arrives, which has no half of a surrogate pair. */
function sameReading(schema: DescMessage, given: string): void {
  const text = Buffer.from(given).toString();
  expect(fieldsOf(schema, () => jsonReader(schema)(text))).toEqual(
    fieldsOf(schema, () => fromJsonString(schema, text)),
  );
}

function fieldsOf(schema: DescMessage, read: () => object): unknown {
  let fields: Record<string, unknown>;
  try {
    fields = read() as Record<string, unknown>;
  } catch (error) {
    return String(error);
  }
  const options = schema.field["options"]?.message;
  return schema.fields.map(({ localName }) => {
    const value = fields[localName];
    return localName === "options" && value !== undefined && options !== undefined
      ? options.fields.map((field) => (value as Record<string, unknown>)[field.localName])
      : value;
  });
}
