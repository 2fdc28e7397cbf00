import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ReportUsageBulkRequestSchema } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { boundedMessage, type MessageLayout } from "../../../../../src/adapters/rpc/protocols/bounded-message.js";
import { itemsFault, jsonFault, JsonShape } from "../../../../../src/adapters/rpc/protocols/message-shape.js";

const BOUNDS = { maxMessageBytes: 100_000, maxItems: 100, maxJsonDepth: 32 };
const bulk = (items: number, dimensions = 0) =>
  create(ReportUsageBulkRequestSchema, {
    usages: Array.from({ length: items }, () => ({
      customerId: "acme",
      featureId: "seats",
      dimensions: Object.fromEntries(
        Array.from({ length: dimensions }, (_, index) => [
          `d${index}`,
          { value: { case: "booleanValue" as const, value: true } },
        ]),
      ),
    })),
  });
const binary = (items: number, dimensions = 0) =>
  Buffer.from(toBinary(ReportUsageBulkRequestSchema, bulk(items, dimensions)));
const text = (items: number, dimensions = 0) =>
  Buffer.from(toJsonString(ReportUsageBulkRequestSchema, bulk(items, dimensions)));
const envelope = (message: Buffer, flags = 0) => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

async function read(...args: Parameters<typeof partsOf>): Promise<Buffer> {
  return Buffer.concat(await partsOf(...args));
}

async function partsOf(
  body: Buffer,
  layout: Partial<MessageLayout>,
  size = 1_000,
  signal?: AbortSignal,
  owner = {},
): Promise<Uint8Array[]> {
  async function* chunks() {
    for (let at = 0; at < body.length; at += size) yield Promise.resolve(body.subarray(at, at + size));
  }
  const parts: Uint8Array[] = [];
  const shape = { schema: ReportUsageBulkRequestSchema, isJson: false, isEnveloped: false, isGzip: false, ...layout };
  for await (const part of boundedMessage(chunks(), shape, BOUNDS, { owner, signal })) parts.push(part);
  return parts;
}

it("is not inflated any more once its caller has gone, where others are inflated before it", async () => {
  const bomb = gzipSync(Buffer.alloc(90_000, " "));
  await expect(read(bomb, { isGzip: true, isJson: true }, 1_000, AbortSignal.abort())).rejects.toMatchObject({
    code: Code.Canceled,
  });
  await expect(read(bomb, { isGzip: true, isJson: true }, 1_000, new AbortController().signal)).resolves.toHaveLength(
    90_000,
  );
});

/** A message that is inflated in its turn: larger than what is inflated at once, and within the bound. */
const large = (index: number) => Buffer.from(JSON.stringify({ customerId: String(index).repeat(80_000) }));
const LARGE = { isGzip: true, isJson: true };

it("is inflated as itself, beside others that are inflated", async () => {
  const messages = Array.from({ length: 10 }, (_, index) => large(index));
  const inflated = await Promise.all(messages.map((message) => partsOf(gzipSync(message), LARGE)));
  for (const [index, message] of messages.entries()) expect(Buffer.concat(inflated[index]!).equals(message)).toBe(true);
});

it("waits for the large ones before it, of which a connection has a bounded number, and others still some", async () => {
  const bytes = gzipSync(large(7));
  const refused = { code: Code.ResourceExhausted, message: expect.stringContaining("send fewer at a time") };
  const [greedy, modest] = [{}, {}];
  for (let round = 0; round < 2; round++) {
    const all = Array.from({ length: 80 }, () => read(bytes, LARGE, 10_000, undefined, greedy));
    const late = read(bytes, LARGE, 10_000, undefined, modest);
    const results = await Promise.allSettled(all);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject(refused);
    await expect(late).resolves.toHaveLength(large(7).length);
  }
});

describe("JSON that comes in parts", () => {
  it("is judged as if it came at once", () => {
    const part = fc.constantFrom("[", "]", "{", "}", '"', "\\", ",", "a", '"\\"', '\\\\"');
    fc.assert(
      fc.property(fc.array(fc.array(part).map((each) => each.join(""))), (parts) => {
        const bounds = { maxItems: 2, maxJsonDepth: 4 };
        const shape = new JsonShape(bounds);
        let fault: string | undefined;
        for (const each of parts) fault ??= shape.read(Buffer.from(each));
        expect(fault).toBe(jsonFault(Buffer.from(parts.join("")), bounds));
      }),
    );
  });

  it("is still in a string where a part ends with a backslash", () => {
    const shape = new JsonShape(BOUNDS);
    for (const part of ['{"a":"', "\\", '"', "[".repeat(100)]) expect(shape.read(Buffer.from(part))).toBeUndefined();
    expect(shape.read(Buffer.from(`"${"[".repeat(100)}`))).toContain("MAX_JSON_DEPTH");
  });

  it("is read to its end behind a fault, but no further than a message may be long", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield Promise.resolve(Buffer.alloc(1_000, "["));
      }
    }
    const layout = { schema: ReportUsageBulkRequestSchema, isJson: true, isEnveloped: false, isGzip: false };
    const passed = boundedMessage(endless(), layout, BOUNDS, { owner: {}, signal: undefined })[Symbol.asyncIterator]();
    await expect(passed.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
    expect(read).toBe(101);
  });
});

