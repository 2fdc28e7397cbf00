import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { gateCall, type GateSettings } from "../../../src/adapters/rpc/ext-authz/gate-calls.js";
import type { HeaderValueOption } from "../../../src/adapters/rpc/gen/envoy/config/core/v3/base_pb.js";
import {
  type AttributeContext,
  type AttributeContextSchema,
  Authorization,
  CheckRequestSchema,
  type CheckResponse,
} from "../../../src/adapters/rpc/gen/envoy/service/auth/v3/external_auth_pb.js";
import type { Answer } from "../../../src/application/answer.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { PERIOD } from "../harness/customers.js";
import { GATE } from "../harness/every-path.js";
import { type RpcServer, type RpcServerOptions, startRpcServer } from "../harness/rpc-server.js";

type Attributes = Exclude<MessageInitShape<typeof AttributeContextSchema>, AttributeContext>;

const PATH = "/envoy.service.auth.v3.Authorization/Check";

/** What a gateway makes of an answer. */
interface Outcome {
  /** Of gRPC. */
  readonly code: number;
  /** Undefined: the request passes. */
  readonly status: number | undefined;
  /** Of the response where it is denied, else of the request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

function outcomeOf({ status, httpResponse }: CheckResponse): Outcome {
  const code = status?.code ?? -1;
  if (httpResponse.case === "deniedResponse") {
    const { status: http, headers, body } = httpResponse.value;
    return {
      code,
      status: http?.code,
      headers: fieldsOf(headers),
      removed: [],
      body: JSON.parse(body) as Outcome["body"],
    };
  }
  const { headers = [], headersToRemove = [] } = httpResponse.value ?? {};
  return { code, status: undefined, headers: fieldsOf(headers), removed: headersToRemove, body: {} };
}

function fieldsOf(options: readonly HeaderValueOption[]): Readonly<Record<string, string>> {
  return Object.fromEntries(options.map(({ header }) => [header?.key ?? "", header?.value ?? ""]));
}

/** A server, and what a gateway that asks it makes of the answer. */
class Gateway {
  readonly server: RpcServer;
  readonly client: Client<typeof Authorization>;

  private constructor(server: RpcServer) {
    this.server = server;
    this.client = createClient(Authorization, createGrpcTransport({ baseUrl: server.url }));
  }

  static async before(gate: Partial<GateSettings> = {}, options: RpcServerOptions = {}): Promise<Gateway> {
    return new Gateway(
      await startRpcServer({ ...options, rpc: { gate: { ...GATE, ...gate }, maxIdBytes: 64, ...options.rpc } }),
    );
  }

  async ask(attributes: Attributes): Promise<Outcome> {
    return outcomeOf(await this.client.check({ attributes }));
  }

