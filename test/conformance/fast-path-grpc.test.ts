import { once } from "node:events";
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { create, type DescMessage, fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { SidecarMethod } from "../../src/adapters/rpc/service/sidecar-calls.js";
import { CONFORMANCE_CALLS } from "./harness/calls.js";
import { CHECK, GRPC, MALFORMED_CALLS, MAX_MESSAGE_BYTES } from "./harness/malformed-calls.js";
import { CHECK_PATH, frame, type RawAnswer, RawHttp2 } from "./harness/raw-http2.js";
import { Variant } from "./harness/server-pair.js";

const startVariant = (hasFastPath: boolean) =>
  Variant.start(hasFastPath, MAX_MESSAGE_BYTES, (url) => new RawHttp2(url));

let fast: Variant<RawHttp2>;
let connect: Variant<RawHttp2>;
beforeAll(async () => {
  [fast, connect] = await Promise.all([startVariant(true), startVariant(false)]);
});
beforeEach(() => {
  for (const variant of [fast, connect]) variant.server.logger.lines.splice(0);
});
afterAll(() => Promise.all([fast.stop(), connect.stop()]));

describe("by either path, the same bytes of meaning", () => {
  test.each(CONFORMANCE_CALLS)("$method: $name", async ({ method, request }) => {
    await sameAnswers(method, {}, frame(encoded(method, request)));
    expect(fast.server.logger.lines.map(({ message }) => message)).toEqual(
      connect.server.logger.lines.map(({ message }) => message),
    );
  });

  test.each(MALFORMED_CALLS)("$name", async ({ headers = {}, body }) => {
    await sameAnswers("getBooleanEntitlement", headers, body);
    expect(fast.server.logger.lines).toEqual([]);
  });

  test.each<[string, OutgoingHttpHeaders]>([
    ["the content type with its codec", { "content-type": "application/grpc+proto" }],
    ["a codec that there is not", { "content-type": "application/grpc+thrift" }],
    ["another protocol", { "content-type": "application/grpc-web+proto" }],
    ["no protocol", { "content-type": "text/plain" }],
    ["a content type in capitals", { "content-type": "Application/GRPC" }],
    ["a compression that there is, and is not used", { "grpc-encoding": "gzip" }],
    ["a compression that there is not, and is not used", { "grpc-encoding": "snappy" }],
    ["no compression, by name", { "grpc-encoding": "identity" }],
    ["a deadline", { "grpc-timeout": "20S" }],
    ["a deadline in years", { "grpc-timeout": "8766000H" }],
    ["a deadline that is over", { "grpc-timeout": "0m" }],
    ["a deadline of too many digits", { "grpc-timeout": "123456789m" }],
    ["two deadlines", { "grpc-timeout": ["1S", "2S"] }],
    ["another verb", { ":method": "PUT" }],
    ["the wish for details", { "x-entitlement-detail": "1" }],
    ["the wish for other details", { "x-entitlement-detail": "yes" }],
    ["a host in place of an authority", { ":authority": undefined, host: "sidecar" }],
    ["a query", { ":path": `${CHECK_PATH}?a=b` }],
    ["no TE", { te: undefined }],
    ["metadata", { "x-request-id": "1", "some-bin": "AAEC", authorization: "Bearer x", "accept-encoding": "gzip" }],
  ])("with %s", async (_, headers) => {
    await sameAnswers("getBooleanEntitlement", headers, frame(CHECK));
    expect(fast.server.logger.lines).toEqual([]);
  });

  test("how old an answer is", async () => {
    for (const variant of [fast, connect]) variant.clock.advance(1_234);
    const detailed = { "x-entitlement-detail": "1" };
    const answer = await sameAnswers("getBooleanEntitlement", detailed, frame(CHECK));
    expect(answer.headers["x-entitlement-age-ms"]).toBe("1234");
    const unreachable = frame(encoded("getBooleanEntitlement", { customerId: "unreachable", featureId: "sso" }));
    expect((await sameAnswers("getBooleanEntitlement", detailed, unreachable)).headers).not.toHaveProperty(
      "x-entitlement-age-ms",
    );
  });

  const customers = fc.constantFrom("acme", "counting", "archived", "lapsed", "nobody", "unreachable", "");
  const features = fc.constantFrom(
    "sso",
    "beta",
    "retention-days",
    "seats",
    "calls",
    "emails",
    "images",
    "regions",
    "configured",
    "none",
    "",
  );
  const requested = fc.record(
    {
      customerId: customers,
      featureId: features,
      resourceId: fc.constantFrom("site-1", "site-2", ""),
      options: fc.record({ requestedUsage: fc.integer({ min: -3, max: 1_000 }) }, { requiredKeys: [] }),
    },
    { requiredKeys: ["customerId", "featureId"] },
  );

  test.each(["getEntitlement", "getMeteredEntitlement", "getEntitlementV2"] as const)(
    "%s of whatever customer and feature",
    async (method) => {
      await fc.assert(
        fc.asyncProperty(requested, async (request) => {
          await sameAnswers(method, {}, frame(encoded(method, request)));
        }),
        { numRuns: 100 },
      );
    },
  );

  test("any bytes, cut into any frames", async () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => frame(bytes)),
      fc.constant(frame(CHECK)),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.array(fc.nat({ max: 45 }), { maxLength: 3 }), async (body, cuts) => {
        await sameAnswers("getBooleanEntitlement", {}, body, cuts);
      }),
      { numRuns: 200 },
    );
    expect(fast.server.logger.lines).toEqual([]);
  });
});

