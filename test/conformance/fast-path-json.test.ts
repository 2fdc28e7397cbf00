import { once } from "node:events";
import { createConnection } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  GetBooleanEntitlementRequestSchema,
  SidecarService,
} from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { SidecarMethod } from "../../src/adapters/rpc/service/sidecar-calls.js";
import { ControllableUpstream } from "../fakes/controllable-upstream.js";
import { InMemoryUpstream } from "../fakes/in-memory-upstream.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { eventually } from "../support/expectations.js";
import { CONFORMANCE_CALLS } from "./harness/calls.js";
import { populate } from "./harness/customers.js";
import { type Http1Answer, type Http1Request, RawHttp1 } from "./harness/raw-http1.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";
import { Variant } from "./harness/server-pair.js";

const MAX_MESSAGE_BYTES = 1024;
const JSON_TYPE = { "content-type": "application/json" };
const CHECK = '{"customerId":"acme","featureId":"sso"}';
const CHECK_PATH = pathOf("getBooleanEntitlement");
const PROTO_CHECK = toBinary(
  GetBooleanEntitlementRequestSchema,
  create(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" }),
);

const startVariant = (hasFastPath: boolean) =>
  Variant.start(hasFastPath, MAX_MESSAGE_BYTES, (url) => new RawHttp1(url));

describe("by either path, the same answer in JSON", () => {
  let fast: Variant<RawHttp1>;
  let connect: Variant<RawHttp1>;
  beforeAll(async () => {
    [fast, connect] = await Promise.all([startVariant(true), startVariant(false)]);
  });
  beforeEach(() => {
    for (const variant of [fast, connect]) variant.server.logger.lines.splice(0);
  });
  afterAll(() => Promise.all([fast.stop(), connect.stop()]));

  test.each(CONFORMANCE_CALLS)("$method: $name", async ({ method, request }) => {
    await sameAnswers(pathOf(method), { body: JSON.stringify(request) });
    const [logged, expected] = [fast, connect].map(({ server }) => server.logger.lines.map(({ message }) => message));
    expect(logged).toEqual(expected);
  });

  test.each<[string, Http1Request["body"]]>([
    ["nothing", undefined],
    ["nothing, in chunks", []],
    ["blanks", "  \n"],
    ["no JSON", "customerId=acme"],
    ["half of a message", CHECK.slice(0, 20)],
    ["a message and more", `${CHECK}{}`],
    ["a list", "[]"],
    ["null", "null"],
    ["a text", '"acme"'],
    ["a field of another type", '{"customerId": 7, "featureId": "sso"}'],
    ["a field that is null", '{"customerId": null, "featureId": "sso"}'],
    ["a field that there is not", '{"customerId": "acme", "featureId": "sso", "requestedUsage": 3}'],
    ["a field of another method", '{"customerId": "acme", "featureId": "sso", "currencyId": "credits"}'],
    ["fields as the proto file spells them", '{"customer_id": "acme", "feature_id": "sso"}'],
    ["a field twice", '{"customerId": "nobody", "customerId": "acme", "featureId": "sso"}'],
    ["a field twice, in two spellings", '{"customer_id": "nobody", "customerId": "acme", "featureId": "sso"}'],
    ["a field twice, once escaped", '{"customer\\u0049d": "nobody", "customerId": "acme", "featureId": "sso"}'],
    ["a prototype", '{"__proto__": {"customerId": "acme"}, "featureId": "sso"}'],
    ["what every object has", '{"toString": "acme", "constructor": "sso"}'],
    ["half a character", '{"customerId": "\\ud800", "featureId": "sso"}'],
    ["an escaped character", '{"customerId": "acme", "featureId": "\\u0073so"}'],
    ["a byte order mark", `\ufeff${CHECK}`],
    [
      "bytes that are no text",
      Buffer.from([...Buffer.from('{"customerId":"'), 0xff, 0xc3, ...Buffer.from('","featureId":"sso"}')]),
    ],
    ["nesting without end", `${'{"options":'.repeat(80)}{}${"}".repeat(80)}`],
    ["empty options", '{"customerId": "acme", "featureId": "sso", "options": {}}'],
    ["options of another type", '{"customerId": "acme", "featureId": "sso", "options": [1]}'],
    ["just as many bytes as there may be", CHECK.padEnd(MAX_MESSAGE_BYTES)],
    ["a byte too many", CHECK.padEnd(MAX_MESSAGE_BYTES + 1)],
    ["a byte too many, in chunks", [Buffer.from(CHECK), Buffer.from(" ".repeat(MAX_MESSAGE_BYTES + 1 - CHECK.length))]],
    ["far too many bytes, in chunks", Array.from({ length: 20 }, () => Buffer.alloc(MAX_MESSAGE_BYTES, " "))],
    ["a message in chunks", [Buffer.from(CHECK.slice(0, 9)), Buffer.from(CHECK.slice(9))]],
  ])("to %s", async (_, body) => {
    await sameAnswers(CHECK_PATH, { body });
    expect(fast.server.logger.lines).toEqual([]);
    expect(await sameAnswers(CHECK_PATH, {})).toMatchObject({ status: 200 });
  });

  test.each(["3", "-3", "2.5", "1e2", "-0", "1e999", '"3"', '"NaN"', '"Infinity"', '""', "null", "true", "[]", "{}"])(
    "to a requested usage of %s",
    async (requestedUsage) => {
      const body = `{"customerId":"acme","featureId":"seats","options":{"requestedUsage":${requestedUsage}}}`;
      for (const method of ["getMeteredEntitlement", "getEntitlement", "getBooleanEntitlement"] as const)
        await sameAnswers(pathOf(method), { body });
    },
  );

  test.each<[string, Http1Request & { readonly path?: string }]>([
    ["a charset", { headers: { "content-type": "application/json; charset=utf-8" } }],
    ["a charset, in other letters", { headers: { "content-type": "Application/JSON;charset=UTF-8" } }],
    ["a charset that there is not", { headers: { "content-type": "application/json; charset=latin1" } }],
    ["another codec", { headers: { "content-type": "application/proto" }, body: Buffer.from(PROTO_CHECK) }],
    ["another protocol", { headers: { "content-type": "application/grpc-web+json" } }],
    ["no content type", { headers: {} }],
    ["a compressed body", { headers: { ...JSON_TYPE, "content-encoding": "gzip" }, body: gzipSync(CHECK) }],
    ["a body that is said to be compressed", { headers: { ...JSON_TYPE, "content-encoding": "gzip" } }],
    ["a body that is compressed by nothing", { headers: { ...JSON_TYPE, "content-encoding": "identity" } }],
    ["a compression that there is not", { headers: { ...JSON_TYPE, "content-encoding": "snappy" } }],
    ["the wish for a compressed answer", { headers: { ...JSON_TYPE, "accept-encoding": "gzip, deflate" } }],
    ["the protocol's version", { headers: { ...JSON_TYPE, "connect-protocol-version": "1" } }],
    ["another version", { headers: { ...JSON_TYPE, "connect-protocol-version": "2" } }],
    ["a deadline", { headers: { ...JSON_TYPE, "connect-timeout-ms": "20000" } }],
    ["a deadline in years", { headers: { ...JSON_TYPE, "connect-timeout-ms": "9999999999" } }],
    ["a deadline that is over", { headers: { ...JSON_TYPE, "connect-timeout-ms": "0" } }],
    ["a deadline of too many digits", { headers: { ...JSON_TYPE, "connect-timeout-ms": "99999999999" } }],
    ["a deadline that is none", { headers: { ...JSON_TYPE, "connect-timeout-ms": "soon" } }],
    ["a deadline before now", { headers: { ...JSON_TYPE, "connect-timeout-ms": "-1" } }],
    ["the wish for details", { headers: { ...JSON_TYPE, "x-entitlement-detail": "1" } }],
    ["the wish for other details", { headers: { ...JSON_TYPE, "x-entitlement-detail": "yes" } }],
    ["the question whether to go on", { headers: { ...JSON_TYPE, expect: "100-continue" } }],
    ["a connection that is to be closed", { headers: { ...JSON_TYPE, connection: "close" } }],
    [
      "what nobody asked for",
      { headers: { ...JSON_TYPE, "x-request-id": "1", authorization: "Bearer x", cookie: "a=b" } },
    ],
    ["a host of IPv6", { headers: { ...JSON_TYPE, host: "[::1]:8443" } }],
    ["a host that is none", { headers: { ...JSON_TYPE, host: "a b" } }],
    ["another verb", { method: "PUT" }],
    ["a query", { path: `${CHECK_PATH}?a=b` }],
    ["a path that ends otherwise", { path: `${CHECK_PATH}/` }],
  ])("to a request with %s", async (_, { path = CHECK_PATH, ...request }) => {
    await sameAnswers(path, request);
    expect(fast.server.logger.lines).toEqual([]);
  });

  test("about how old it is", async () => {
    for (const variant of [fast, connect]) variant.clock.advance(1_234);
    const headers = { ...JSON_TYPE, "x-entitlement-detail": "1" };
    expect((await sameAnswers(CHECK_PATH, { headers })).headers["x-entitlement-age-ms"]).toMatch(/^\d+$/);
    const unreachable = '{"customerId":"unreachable","featureId":"sso"}';
    expect((await sameAnswers(CHECK_PATH, { headers, body: unreachable })).headers).not.toHaveProperty(
      "x-entitlement-age-ms",
    );
  });

  const customers = fc.constantFrom("acme", "counting", "archived", "lapsed", "nobody", "unreachable", "", "é");
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
    '"',
  );
  const options = fc.record(
    {
      requestedUsage: fc.oneof(fc.integer({ min: -3, max: 1_000 }), fc.constantFrom("NaN", "7", null)),
      requestedValues: fc.array(fc.constantFrom("a", "c")),
      fallback: fc.record({ hasAccess: fc.boolean() }),
    },
    { requiredKeys: [] },
  );
  const requests = fc.record(
    {
      customerId: customers,
      featureId: features,
      resourceId: fc.constantFrom("site-1", "site-2", ""),
      currencyId: fc.constantFrom("credits", "empty", ""),
      options,
    },
    { requiredKeys: [] },
  );
  const methods = fc.constantFrom(
    "getEntitlement",
    "getBooleanEntitlement",
    "getNumericEntitlement",
    "getMeteredEntitlement",
    "getEnumEntitlement",
    "getEntitlementV2",
    "getEntitlements",
    "getEntitlementsStateV2",
  );

  test("to any request for any method", async () => {
    await fc.assert(
      fc.asyncProperty(methods, requests, fc.constantFrom(undefined, 2), async (method, request, indent) => {
        await sameAnswers(pathOf(method), { body: JSON.stringify(request, undefined, indent) });
      }),
      { numRuns: 200 },
    );
  });

  test("to JSON with something put in and taken out, cut into any chunks", async () => {
    const damages = fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 2 }),
        fc.constantFrom("", '"', "{", "}", ",", ":", "\\", "é", "0", '"customerId":"acme",', " "),
      ),
      { maxLength: 2 },
    );
    await fc.assert(
      fc.asyncProperty(
        requests,
        damages,
        fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
        async (request, changes, cuts) => {
          let text = JSON.stringify(request);
          for (const [at, removed, added] of changes)
            text = text.slice(0, at % (text.length + 1)) + added + text.slice((at % (text.length + 1)) + removed);
          await sameAnswers(pathOf("getMeteredEntitlement"), {
            body: cuts.length === 0 ? text : inChunks(Buffer.from(text), cuts),
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  async function sameAnswers(
    path: string,
    { headers = JSON_TYPE, body = CHECK, ...request }: Http1Request,
  ): Promise<Http1Answer> {
    const [byFast, byConnect] = await Promise.all(
      [fast, connect].map(({ client }) => client.send(path, { ...request, headers, body })),
    );
    if (byFast === undefined || byConnect === undefined) throw new Error("both answered");
    expect(meaningOf(byFast)).toEqual(meaningOf(byConnect));
    return byFast;
  }
});

describe("on the fast path of JSON", () => {
  let upstream: ControllableUpstream;
  let clock: ManualClock;
  let server: RpcServer;
  let client: RawHttp1;
  beforeEach(async () => {
    upstream = new ControllableUpstream();
    clock = new ManualClock();
    server = await startRpcServer({ upstream, clock, budgetMs: 60_000 });
    client = new RawHttp1(server.url);
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  test("a check that waits for upstream answers before its caller gives up", async () => {
    const answer = client.send(CHECK_PATH, { headers: { ...JSON_TYPE, "connect-timeout-ms": "20000" }, body: CHECK });
    await upstream.fetches.at(0);
    clock.advance(19_980);
    expect(await answer).toMatchObject({ status: 200, headers: { "x-entitlement-source": "fallback" } });
    expect(clock.pendingTimers).toBe(1);
  });

  test("a caller whose time is up meanwhile is told so", async () => {
    const answer = client.send(CHECK_PATH, { headers: { ...JSON_TYPE, "connect-timeout-ms": "20000" }, body: CHECK });
    await upstream.fetches.at(0);
    clock.advance(20_000);
    const { status, headers, text } = await answer;
    expect({ status, type: headers["content-type"], body: JSON.parse(text) as unknown }).toEqual({
      status: 504,
      type: "application/json",
      body: { code: "deadline_exceeded", message: "the operation timed out" },
    });
    expect(server.logger.lines).toEqual([]);
  });

  test.each([
    ["before its request is whole", CHECK.slice(0, 9), 0],
    ["while its check waits for upstream", CHECK, 1],
  ])("a caller that is cut off %s costs nothing", async (_, sent, fetches) => {
    const socket = createConnection(server.port, "127.0.0.1");
    const deadline = "connect-timeout-ms: 20000";
    socket.write(
      `POST ${CHECK_PATH} HTTP/1.1\r\nhost: sidecar\r\n${deadline}\r\ncontent-type: application/json\r\ncontent-length: ${CHECK.length}\r\n\r\n${sent}`,
    );
    await (fetches === 0 ? once(socket, "connect") : upstream.fetches.at(0));
    socket.resetAndDestroy();
    // What is fetched may serve others, and has a limit of its own.
    await eventually(() => clock.pendingTimers).toBe(fetches);
    const answer = client.send(CHECK_PATH, { headers: JSON_TYPE, body: '{"customerId":"other","featureId":"sso"}' });
    (await upstream.fetches.at(fetches)).fail();
    expect(await answer).toMatchObject({ status: 200 });
    expect(server.logger.lines).toEqual([]);
  });

  test("requests sent at once on one connection are answered in their order", async () => {
    const socket = createConnection(server.port, "127.0.0.1");
    const ask = (feature: string, more = "") => {
      const body = `{"customerId":"acme","featureId":"${feature}"}`;
      return `POST ${CHECK_PATH} HTTP/1.1\r\nhost: sidecar\r\n${more}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    };
    socket.write(ask("first") + ask("") + ask("third", "connection: close\r\n"));
    // Each is asked when its turn has come.
    for (const index of [0, 1]) void upstream.fetches.at(index).then((fetch) => fetch.fail());
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received.match(/HTTP\/1\.1 \d+|"id":"\w+"|feature_id/g)).toEqual([
      "HTTP/1.1 200",
      '"id":"first"',
      "HTTP/1.1 400",
      "feature_id",
      "HTTP/1.1 200",
      '"id":"third"',
    ]);
  });

  test("answers are not compressed, whoever would take it", async () => {
    const populated = await startRpcServer({ upstream: populate(new InMemoryUpstream()) });
    const answer = await new RawHttp1(populated.url).send(pathOf("getEntitlements"), {
      headers: { ...JSON_TYPE, "accept-encoding": "gzip" },
      body: '{"customerId":"acme"}',
    });
    await populated.stop();
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(JSON.parse(answer.text)).toHaveProperty("entitlements");
  });
});

function pathOf(method: SidecarMethod): string {
  const { name, parent } = SidecarService.method[method];
  return `/${parent.typeName}/${name}`;
}

/** What matters of an answer: everything but the time, and the ids that are made up for each report. */
function meaningOf({ status, headers, text }: Http1Answer) {
  const meant = Object.entries(headers).filter(([name]) => name !== "date");
  return {
    status,
    headers: Object.fromEntries(meant),
    text: text.replace(/"measurementId":"[^"]+"/g, '"measurementId":"…"'),
  };
}

function inChunks(body: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.map((cut) => Math.min(cut, body.length)), body.length].sort((a, b) => a - b);
  return ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end)).filter(({ length }) => length > 0);
}