  /** By the headers of the request that it is about. */
  byHeaders(headers: Record<string, string>): Promise<Outcome> {
    return this.ask({ request: { http: { headers } } });
  }
}

const of = (featureId: string, more: Record<string, string> = {}): Attributes => ({
  contextExtensions: { customer_id: "acme", feature_id: featureId, ...more },
});

describe.each([
  ["on the fast path", true],
  ["on the general path", false],
])("a gateway's request, %s", (_, hasFastPath) => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await Gateway.before({}, { hasFastPath });
    // From now on it is cached.
    await gateway.ask(of("sso"));
  });
  afterAll(() => gateway.server.stop());

  it.each<[string, string, Record<string, string>, Record<string, string>]>([
    ["a switch", "sso", {}, {}],
    ["usage within the limit", "calls", { requested_usage: "749.5" }, { "x-entitlement-remaining": "749.5" }],
    ["usage without a limit", "storage", {}, { "x-entitlement-remaining": "unlimited" }],
    ["usage beyond a soft limit", "emails", {}, { "x-entitlement-remaining": "0" }],
    ["a number", "retention-days", {}, {}],
    ["values", "regions", {}, {}],
  ])(
    "passes for %s, and whom it is for is told what nobody else can have said",
    async (_, featureId, more, reported) => {
      const { code, status, headers, removed } = await gateway.ask(of(featureId, more));
      expect([code, status]).toEqual([0, undefined]);
      expect(headers).toEqual({ "x-entitlement-source": "memory", ...reported });
      expect([...Object.keys(headers), ...removed].sort()).toEqual([
        "x-entitlement-decision",
        "x-entitlement-reason",
        "x-entitlement-remaining",
        "x-entitlement-source",
      ]);
    },
  );

  it.each<[string, Attributes, string]>([
    ["a switch that was taken", of("beta"), "Revoked"],
    ["a feature that the customer does not have", of("elsewhere"), "NoFeatureEntitlementInSubscription"],
    [
      "a limit that is never reset, of one of its resources",
      of("seats", { resource_id: "site-1" }),
      "RequestedUsageExceedingLimit",
    ],
    ["more than any period has", of("calls", { requested_usage: "1001" }), "RequestedUsageExceedingLimit"],
    ["a customer that is no more", of("sso", { customer_id: "archived" }), "CustomerIsArchived"],
  ])("is denied by 403, with the reason, for %s", async (_, attributes, reason) => {
    const { code, status, headers, body } = await gateway.ask(attributes);
    expect([code, status]).toEqual([Code.PermissionDenied, 403]);
    expect(headers).toEqual({ "x-entitlement-denied-reason": reason, "content-type": "application/json" });
    expect(body).toMatchObject({ reason, featureId: attributes.contextExtensions?.["feature_id"] });
    expect(body["message"]).toContain(reason);
  });

  it("is denied by 429 where the limit will be reset, with when", async () => {
    const before = Date.now();
    const { code, status, headers, body } = await gateway.ask(of("calls", { requested_usage: "750" }));
    const after = Date.now();
    expect([code, status]).toEqual([Code.ResourceExhausted, 429]);
    const retryAfter = Number(headers["retry-after"]);
    expect(retryAfter).toBeGreaterThan((PERIOD.periodEnd - after) / 1_000);
    expect(retryAfter).toBeLessThanOrEqual((PERIOD.periodEnd - before) / 1_000 + 1);
    expect(body).toMatchObject({ usageLimit: 1000, currentUsage: 250.5, nextResetDate: "9000-01-01T00:00:00.000Z" });
  });

  it("is for one use where it does not say how much", async () => {
    const full = { customer_id: "acme", resource_id: "site-1" };
    expect(await gateway.ask(of("seats", { ...full, requested_usage: "0" }))).toMatchObject({ status: undefined });
    expect(await gateway.ask(of("seats", full))).toMatchObject({ status: 403 });
  });

  it("is told of by Connect in JSON too", async () => {
    const response = await fetch(gateway.server.url + PATH, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ attributes: { contextExtensions: { customer_id: "acme", feature_id: "beta" } } }),
    });
    expect(await response.json()).toMatchObject({
      status: { code: 7 },
      deniedResponse: { status: { code: "Forbidden" } },
    });
  });
});