describe("the number of items", () => {
  it.each<
    [form: string, of: (items: number, dimensions?: number) => Buffer, fault: (message: Buffer) => string | undefined]
  >([
    ["protobuf", binary, (message) => itemsFault(message, ReportUsageBulkRequestSchema, 100)],
    ["JSON", text, (message) => jsonFault(message, BOUNDS)],
  ])("is bounded in %s, of a list and of what is in its items", (_, of, fault) => {
    for (const [items, dimensions] of [
      [0, 0],
      [1, 0],
      [100, 0],
      [50, 10],
    ] as const)
      expect(fault(of(items, dimensions))).toBeUndefined();
    for (const [items, dimensions] of [
      [101, 0],
      [5_000, 0],
      [90, 60],
    ] as const)
      expect(fault(of(items, dimensions))).toContain("more than 100 items (MAX_ITEMS_PER_REQUEST)");
  });

  it("is asked of any bytes without a failure: what is malformed is left to who decodes it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const fault = itemsFault(Buffer.from(bytes), ReportUsageBulkRequestSchema, 1_000);
        expect(fault).toBeUndefined();
      }),
    );
  });
});

describe("the depth of JSON", () => {
  it.each([
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"a":', "}]"],
  ])("is bounded, nested by %j", (open, close) => {
    const nested = (depth: number) => Buffer.from(open.repeat(depth) + "1" + close.repeat(depth));
    expect(jsonFault(nested(10), BOUNDS)).toBeUndefined();
    expect(jsonFault(nested(1_000_000), BOUNDS)).toMatch(/MAX_JSON_DEPTH|MAX_ITEMS/);
  });

  it("does not count what is in strings, whatever is escaped there", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("[", "{", '"', "\\", "}", "é"), maxLength: 200 }), (content) => {
        expect(jsonFault(Buffer.from(JSON.stringify({ a: content })), BOUNDS)).toBeUndefined();
      }),
    );
  });
});

describe("the one message of a unary call", () => {
  it.each([1, 7, 5_000])("is passed on as it is, in chunks of %d bytes", async (size) => {
    for (const [body, layout] of [
      [binary(3), {}],
      [text(3), { isJson: true }],
      [envelope(binary(3)), { isEnveloped: true }],
      [Buffer.alloc(0), {}],
    ] as const)
      expect(await read(body, layout, size)).toEqual(body);
  });

  it("is inflated, where its body or its prefix says that it is gzipped", async () => {
    expect(await read(gzipSync(text(3)), { isJson: true, isGzip: true })).toEqual(text(3));
    expect(await read(envelope(gzipSync(binary(3)), 1), { isEnveloped: true, isGzip: true })).toEqual(
      envelope(binary(3)),
    );
    expect(await read(envelope(binary(3)), { isEnveloped: true, isGzip: true })).toEqual(envelope(binary(3)));
  });

  it("is refused where it inflates to more than may be read", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    await expect(read(bomb, { isGzip: true })).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      message: expect.stringContaining("MAX_MESSAGE_BYTES"),
    });
  });

  it("is refused where it is not gzip, or has too many items or too much depth once it is inflated", async () => {
    await expect(read(Buffer.from("no gzip"), { isGzip: true })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(read(gzipSync(binary(101)), { isGzip: true })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(read(gzipSync(Buffer.from("[".repeat(90_000))), { isGzip: true, isJson: true })).rejects.toMatchObject(
      { code: Code.InvalidArgument },
    );
  });

  it("that is too large, two, or cut off is left to Connect as it came", async () => {
    for (const body of [
      Buffer.concat([envelope(binary(1)), envelope(binary(1))]),
      envelope(binary(3)).subarray(0, 9),
      envelope(Buffer.alloc(200_000)),
      Buffer.from([1, 2]),
    ]) {
      expect(await read(body, { isEnveloped: true })).toEqual(body);
    }
    expect(await read(Buffer.alloc(300_000, "x"), { isJson: true })).toHaveLength(300_000);
  });
});

it("many large gzipped messages at once are each read, and a malformed one among them costs no other", async () => {
  const message = Buffer.from(
    toBinary(
      ReportUsageBulkRequestSchema,
      create(ReportUsageBulkRequestSchema, { usages: [{ customerId: "x".repeat(80_000) }] }),
    ),
  );
  const good = envelope(gzipSync(message), 1);
  const cut = envelope(gzipSync(message).subarray(0, -20), 1);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => read(index === 7 ? cut : good, { isEnveloped: true, isGzip: true })),
  );
  for (const [index, outcome] of outcomes.entries()) {
    if (index === 7) expect(outcome).toMatchObject({ status: "rejected", reason: { code: Code.InvalidArgument } });
    else expect(outcome).toEqual({ status: "fulfilled", value: envelope(message) });
  }
});
