import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import {
  GetMeteredEntitlementRequestSchema,
  ReportEventsRequestSchema,
  ReportUsageBulkRequestSchema,
} from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { itemsFault, jsonFault } from "../../../../../src/adapters/rpc/protocols/message-shape.js";

const MAX_ITEMS = 10;
const BOUNDS = { maxMessageBytes: 1_000_000, maxItems: MAX_ITEMS, maxJsonDepth: 8 };
const MAX_FIELDS = 100 * MAX_ITEMS;

const TOO_MANY_ITEMS = /more than 10 items \(MAX_ITEMS_PER_REQUEST\): send several requests/;
const TOO_MANY_FIELDS = /more than 1000 fields \(100 for each of MAX_ITEMS_PER_REQUEST\)/;
const TOO_DEEP = /nested deeper than 8 \(MAX_JSON_DEPTH\)/;

const json = (value: unknown) =>
  jsonFault(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), BOUNDS);
const usage = { customerId: "c", featureId: "f", value: 1 };
const dimensions = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`d${index}`, { stringValue: "v" }]));

describe("the shape of a JSON text", () => {
  it.each([
    { what: "as many items as there may be", value: { usages: Array(MAX_ITEMS).fill(usage) } },
    {
      what: "20 dimensions in each of them",
      value: { usages: Array(MAX_ITEMS).fill({ ...usage, dimensions: dimensions(20) }) },
    },
    { what: "brackets and commas within a text", value: { customerId: "[{,".repeat(5_000) } },
    { what: "quotes within a text", value: { customerId: '\\"[{,'.repeat(5_000) } },
    { what: "nothing", value: "" },
  ])("may have $what", ({ value }) => {
    expect(json(value)).toBeUndefined();
  });

  it.each([
    { what: "one item more", value: { usages: Array(MAX_ITEMS + 1).fill(usage) }, fault: TOO_MANY_ITEMS },
    {
      what: "fields that the contract does not have",
      value: Object.fromEntries(Array.from({ length: MAX_FIELDS + 2 }, (_, index) => [`k${index}`, 0])),
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "a list of very many texts",
      value: { options: { requestedValues: Array(MAX_FIELDS + 2).fill("v") } },
      fault: TOO_MANY_FIELDS,
    },
    { what: "one field very often", value: `{${'"a":1,'.repeat(MAX_FIELDS + 1)}"a":1}`, fault: TOO_MANY_FIELDS },
    { what: "brackets without end", value: "[".repeat(9), fault: TOO_DEEP },
  ])("may not have $what", ({ value, fault }) => {
    expect(json(value)).toMatch(fault);
  });
});

/** Fields that are not in the contract: number 14, a varint of one byte. */
const UNKNOWN = Buffer.of(0x70, 1);
const unknown = (count: number) => Buffer.alloc(count * UNKNOWN.length, UNKNOWN);

function within(number: number, message: Uint8Array): Buffer {
  const length = [(message.length & 0x7f) | 0x80, message.length >> 7];
  return Buffer.concat([Buffer.of(number * 8 + 2, ...length), message]);
}

describe("the shape of a protobuf message", () => {
  const events = ReportEventsRequestSchema;
  const event = (count: number) => ({
    eventName: "e",
    customerId: "c",
    idempotencyKey: "k",
    dimensions: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `d${index}`,
        { value: { case: "stringValue" as const, value: "v" } },
      ]),
    ),
  });
  const eventsOf = (count: number, dimensionCount: number) =>
    Buffer.from(
      toBinary(events, create(events, { events: Array.from({ length: count }, () => event(dimensionCount)) })),
    );

  it("may have as many items as there may be, with 20 dimensions each", () => {
    expect(itemsFault(eventsOf(MAX_ITEMS, 20), events, MAX_ITEMS)).toBeUndefined();
  });

  it.each([
    { what: "one item more", message: () => eventsOf(MAX_ITEMS + 1, 0), schema: events, fault: TOO_MANY_ITEMS },
    {
      what: "very many dimensions",
      message: () => eventsOf(1, 24 * MAX_ITEMS + 1),
      schema: events,
      fault: TOO_MANY_ITEMS,
    },
    {
      what: "unknown fields",
      message: () => unknown(MAX_FIELDS + 1),
      schema: GetMeteredEntitlementRequestSchema,
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "unknown fields within an item",
      message: () => within(1, unknown(MAX_FIELDS)),
      schema: ReportUsageBulkRequestSchema,
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "unknown fields within the value of a dimension",
      message: () => within(1, within(5, within(2, unknown(MAX_FIELDS)))),
      schema: events,
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "unknown fields within an entry of a map",
      message: () => within(1, within(5, unknown(MAX_FIELDS))),
      schema: events,
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "unknown fields behind a group",
      message: () => Buffer.concat([Buffer.of(0x7b, 0x7c), unknown(MAX_FIELDS)]),
      schema: events,
      fault: TOO_MANY_FIELDS,
    },
    {
      what: "groups within groups",
      message: () => Buffer.alloc(MAX_FIELDS + 1, 0x7b),
      schema: events,
      fault: TOO_MANY_FIELDS,
    },
  ])("may not have $what", ({ message, schema, fault }) => {
    expect(itemsFault(message(), schema, MAX_ITEMS)).toMatch(fault);
  });

  it("is left to who decodes it where it is malformed", () => {
    expect(itemsFault(Buffer.of(0x0a, 0xff, 0x01, 0x00), events, MAX_ITEMS)).toBeUndefined();
    expect(itemsFault(Buffer.alloc(20, 0xff), events, MAX_ITEMS)).toBeUndefined();
  });
});