describe("who asks, and for what", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await Gateway.before();
  });
  afterAll(() => gateway.server.stop());

  it.each<[string, Attributes]>([
    ["headers", { request: { http: { headers: { "x-customer-id": "acme", "x-feature-id": "sso" } } } }],
    [
      "headers as they were sent",
      {
        request: {
          http: {
            headerMap: {
              headers: [
                { key: "x-customer-id", rawValue: Buffer.from("acme") },
                { key: "X-Feature-Id", value: "sso" },
              ],
            },
          },
        },
      },
    ],
    ["the route's context extensions", of("sso")],
    [
      "metadata of the route and of the request",
      {
        routeMetadataContext: { filterMetadata: { "entitlement-sidecar": { feature_id: "sso" } } },
        metadataContext: { filterMetadata: { "entitlement-sidecar": { customer_id: "acme" } } },
      },
    ],
  ])("is said by %s", async (_, attributes) => {
    expect(await gateway.ask(attributes)).toMatchObject({ code: 0, status: undefined });
  });

  it("is taken from the gateway rather than from whoever sent the request", async () => {
    const sent = { request: { http: { headers: { "x-customer-id": "acme", "x-feature-id": "sso" } } } };
    const filters = { metadataContext: { filterMetadata: { "entitlement-sidecar": { feature_id: "elsewhere" } } } };
    const route = { routeMetadataContext: { filterMetadata: { "entitlement-sidecar": { feature_id: "beta" } } } };
    expect((await gateway.ask({ ...sent })).status).toBeUndefined();
    expect((await gateway.ask({ ...sent, ...filters })).body["featureId"]).toBe("elsewhere");
    expect((await gateway.ask({ ...sent, ...filters, ...route })).body["featureId"]).toBe("beta");
    expect(
      (await gateway.ask({ ...sent, ...filters, ...route, ...of("calls", { requested_usage: "9e9" }) })).body,
    ).toMatchObject({
      featureId: "calls",
    });
  });

  it("may be a number that a filter made of it", async () => {
    const filters = { metadataContext: { filterMetadata: { "entitlement-sidecar": { requested_usage: 1001 } } } };
    expect(await gateway.ask({ ...of("calls"), ...filters })).toMatchObject({ status: 403 });
  });

  it.each<[string, Attributes, string, string]>([
    ["names nothing", {}, "FeatureNotNamed", "feature_id"],
    ["names no feature", { contextExtensions: { customer_id: "acme" } }, "FeatureNotNamed", "x-feature-id"],
    ["names an empty one", of(""), "FeatureNotNamed", "context_extensions"],
    ["names no customer", { contextExtensions: { feature_id: "sso" } }, "CustomerNotNamed", "x-customer-id"],
    ["has an id that is too long", of("s".repeat(65)), "InvalidRequest", "MAX_ID_BYTES"],
    ["has a usage that is no number", of("calls", { requested_usage: "many" }), "InvalidRequest", "requested_usage"],
    ["has one below 0", of("calls", { requested_usage: "-1" }), "InvalidRequest", "requested_usage"],
    ["has one without end", of("calls", { requested_usage: "1e999" }), "InvalidRequest", "requested_usage"],
  ])("is denied by 400, with what to do, where it %s", async (_, attributes, reason, remedy) => {
    const { code, status, headers, body } = await gateway.ask(attributes);
    expect([code, status, headers["x-entitlement-denied-reason"]]).toEqual([Code.InvalidArgument, 400, reason]);
    expect(body["message"]).toContain(remedy);
  });
});

describe("where nothing fresh can be had", () => {
  const unreachable = (featureId: string) => of(featureId, { customer_id: "unreachable" });

  it("what the operator configured decides", async () => {
    const gateway = await Gateway.before();
    expect(await gateway.ask(unreachable("configured"))).toMatchObject({ status: undefined });
    expect(await gateway.ask(unreachable("configured-off"))).toMatchObject({
      status: 403,
      body: { reason: "Unknown" },
    });
    await gateway.server.stop();
  });

  it("and without that it is denied by 503, to be tried again", async () => {
    const gateway = await Gateway.before({ deniedStatus: "402" });
    expect(await gateway.ask(unreachable("sso"))).toMatchObject({
      code: Code.Unavailable,
      status: 503,
      headers: { "retry-after": "6" },
    });
    await gateway.server.stop();
  });

  it.each([
    ["allow", true, undefined, undefined],
    ["deny", false, 403, "5"],
  ] as const)(
    "a failure policy that says %s is followed, and told of",
    async (policy, hasAccess, status, retryAfter) => {
      const assumed = async <T>(asked: Answer<T> | Promise<Answer<T>>): Promise<Answer<T>> => {
        const answer = await asked;
        return {
          ...answer,
          result: {
            ...answer.result,
            hasAccess,
            accessDeniedReason: "Unknown",
            entitlement: undefined,
            fallback: { hasAccess },
          },
          source: "assumed",
          assumed: { policy, retryAfterMs: 4_500 },
          decisionId: "decision-1",
        };
      };
      const gateway = await Gateway.before(
        {},
        {
          check: (real) => ({
            feature: (...asked) => assumed(real.feature(...asked)),
            credit: (...asked) => real.credit(...asked),
          }),
        },
      );
      const outcome = await gateway.ask(of("sso"));
      expect([outcome.status, outcome.headers["retry-after"]]).toEqual([status, retryAfter]);
      if (hasAccess)
        expect(outcome.headers).toMatchObject({
          "x-entitlement-source": "assumed",
          "x-entitlement-reason": "policy-allow",
          "x-entitlement-decision": "decision-1",
        });
      else expect(outcome.body["decisionId"]).toBe("decision-1");
      await gateway.server.stop();
    },
  );
});

