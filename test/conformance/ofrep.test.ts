import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { rateLimit } from "../../src/adapters/rpc/call/access/access-identity.js";
import { crossOriginOf } from "../../src/adapters/rpc/call/access/cross-origin.js";
import { RawHttp2 } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const FLAGS = "/ofrep/v1/evaluate/flags";
const KNOWN = new Set([
  "sso",
  "beta",
  "seats",
  "calls",
  "storage",
  "retention-days",
  "no-number",
  "regions",
  "elsewhere",
]);
const ORIGIN = "https://app.example.com";

/** What is read of answers. */
interface Body {
  readonly key?: string;
  readonly value?: unknown;
  readonly reason?: string;
  readonly metadata?: object;
  readonly errorCode?: string;
  readonly errorDetails?: string;
  readonly flags?: readonly (Body & { readonly key: string })[];
  /** Of the service's own method. */
  readonly entitlement?: unknown;
}

let server: RpcServer;
beforeAll(async () => {
  server = await startRpcServer({
    rpc: {
      isKnownFeature: (id) => KNOWN.has(id),
      crossOrigin: crossOriginOf([ORIGIN]),
      maxIdBytes: 64,
      maxMessageBytes: 10_000,
    },
  });
});
afterAll(() => server.stop());

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text === "" ? "{}" : text) as Body };
}

const evaluate = (key: string, context: object) =>
  post(`${FLAGS}/${key}`, { context: { targetingKey: "acme", ...context } });

describe("one feature", () => {
  it.each([
    ["a switch", "sso", {}, true, "granted"],
    ["a switch that was taken", "beta", {}, false, "denied"],
    ["usage within the limit", "seats", { requestedUsage: 2 }, true, "granted"],
    ["usage beyond it", "seats", { requestedUsage: 100 }, false, "denied"],
    ["usage of one of its resources", "seats", { resourceId: "site-1", requestedUsage: 1 }, false, "denied"],
    ["a limit", "calls", { valueAs: "number" }, 1000, "granted"],
    ["a limit that there is not", "storage", { valueAs: "number" }, Number.MAX_SAFE_INTEGER, "unlimited"],
    ["a configured number", "retention-days", {}, 30, "granted"],
    ["a configured number without bound", "no-number", {}, Number.MAX_SAFE_INTEGER, "unlimited"],
    ["values", "regions", {}, "a,b", "granted"],
    ["values that are granted", "regions", { valueAs: "boolean", requestedValues: ["a"] }, true, "granted"],
    ["values that are not", "regions", { requestedValues: ["mars"] }, "", "denied"],
    ["a feature that the customer does not have", "elsewhere", {}, false, "denied"],
    ["the same as a number", "elsewhere", { valueAs: "number" }, 0, "denied"],
  ])("%s", async (_, key, context, value, variant) => {
    const { status, headers, body } = await evaluate(key, context);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toMatchObject({ key, value, variant, reason: "TARGETING_MATCH" });
  });

  it("as the whole entitlement, which the service's own method answers", async () => {
    const { body } = await evaluate("calls", { valueAs: "object", requestedUsage: 1 });
    const own = await post("/stigg.sidecar.v1.SidecarService/GetEntitlementV2", {
      customerId: "acme",
      featureId: "calls",
      options: { requestedUsage: 1 },
    });
    expect(body.value).toEqual(own.body.entitlement);
  });

  it("says in its metadata what it was decided on, flat", async () => {
    const { body, headers } = await evaluate("calls", { requestedUsage: 1000 });
    expect(body.metadata).toEqual({
      kind: "metered",
      hasAccess: false,
      isFallback: false,
      accessDeniedReason: "RequestedUsageExceedingLimit",
      currentUsage: 250.5,
      usageLimit: 1000,
      nextResetDate: "9000-01-01T00:00:00.000Z",
      source: "memory",
    });
    expect(headers.get("x-entitlement-source")).toBe("memory");
  });

  it("by an id that is percent-encoded, over HTTP/2", async () => {
    const client = new RawHttp2(server.url);
    const answer = await client.post(
      `${FLAGS}/retention%2Ddays?x=y`,
      { "content-type": "application/json" },
      Buffer.from('{"context":{"targetingKey":"acme"}}'),
    );
    client.close();
    expect(JSON.parse(answer.body.toString())).toMatchObject({ key: "retention-days", value: 30 });
  });
});

