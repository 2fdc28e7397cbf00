import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readAccessEntries } from "../../src/adapters/rpc/call/access/access-entries.js";
import { AccessIdentity, rateLimit } from "../../src/adapters/rpc/call/access/access-identity.js";
import { crossOriginOf, LOCAL_HOSTS } from "../../src/adapters/rpc/call/access/cross-origin.js";
import { SERVED_METHODS } from "../../src/adapters/rpc/service/served-methods.js";
import { EVERY_WAY, go } from "./harness/every-path.js";
import { RawHttp1 } from "./harness/raw-http1.js";
import { RawHttp2 } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNAUTHENTICATED = 16;
/** How HTTP says the same, where a request is of no protocol. */
const HTTP_STATUS: Readonly<Record<number, number>> = { [PERMISSION_DENIED]: 403, [UNAUTHENTICATED]: 401 };

const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");
const ENTRIES = [
  { name: "operator", sha256: hashOf("token-of-the-operator"), groups: "all" },
  ...["check", "report", "reload", "health", "reflection"].map((group) => ({
    name: group,
    sha256: hashOf(`token-for-${group}`),
    groups: [group],
  })),
];
const entries = readAccessEntries("tokens.json", Buffer.from(JSON.stringify(ENTRIES)));
const groupOf = (method: string) => SERVED_METHODS.find(({ name }) => name === method)?.group;

describe.each([
  ["with the fast path", true],
  ["without it", false],
])("with tokens on, %s, no way goes round them", (_, hasFastPath) => {
  let server: RpcServer;
  beforeAll(async () => {
    server = await startRpcServer({
      hasFastPath,
      rpc: { identity: new AccessIdentity({ entries: { value: entries, generation: 0 } }) },
    });
  });
  afterAll(() => server.stop());

  test.each(EVERY_WAY)("$name", async (way) => {
    const call = (token: string | undefined) =>
      go(way, server.url, token === undefined ? {} : { authorization: token });
    const group = groupOf(way.method);
    const other = group === "reload" ? "check" : "reload";
    const refused = async (token: string | undefined, expected: number, said: string) => {
      const { code, httpStatus, text } = await call(token);
      expect(code ?? httpStatus).toBe(code === undefined ? HTTP_STATUS[expected] : expected);
      expect(text).toContain(said);
      expect(text).not.toContain("nobody-knows-this");
    };
    await refused(undefined, UNAUTHENTICATED, "who calls is not known");
    await refused("Bearer nobody-knows-this", UNAUTHENTICATED, "the token is not known");
    await refused("Basic token-of-the-operator", UNAUTHENTICATED, "who calls is not known");
    await refused(`Bearer token-for-${other}`, PERMISSION_DENIED, `of the group ${group}`);
    for (const token of ["Bearer token-of-the-operator", "bearer token-of-the-operator", `Bearer token-for-${group}`]) {
      expect([PERMISSION_DENIED, UNAUTHENTICATED]).not.toContain((await call(token)).code);
    }
  });
});

describe("a connection that is open knows of changed tokens with its next call", () => {
  test("by HTTP/2, whose routes remember who calls", async () => {
    const file = { value: entries, generation: 0 };
    const server = await startRpcServer({ rpc: { identity: new AccessIdentity({ entries: file }) } });
    const client = new RawHttp2(server.url);
    const call = () =>
      client.post(
        "/grpc.health.v1.Health/Check",
        { "content-type": "application/grpc", te: "trailers", authorization: "Bearer token-for-health" },
        Buffer.alloc(5),
      );
    // Headers that are repeated are read once: from then on the route is the same.
    for (let times = 0; times < 5; times++) expect((await call()).grpcStatus).toBe(0);
    file.value = entries.filter(({ name }) => name !== "health");
    file.generation = 1;
    expect((await call()).grpcStatus).toBe(UNAUTHENTICATED);
    client.close();
    await server.stop();
  });
});