describe("the operator's settings", () => {
  it("name the headers, and take some away", async () => {
    const gateway = await Gateway.before({
      headers: { ...GATE.headers, customerId: "x-tenant", featureId: undefined },
    });
    const sent = {
      request: { http: { headers: { "x-tenant": "acme", "x-customer-id": "nobody", "x-feature-id": "beta" } } },
    };
    expect(await gateway.ask({ ...sent, contextExtensions: { feature_id: "sso" } })).toMatchObject({
      status: undefined,
    });
    expect((await gateway.ask(sent)).body["message"]).not.toContain("header");
    await gateway.server.stop();
  });

  it("choose the status of denials, and of nothing else", async () => {
    const gateway = await Gateway.before({ deniedStatus: "402" });
    expect((await gateway.ask(of("beta"))).status).toBe(402);
    expect(await gateway.ask(of("calls", { requested_usage: "750" }))).toMatchObject({
      status: 402,
      headers: { "retry-after": expect.any(String) },
    });
    expect((await gateway.ask({})).status).toBe(400);
    await gateway.server.stop();
  });

  it("let pass what names no feature, but never what leaves out who sent it", async () => {
    const gateway = await Gateway.before({ passesUngated: true });
    const outcome = await gateway.byHeaders({ "x-customer-id": "acme" });
    expect([outcome.status, outcome.headers, outcome.removed.length]).toEqual([undefined, {}, 4]);
    expect(await gateway.byHeaders({ "x-feature-id": "sso" })).toMatchObject({ status: 400 });
    await gateway.server.stop();
  });

  it("switch it on: without them there is no such service", async () => {
    const server = await startRpcServer();
    const client = createClient(Authorization, createGrpcTransport({ baseUrl: server.url }));
    await expect(client.check({ attributes: of("sso") })).rejects.toMatchObject({ code: Code.Unimplemented });
    await server.stop();
  });
});

describe("the service's own figures and faults", () => {
  it("each decision is counted once, and what was no decision is not", async () => {
    const counted: boolean[] = [];
    const decision = {
      hasAccess: true,
      accessDeniedReason: undefined,
      entitlement: undefined,
      usage: undefined,
      fallback: undefined,
    };
    const call = gateCall(
      { feature: () => ({ result: decision, source: "memory", verifiedAt: 0 }) },
      (response) => response,
      { ...GATE, maxIdBytes: 64, clock: new ManualClock(), count: ({ hasAccess }) => void counted.push(hasAccess) },
    );
    const context = { deadlineAt: undefined, signal: undefined, idempotencyKey: undefined };
    await call(create(CheckRequestSchema, { attributes: of("sso") }), context);
    await call(create(CheckRequestSchema, {}), context);
    expect(counted).toEqual([true]);
  });

  it("a fault of its own is an error of the call, so that the gateway's mode for failures applies", async () => {
    const gateway = await Gateway.before(
      {},
      {
        check: (real) => ({
          feature: () => {
            throw new TypeError("a secret of the inside");
          },
          credit: (...asked) => real.credit(...asked),
        }),
      },
    );
    await expect(gateway.ask(of("sso"))).rejects.toMatchObject({ code: Code.Internal });
    await gateway.server.stop();
  });
});
