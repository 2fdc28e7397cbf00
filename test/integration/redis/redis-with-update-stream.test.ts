import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { usageReport } from "../../builders/catalog-use.js";
import { inkwell } from "../../builders/inkwell.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";

const SITE = "site 1/eu+west?";
const UNTIL_KNOWN = { timeout: 20_000, interval: 5 };

let server: RedisServer;
let upstream: EmulatedUpstream;
const sidecars: SidecarUnderTest[] = [];

beforeEach(async () => {
  server = await startRedis();
  upstream = await emulatedUpstream(inkwell());
});

afterEach(async () => {
  for (const sidecar of sidecars.splice(0)) await sidecar.stop();
  await upstream.stop();
  await server.stop();
});

async function open(wsEnabled?: string, inspectorEnabled?: string) {
  const sidecar = await sidecarOn(upstream.emulator, {
    REDIS_ENVIRONMENT_PREFIX: "stream",
    REDIS_HOST: server.host,
    REDIS_PORT: String(server.port),
    WS_ENABLED: wsEnabled,
    INSPECTOR_ENABLED: inspectorEnabled,
  });
  sidecars.push(sidecar);
  await sidecar.logger.until("Redis tells of writes", 1);
  if (wsEnabled === "true") await sidecar.logger.until("the update stream is connected", 1);
  const client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  const changes = async () => {
    const response = await fetch(`http://127.0.0.1:${sidecar.metricsPort}/decisions`);
    return ((await response.json()) as { readonly changes: readonly object[] }).changes;
  };
  return { seats: (resourceId?: string) => seatsOf(client, resourceId), changes };
}

async function seatsOf(client: Client<typeof SidecarService>, resourceId?: string) {
  let source: string | null = null;
  const query = { customerId: "acme", featureId: "seats", ...(resourceId === undefined ? {} : { resourceId }) };
  const { entitlement } = await client.getMeteredEntitlement(query, {
    onHeader: (headers) => (source = headers.get("x-entitlement-source")),
  });
  return { source: source as string | null, limit: entitlement?.usageLimit, used: entitlement?.currentUsage };
}

const fetches = () => upstream.emulator.stats.requests.filter(({ path }) => path.startsWith("/v1/c/")).length;

describe("a sidecar in Redis mode", () => {
  it("listens to no update stream by itself, and asks upstream for nothing that is in Redis", async () => {
    const [one, other] = [await open(), await open()];
    expect(await one.seats()).toMatchObject({ source: "upstream", limit: 10, used: 8 });
    expect(await other.seats()).toMatchObject({ source: "redis", limit: 10, used: 8 });
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory", limit: 10, used: 8 });
    expect(upstream.emulator.stats.upgrades).toBe(0);
    expect(fetches()).toBe(1);
  });

  it("shows those who inspect it whose state others write, and goes by it all the same", async () => {
    const [one, other] = [await open("true"), await open(undefined, "true")];
    await one.seats();
    await eventually(() => other.changes(), UNTIL_KNOWN).toContainEqual(
      expect.objectContaining({ type: "written-to-redis", customerId: "acme" }),
    );
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory", used: 8 });
    await upstream.engine.reportUsage([usageReport({ customerId: "acme" }, "seats", 1)]);
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ limit: 10, used: 9 });
  });

  it("fetches a resource with its customer beside it, once for all", async () => {
    const [one, other] = [await open(), await open()];
    expect(await one.seats(SITE)).toMatchObject({ source: "upstream", limit: 10, used: 2 });
    await eventually(() => server.admin.exists("stream:c_acme"), UNTIL_KNOWN).toBe(1);
    await eventually(() => other.seats(SITE), UNTIL_KNOWN).toMatchObject({ source: "memory", limit: 10, used: 2 });
    expect(await other.seats()).toMatchObject({ limit: 10, used: 8 });
    expect(fetches()).toBe(2);
  });
});

describe("one that is told to listen to the update stream", () => {
  it("writes what it hears through: those who do not listen know it as well", async () => {
    const [listening, other] = [await open("true"), await open()];
    await listening.seats();
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory", limit: 10, used: 8 });
    await upstream.engine.reportUsage([usageReport({ customerId: "acme" }, "seats", 1)]);
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ limit: 10, used: 9 });
    await eventually(() => listening.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory", limit: 10, used: 9 });
    const { plans: [pro] = [], ...rest } = inkwell({ usage: { seats: 9 } });
    upstream.engine.replace({ ...rest, plans: [{ ...pro!, entitlements: { ...pro!.entitlements, seats: 20 } }] });
    await eventually(() => other.seats(), UNTIL_KNOWN).toMatchObject({ limit: 20, used: 9 });
    await eventually(() => listening.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory", limit: 20, used: 9 });
    expect(fetches()).toBe(1);
  });

  it("asks upstream again for what was in Redis before it listened: changes may have been missed", async () => {
    const other = await open();
    await other.seats();
    const listening = await open("true");
    expect(await listening.seats()).toMatchObject({ source: "upstream", limit: 10, used: 8 });
    await eventually(() => listening.seats(), UNTIL_KNOWN).toMatchObject({ source: "memory" });
    expect(await other.seats()).toMatchObject({ limit: 10, used: 8 });
  });
});