describe("a host that may not be named is refused on every way", () => {
  let server: RpcServer;
  beforeAll(async () => {
    server = await startRpcServer({ rpc: { identity: new AccessIdentity({ isAllowedHost: LOCAL_HOSTS }) } });
  });
  afterAll(() => server.stop());

  test.each(EVERY_WAY.filter(({ headers }) => headers["host"] === undefined))("$name", async (way) => {
    const foreign = await go(
      way,
      server.url,
      way.http === 1 ? { host: "rebound.example:80" } : { ":authority": "rebound.example:80" },
    );
    expect(foreign.code ?? foreign.httpStatus).toBe(foreign.code === undefined ? 403 : PERMISSION_DENIED);
    expect(foreign.text).toContain("ALLOWED_HOSTS");
    expect((await go(way, server.url)).code).not.toBe(PERMISSION_DENIED);
  });
});

describe("pages of other origins", () => {
  const PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
  const BODY = '{"customerId":"acme","featureId":"sso"}';
  const PREFLIGHT = {
    origin: "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-own",
  };
  let server: RpcServer;
  let client: RawHttp1;
  beforeAll(async () => {
    server = await startRpcServer({ rpc: { crossOrigin: crossOriginOf(["https://app.example"]) } });
    client = new RawHttp1(server.url);
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  test("may ask what they may send", async () => {
    const { status, headers } = await client.send(PATH, { method: "OPTIONS", headers: PREFLIGHT });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "POST, GET",
      "access-control-max-age": "7200",
      vary: "origin",
    });
    for (const name of [
      "content-type",
      "x-grpc-web",
      "grpc-timeout",
      "connect-protocol-version",
      "authorization",
      "x-own",
    ]) {
      expect(headers["access-control-allow-headers"]?.split(", ")).toContain(name);
    }
  });

  test.each(["https://other.example", "null", "https://app.example.other", "http://app.example"])(
    "of %s may not",
    async (origin) => {
      const { headers } = await client.send(PATH, { method: "OPTIONS", headers: { ...PREFLIGHT, origin } });
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      const answer = await client.send(PATH, { headers: { "content-type": "application/json", origin }, body: BODY });
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      expect(answer.headers.vary).toBe("origin");
    },
  );

  test.each([
    ["Connect", { method: "POST", headers: { "content-type": "application/json" }, body: BODY }, PATH],
    ["Connect by GET", { method: "GET", headers: {} }, `${PATH}?encoding=json&message=${encodeURIComponent(BODY)}`],
    [
      "gRPC-web",
      { method: "POST", headers: { "content-type": "application/grpc-web+proto" }, body: Buffer.alloc(5) },
      PATH,
    ],
    [
      "an unknown method",
      { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
      "/no.Such/Method",
    ],
  ] as const)("read the answer by %s", async (_, request, path) => {
    const { headers } = await client.send(path, {
      ...request,
      headers: { ...request.headers, origin: "https://app.example" },
    });
    expect(headers).toMatchObject({ "access-control-allow-origin": "https://app.example", vary: "origin" });
    for (const name of [
      "grpc-status",
      "grpc-message",
      "retry-after",
      "x-entitlement-source",
      "x-entitlement-age-ms",
      "x-entitlement-reason",
      "x-entitlement-decision",
      "x-usage-state",
    ]) {
      expect(headers["access-control-expose-headers"]?.split(", ")).toContain(name);
    }
  });
});

describe("a rate of one call", () => {
  const ONE_CALL = EVERY_WAY.filter(({ method }) => method === "GetBooleanEntitlement");

  test.each(ONE_CALL)("lets one pass, also where the fast path leaves it to the general one: $name", async (way) => {
    const server = await startRpcServer({
      rpc: { identity: new AccessIdentity({}), admission: [rateLimit(1, () => 0)] },
    });
    const [first, second] = [await go(way, server.url), await go(way, server.url)];
    expect(first.code ?? first.httpStatus).not.toBe(first.code === undefined ? 429 : RESOURCE_EXHAUSTED);
    expect(second.code ?? second.httpStatus).toBe(second.code === undefined ? 429 : RESOURCE_EXHAUSTED);
    await server.stop();
  });
});