describe("where nothing is known of the customer", () => {
  it("the configured fallback answers", async () => {
    expect((await evaluate("configured", { targetingKey: "unreachable" })).body).toMatchObject({
      value: true,
      reason: "DEFAULT",
      metadata: { isFallback: true, source: "fallback" },
    });
    expect((await evaluate("configured-seats", { targetingKey: "unreachable", valueAs: "number" })).body).toMatchObject(
      { value: 5, reason: "DEFAULT" },
    );
  });

  it("and without one the caller's own default does, by an error", async () => {
    const { status, body } = await evaluate("sso", { targetingKey: "unreachable" });
    expect([status, body.errorCode, body.key]).toEqual([500, "GENERAL", "sso"]);
  });
});

describe("a request that cannot be evaluated", () => {
  it.each<[string, string, unknown, number, string, string]>([
    [
      "a feature that there is not",
      "sing-sign-on",
      { context: { targetingKey: "acme" } },
      404,
      "FLAG_NOT_FOUND",
      "sing-sign-on",
    ],
    ["no context", "sso", {}, 400, "TARGETING_KEY_MISSING", "targetingKey"],
    ["no targeting key", "sso", { context: { email: "a@example.com" } }, 400, "TARGETING_KEY_MISSING", "targetingKey"],
    ["an empty one", "sso", { context: { targetingKey: "" } }, 400, "TARGETING_KEY_MISSING", "targetingKey"],
    ["one that is no string", "sso", { context: { targetingKey: 7 } }, 400, "INVALID_CONTEXT", "targetingKey"],
    [
      "one that is too long",
      "sso",
      { context: { targetingKey: "x".repeat(65) } },
      400,
      "INVALID_CONTEXT",
      "MAX_ID_BYTES",
    ],
    [
      "one with half of a character",
      "sso",
      '{"context":{"targetingKey":"\\ud800"}}',
      400,
      "INVALID_CONTEXT",
      "lone surrogate",
    ],
    [
      "a resource with half of a character",
      "sso",
      '{"context":{"targetingKey":"acme","resourceId":"site-\\udfff"}}',
      400,
      "INVALID_CONTEXT",
      "lone surrogate",
    ],
    ["a context that is no object", "sso", { context: [] }, 400, "INVALID_CONTEXT", "object"],
    [
      "a resource that is no string",
      "sso",
      { context: { targetingKey: "acme", resourceId: {} } },
      400,
      "INVALID_CONTEXT",
      "resourceId",
    ],
    [
      "a usage below 0",
      "sso",
      { context: { targetingKey: "acme", requestedUsage: -1 } },
      400,
      "INVALID_CONTEXT",
      "requestedUsage",
    ],
    [
      "values that are no list",
      "sso",
      { context: { targetingKey: "acme", requestedValues: "eu" } },
      400,
      "INVALID_CONTEXT",
      "requestedValues",
    ],
    [
      "a form that there is not",
      "sso",
      { context: { targetingKey: "acme", valueAs: "yaml" } },
      400,
      "INVALID_CONTEXT",
      "boolean, number, string, object",
    ],
    ["what is no JSON", "sso", "{", 400, "PARSE_ERROR", "JSON"],
    ["no object", "sso", "[]", 400, "PARSE_ERROR", "object"],
    ["nesting without end", "sso", "[".repeat(1000), 400, "PARSE_ERROR", "MAX_JSON_DEPTH"],
    ["more than is read", "sso", JSON.stringify("x".repeat(20_000)), 429, "GENERAL", "MAX_MESSAGE_BYTES"],
  ])("%s", async (_, key, request, status, errorCode, said) => {
    const { status: got, body } = await post(`${FLAGS}/${key}`, request);
    expect([got, body.errorCode, body.key]).toEqual([status, errorCode, key]);
    expect(body.errorDetails).toContain(said);
  });

  it.each([
    ["another content type", "POST", `${FLAGS}/sso`, { "content-type": "text/plain" }, 415],
    ["another verb", "PUT", `${FLAGS}/sso`, {}, 405],
    ["another path", "GET", "/ofrep/v1/nothing", {}, 404],
  ])("%s", async (_, method, path, headers, status) => {
    expect((await fetch(server.url + path, { method, headers })).status).toBe(status);
  });

  it("beyond its rate, with when to come again", async () => {
    const limited = await startRpcServer({ rpc: { admission: [rateLimit(1)] } });
    const ask = () => fetch(`${limited.url}/ofrep/v1/configuration`);
    await ask();
    const { status, headers } = await ask();
    await limited.stop();
    expect([status, headers.get("retry-after")]).toEqual([429, "1"]);
  });
});

