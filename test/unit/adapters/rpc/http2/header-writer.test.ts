import { describe, expect, it } from "@jest/globals";
import { ResponseHeaders } from "../../../../../src/adapters/rpc/exchange/exchange.js";
import { HeaderDecoder } from "../../../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { HeaderWriter } from "../../../../../src/adapters/rpc/http2/hpack/header-writer.js";

const MEMORY = new ResponseHeaders(200, [
  ["content-type", "application/grpc+proto"],
  ["x-entitlement-source", "memory"],
]);
const STALE = new ResponseHeaders(200, [
  ["content-type", "application/grpc+proto"],
  ["x-entitlement-source", "stale"],
]);
const OK = new ResponseHeaders(undefined, [["grpc-status", "0"]]);

/** As they arrive: the status is a header of its own. */
const fieldsOf = ({ status, fields }: ResponseHeaders) => [
  ...(status === undefined ? [] : [[":status", String(status)]]),
  ...fields,
];

/** Both ends of one connection. */
function connection() {
  const writer = new HeaderWriter();
  const decoder = new HeaderDecoder(16_384);
  const send = (headers: ResponseHeaders) => {
    const block = writer.blockOf(headers);
    const fields = decoder.decode(block, 0, block.length).headers.map(({ name, value }) => [name, value]);
    return { fields, bytes: block.length };
  };
  return { writer, send };
}

describe("headers of answers", () => {
  it("are spelled out once, and an octet each from then on", () => {
    const { send } = connection();
    expect(send(MEMORY).bytes).toBeGreaterThan(40);
    expect(send(OK).bytes).toBeGreaterThan(5);
    expect(send(MEMORY)).toEqual({ fields: fieldsOf(MEMORY), bytes: 3 });
    expect(send(OK)).toEqual({ fields: fieldsOf(OK), bytes: 1 });
  });

  it("mean the same in whatever order they come", () => {
    const { send } = connection();
    for (const headers of [MEMORY, STALE, OK, OK, STALE, MEMORY, STALE, OK])
      expect(send(headers).fields).toEqual(fieldsOf(headers));
  });

  it("of one answer alone are never learnt", () => {
    const { send } = connection();
    send(MEMORY);
    for (const age of ["1", "2"]) {
      const { fields, bytes } = send(MEMORY.and(["x-entitlement-age-ms", age]));
      expect(fields).toEqual([...fieldsOf(MEMORY), ["x-entitlement-age-ms", age]]);
      expect(bytes).toBeGreaterThan(20);
    }
    expect(send(MEMORY).bytes).toBe(3);
  });

  it.each([0, 100, 4_095])(
    "are spelled out for a client that keeps %d bytes of them, also where it says so late",
    (bytes) => {
      const { writer, send } = connection();
      send(MEMORY);
      writer.limitTable(bytes);
      expect(send(MEMORY.and(["x-entitlement-age-ms", "1"])).fields).toEqual([
        ...fieldsOf(MEMORY),
        ["x-entitlement-age-ms", "1"],
      ]);
      for (const headers of [OK, MEMORY, OK]) expect(send(headers).fields).toEqual(fieldsOf(headers));
      expect(send(OK).bytes).toBeGreaterThan(5);
      writer.limitTable(65_536);
      for (const headers of [OK, MEMORY, OK]) expect(send(headers).fields).toEqual(fieldsOf(headers));
    },
  );

  it("stay within the table, however many there are", () => {
    const { send } = connection();
    const many = Array.from(
      { length: 100 },
      (_, index) => new ResponseHeaders(undefined, [["x-number", `${index}`.padStart(20)]]),
    );
    for (const headers of [...many, ...many]) expect(send(headers).fields).toEqual(fieldsOf(headers));
  });
});