describe("in the fast path", () => {
  let variant: Variant<RawHttp2>;
  beforeEach(async () => {
    variant = await startVariant(true);
    await once(variant.client.session, "connect");
  });
  afterEach(() => variant.stop());

  test.each([
    [0, constants.NGHTTP2_CANCEL],
    [3, constants.NGHTTP2_CANCEL],
    [5, constants.NGHTTP2_INTERNAL_ERROR],
    [9, constants.NGHTTP2_CANCEL],
  ])("a caller that goes away after %d bytes, with code %d, costs nothing", async (bytes, code) => {
    const stream = variant.client.session.request({ ":method": "POST", ":path": CHECK_PATH, ...GRPC });
    stream.write(frame(CHECK).subarray(0, bytes));
    await pingOf(variant);
    stream.on("error", () => undefined);
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.close(code);
    await closed;
    expect(await variant.client.post(CHECK_PATH, GRPC, frame(CHECK))).toMatchObject({ grpcStatus: 0 });
    expect(variant.server.logger.lines).toEqual([]);
    expect(variant.clock.pendingTimers).toBe(0);
  });

  test.each([1, 4, 5, 8])(
    "a request whose first %d bytes have arrived before the rest is sent is answered",
    async (first) => {
      const stream = variant.client.session.request({ ":method": "POST", ":path": CHECK_PATH, ...GRPC });
      const trailers = once(stream, "trailers") as Promise<[IncomingHttpHeaders]>;
      stream.resume();
      stream.write(frame(CHECK).subarray(0, first));
      await pingOf(variant);
      expect(variant.clock.pendingTimers).toBe(1);
      stream.end(frame(CHECK).subarray(first));
      expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
      expect(variant.clock.pendingTimers).toBe(0);
    },
  );

  test.each([
    ["nothing", 0],
    ["half of its message", 9],
  ])("a caller that sends %s and then no more is told so, and holds nothing", async (_, bytes) => {
    const stream = variant.client.session.request({ ":method": "POST", ":path": CHECK_PATH, ...GRPC });
    const trailers = once(stream, "trailers") as Promise<[IncomingHttpHeaders]>;
    const closed = once(stream, "close");
    stream.resume();
    stream.write(frame(CHECK).subarray(0, bytes));
    await pingOf(variant);
    variant.clock.advance(30_000);
    expect((await trailers)[0]).toMatchObject({
      "grpc-status": "4",
      "grpc-message": "the request was incomplete after 30000 ms: send it at once",
    });
    await closed;
    expect(variant.clock.pendingTimers).toBe(0);
  });
});

/** What matters of an answer: the date is not of it, nor what both paths would say of compression, of which the fast one has none. */
function meaningOf(output: DescMessage, { headers, trailers, body }: RawAnswer) {
  const meant = Object.entries(headers).filter(([name]) => name !== "date" && name !== "grpc-encoding");
  return { headers: Object.fromEntries(meant), trailers: { ...trailers }, message: messageOf(output, headers, body) };
}

function messageOf(output: DescMessage, headers: IncomingHttpHeaders, body: Buffer): unknown {
  if (headers["content-type"] !== "application/grpc+proto" || body.length < 5) return body.toString("latin1");
  const message = toJson(output, fromBinary(output, body.subarray(5))) as JsonObject;
  // Made up for each report.
  return JSON.stringify(message).replace(/"measurementId":"[^"]+"/g, '"measurementId":"…"');
}

async function sameAnswers(
  method: SidecarMethod,
  headers: OutgoingHttpHeaders,
  body: Buffer | undefined,
  cuts: readonly number[] = [],
): Promise<RawAnswer> {
  const { name, parent, output } = SidecarService.method[method];
  const path = `/${parent.typeName}/${name}`;
  const [byFast, byConnect] = await Promise.all(
    [fast, connect].map(({ client }) => client.post(path, { ...GRPC, ...headers }, body, cuts)),
  );
  if (byFast === undefined || byConnect === undefined) throw new Error("both answered");
  expect(meaningOf(output, byFast)).toEqual(meaningOf(output, byConnect));
  return byFast;
}

function encoded(method: SidecarMethod, request: JsonObject): Uint8Array {
  const { input } = SidecarService.method[method];
  return toBinary(input, create(input, fromJson(input, request)));
}

/** Settles when the server has read all that was sent before. */
async function pingOf({ client }: Variant<RawHttp2>): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    client.session.ping((error) => (error === null ? resolve() : reject(error))),
  );
}