describe("all features", () => {
  it("lists what the customer has, each as it would be by itself", async () => {
    const { status, body } = await post(FLAGS, { context: { targetingKey: "acme" } });
    const flags = body.flags ?? [];
    expect(status).toBe(200);
    expect(Object.fromEntries(flags.map(({ key, value }) => [key, value]))).toMatchObject({
      sso: true,
      beta: false,
      "retention-days": 30,
      regions: "a,b",
      seats: true,
    });
    for (const flag of flags.filter(({ key }) => KNOWN.has(key))) {
      const { body: alone } = await evaluate(flag.key, {});
      expect({ ...alone, metadata: { ...alone.metadata, source: undefined } }).toEqual(flag);
    }
  });

  it("is sent again only when it has changed", async () => {
    const request = { context: { targetingKey: "acme" } };
    const etag = (await post(FLAGS, request)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { status, headers, body } = await post(FLAGS, request, { "if-none-match": given });
      expect([status, headers.get("etag"), body]).toEqual([304, etag, {}]);
    }
    expect((await post(FLAGS, request, { "if-none-match": '"other"' })).status).toBe(200);
    expect((await post(FLAGS, { context: { targetingKey: "counting" } }, { "if-none-match": etag })).status).toBe(200);
  });

  it("answers from the configured fallbacks where nothing is known", async () => {
    const { body } = await post(FLAGS, { context: { targetingKey: "unreachable" } });
    const flags = body.flags ?? [];
    expect(flags.map(({ key, value, reason }) => [key, value, reason])).toEqual([
      ["configured", true, "DEFAULT"],
      ["configured-seats", true, "DEFAULT"],
      ["configured-off", "", "DEFAULT"],
    ]);
  });

  it("may be read by a page of an allowed origin, its ETag too", async () => {
    const { headers } = await post(FLAGS, { context: { targetingKey: "acme" } }, { origin: ORIGIN });
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(headers.get("access-control-expose-headers")).toContain("etag");
    const preflight = await fetch(server.url + FLAGS, {
      method: "OPTIONS",
      headers: {
        origin: ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,if-none-match",
      },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("if-none-match"),
    ]);
  });
});

it("tells clients what it can do", async () => {
  const response = await fetch(`${server.url}/ofrep/v1/configuration`);
  expect(await response.json()).toMatchObject({
    name: "entitlement-sidecar",
    capabilities: { caching: { enabled: false } },
  });
  const again = await fetch(`${server.url}/ofrep/v1/configuration`, {
    headers: { "if-none-match": response.headers.get("etag") ?? "" },
  });
  expect(again.status).toBe(304);
});

describe("on the fast path of HTTP/1.1 and off it, the same answer", () => {
  it.each([
    ["a switch", "sso", { context: { targetingKey: "acme" } }],
    ["a key in percent-encoding", "%73so", { context: { targetingKey: "acme" } }],
    ["a key that is badly encoded", "%zz", { context: { targetingKey: "acme" } }],
    ["a key with a path in it", "a/b", { context: { targetingKey: "acme" } }],
    ["a key that is too long", "x".repeat(65), { context: { targetingKey: "acme" } }],
    ["a flag that there is not", "nowhere", { context: { targetingKey: "acme" } }],
    ["a number", "retention-days", { context: { targetingKey: "acme" } }],
    ["an unknown customer", "sso", { context: { targetingKey: "nobody" } }],
    ["no customer", "sso", { context: {} }],
    ["a customer that is no text", "sso", { context: { targetingKey: 7 } }],
    ["an empty customer", "sso", { context: { targetingKey: "" } }],
    ["a wrong amount", "seats", { context: { targetingKey: "acme", requestedUsage: "many" } }],
    ["no JSON", "sso", "{"],
    ["an empty body", "sso", ""],
    ["more than may be sent", "sso", { context: { targetingKey: "acme", more: "x".repeat(12_000) } }],
    ["a query", "sso?a=b", { context: { targetingKey: "acme" } }],
  ])("%s", async (_, key, body) => {
    // The first time it may come from upstream.
    await post(`${FLAGS}/${key}`, body);
    const fast = await post(`${FLAGS}/${key}`, body);
    // Of this media type, which is JSON as well, the fast path knows nothing.
    const general = await post(`${FLAGS}/${key}`, body, { "content-type": "application/context+json" });
    const matters = ({ status, headers, body: read }: typeof fast) => ({
      status,
      type: headers.get("content-type"),
      source: headers.get("x-entitlement-source"),
      read,
    });
    expect(matters(fast)).toEqual(matters(general));
  });

  it("refuses in the protocol's words who asks too often", async () => {
    const limited = await startRpcServer({ rpc: { admission: [rateLimit(1, () => 0)] } });
    const ask = async () => {
      const response = await fetch(`${limited.url}${FLAGS}/sso`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"context":{"targetingKey":"acme"}}',
      });
      return [response.status, response.headers.get("retry-after"), ((await response.json()) as Body).errorCode];
    };
    await ask();
    expect(await ask()).toEqual([429, "1", "GENERAL"]);
    await limited.stop();
  });
});
