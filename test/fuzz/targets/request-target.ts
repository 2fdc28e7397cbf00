import { inspect, isDeepStrictEqual } from "node:util";
import type { DescMessage } from "@bufbuild/protobuf";
import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { JSON_OPTIONS } from "../../../src/adapters/rpc/answers/answer-encoders.js";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { jsonReader } from "../../../src/adapters/rpc/service/json-request-reader.js";
import { requestReader } from "../../../src/adapters/rpc/service/request-reader.js";
import { ByteSource } from "../byte-source.js";
import type { FuzzTarget } from "../fuzz-target.js";

const { method } = SidecarService;
const INPUTS: readonly DescMessage[] = [
  method.getBooleanEntitlement.input,
  method.getNumericEntitlement.input,
  method.getMeteredEntitlement.input,
  method.getEnumEntitlement.input,
  method.getEntitlement.input,
  method.getEntitlementV2.input,
  method.getEntitlements.input,
  method.getEntitlementsStateV2.input,
];
const TAGS = [0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x09, 0x08, 0x0d, 0x0b, 0x0c, 0x00, 0x82, 0x7a];
const JSON_PIECES = [
  '"customerId":',
  '"featureId":',
  '"resourceId":',
  '"currencyId":',
  '"options":',
  '"requestedUsage":',
  '"requestedValues":',
  '"fallback":',
  '"customer_id":',
  '"feature_id":',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  '"acme"',
  '"seats"',
  "null",
  "true",
  "1",
  "-0",
  "1e400",
  '"NaN"',
  '"Infinity"',
  '"1"',
  "\\u0041",
  "\\ud800",
  "é",
  "\ufeff",
  " ",
  "\n",
  '"__proto__":',
  '"$typeName":',
  '"toString":',
  '"hasAccess":true',
  '{"customerId":"acme","featureId":"seats"}',
  '{"customerId":"acme","featureId":"seats","options":{"requestedUsage":1}}',
];

/** Requests in protobuf, read by the port's own reader and by the library: the same value, or both refuse. */
export function protobufTarget(): FuzzTarget {
  const readers = INPUTS.map((schema) => requestReader(schema));
  return {
    name: "protobuf",
    maxBytes: 600,
    dictionary: [
      ...TAGS.map((tag) => Uint8Array.of(tag)),
      Buffer.from("\n\x04acme\x12\x05seats"),
      Buffer.from("\x1a\x09\x09\0\0\0\0\0\0\xf0?", "latin1"),
      Buffer.from([0x80, 0x01]),
    ],
    run(input) {
      const [which, bytes] = messageOf(input);
      const schema = INPUTS[which]!;
      compare(
        schema,
        () => readers[which]!(bytes, 0, bytes.length),
        () => fromBinary(schema, bytes),
      );
    },
  };
}

/** Requests in JSON, likewise. */
export function jsonTarget(): FuzzTarget {
  const readers = INPUTS.map((schema) => jsonReader(schema));
  return {
    name: "json",
    maxBytes: 1_000,
    dictionary: JSON_PIECES.map((piece) => Buffer.from(piece)),
    run(input) {
      const [which, bytes] = messageOf(input);
      const schema = INPUTS[which]!;
      const text = bytes.toString();
      compare(
        schema,
        () => readers[which]!(text),
        () => fromJsonString(schema, text, JSON_OPTIONS),
      );
    },
  };
}

/** The first byte chooses the method. */
function messageOf(input: Uint8Array): [which: number, bytes: Buffer] {
  const source = new ByteSource(input);
  return [source.integer(0, INPUTS.length - 1), source.rest()];
}

function compare(schema: DescMessage, readFast: () => object, readByLibrary: () => object): void {
  const fast = attempt(schema, readFast);
  const byLibrary = attempt(schema, readByLibrary);
  if (isDeepStrictEqual(fast, byLibrary)) return;
  throw new Error(
    `${schema.name} is read as ${inspect(fast, { depth: 5 })}, by the library as ${inspect(byLibrary, { depth: 5 })}`,
  );
}

/** What handlers see of a message: the values of its fields. Of a refusal: that it is one. */
function attempt(schema: DescMessage, read: () => object): unknown {
  let message: object;
  try {
    message = read();
  } catch {
    return "refused";
  }
  return fieldsOf(schema, message);
}

function fieldsOf(schema: DescMessage, message: object): unknown {
  return schema.fields.map((field) => {
    const value = (message as Record<string, unknown>)[field.localName];
    return field.fieldKind === "message" && value !== undefined ? fieldsOf(field.message, value as object) : value;
  });
}
