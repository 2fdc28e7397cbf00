import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { InMemoryUpstream } from "../fakes/in-memory-upstream.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { populate } from "./harness/customers.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const ACME = { customerId: "acme", featureId: "sso" };

describe.each([
  ["gRPC", createGrpcTransport],
  ["Connect", (options: { readonly baseUrl: string }) => createConnectTransport({ ...options, httpVersion: "1.1" })],
] as const)("where an answer came from, by %s", (_, transport) => {
  let clock: ManualClock;
  let server: RpcServer;
  let client: Client<typeof SidecarService>;
  beforeEach(async () => {
    clock = new ManualClock();
    server = await startRpcServer({ clock, upstream: populate(new InMemoryUpstream()) });
    client = createClient(SidecarService, transport({ baseUrl: server.url }));
  });
  afterEach(() => server.stop());

  test("is reported with every check and every list", async () => {
    expect(await headersOf((seen) => client.getBooleanEntitlement(ACME, seen))).toMatchObject({ source: "upstream" });
    expect(await headersOf((seen) => client.getEntitlement(ACME, seen))).toMatchObject({ source: "memory" });
    expect(await headersOf((seen) => client.getEntitlementV2(ACME, seen))).toMatchObject({ source: "memory" });
    expect(await headersOf((seen) => client.getEntitlements(ACME, seen))).toMatchObject({ source: "memory" });
    expect(await headersOf((seen) => client.getEntitlementsStateV2(ACME, seen))).toMatchObject({ source: "memory" });
    const unreachable = { ...ACME, customerId: "unreachable" };
    expect(await headersOf((seen) => client.getBooleanEntitlement(unreachable, seen))).toMatchObject({
      source: "fallback",
    });
  });

  test("is not given for what is no check", async () => {
    expect(await headersOf((seen) => client.reloadEntitlements(ACME, seen))).toEqual({ source: null, age: null });
  });

  test("comes with its age where the request asks for it", async () => {
    await client.getBooleanEntitlement(ACME);
    clock.advance(1_234);
    expect(await headersOf((seen) => client.getBooleanEntitlement(ACME, seen))).toEqual({
      source: "memory",
      age: null,
    });
    expect(await headersOf((seen) => client.getBooleanEntitlement(ACME, detailed(seen)))).toEqual({
      source: "memory",
      age: "1234",
    });
    clock.advance(-10_000);
    expect(await headersOf((seen) => client.getBooleanEntitlement(ACME, detailed(seen)))).toEqual({
      source: "memory",
      age: "0",
    });
  });

  test("a fallback has no age", async () => {
    const unreachable = { ...ACME, customerId: "unreachable" };
    expect(await headersOf((seen) => client.getBooleanEntitlement(unreachable, detailed(seen)))).toEqual({
      source: "fallback",
      age: null,
    });
  });
});

interface SeenHeaders {
  readonly onHeader: (headers: Headers) => void;
}

const detailed = (seen: SeenHeaders) => ({ ...seen, headers: { "x-entitlement-detail": "1" } });

async function headersOf(call: (seen: SeenHeaders) => Promise<unknown>) {
  let seen = new Headers();
  await call({ onHeader: (headers) => (seen = headers) });
  return { source: seen.get("x-entitlement-source"), age: seen.get("x-entitlement-age-ms") };
}
