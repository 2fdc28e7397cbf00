import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld } from "../persistent-cache/persistent-cache-under-test.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }],
  customers: [{ id: "acme", plan: "pro" }],
};

describe("status", () => {
  let upstream: EmulatedUpstream;
  let redis: RedisServer;
  const running: ServiceProcess[] = [];
  beforeAll(async () => {
    [upstream, redis] = await Promise.all([emulatedUpstream(CATALOG), startRedis()]);
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill("SIGTERM");
      await ended;
    }
  });
  afterAll(() => Promise.all([upstream.stop(), redis.stop()]));

  async function serve(environment: Record<string, string>) {
    const process = new ServiceProcess(["serve"], {
      SERVER_API_KEY: API_KEY,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      WS_URL: upstream.emulator.wsUrl,
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
      ...environment,
    });
    running.push(process);
    const { metricsPort, address } = await process.started();
    const status = (...args: string[]) => runToEnd(["status", "--address", `127.0.0.1:${metricsPort}`, ...args]);
    const read = async (path = "/status") => {
      const answer = await fetch(`http://127.0.0.1:${metricsPort}${path}`);
      return { code: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    return { status, read, address };
  }

  it("says what is not as expected, also beside the section that was asked for", async () => {
    const { status } = await serve({});
    expect(await status("--expect", "program=other", "--section", "version")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^version: \S+\n$/) as unknown,
      stderr: expect.stringMatching(/^not as expected: program=other, but it is "entitlement-sidecar"\n$/m) as unknown,
    });
  });

  it("tells the version, the configuration with its origin and no secret, the dependencies and the cache", async () => {
    const { status, read, address } = await serve({
      REDIS_ENVIRONMENT_PREFIX: "s",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      REDIS_PASSWORD: "",
    });
    // What is read before Redis tells of changes is not vouched for.
    await eventually(async () => (await read("/status?expect=dependencies.redis_invalidations.state=up")).code).toBe(
      200,
    );
    // The second time it is read from Redis, which vouches for it from then on.
    const ask = async () =>
      (
        await fetch(`${address}/stigg.sidecar.v1.SidecarService/GetEntitlement`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{"customerId":"acme","featureId":"sso"}',
        })
      ).headers.get("x-entitlement-source");
    await eventually(ask).toBe("memory");
    await eventually(
      async () => (await read("/status?expect=dependencies.redis.state=up&expect=apiKey.state=accepted")).code,
    ).toBe(200);
    const { body } = await read();
    expect(body).toMatchObject({
      program: "entitlement-sidecar",
      service: { phase: "ready" },
      dependencies: { redis: { state: "up" }, edge: { state: "up", breaker: "closed" } },
      cache: { subjects: 1, fresh: 1 },
      configuration: {
        SERVER_API_KEY: { value: "(hidden)", from: "environment" },
        REDIS_ENVIRONMENT_PREFIX: { value: "s", from: "environment" },
        LOG_LEVEL: { value: "warn", from: "default" },
        WS_URL: {
          from: "environment",
          hasNoEffect: expect.stringContaining("updates come by way of Redis") as unknown as string,
        },
      },
    });
    expect(JSON.stringify(body)).not.toContain(API_KEY);
    const ended = await status();
    expect(ended.stdout).toContain("isDegraded: false");
    expect(ended.code).toBe(0);
    expect((await status("--expect", "cache.subjects>100")).code).toBe(1);
  });

  it("tells that it is degraded, and why", async () => {
    const { status, read } = await serve({ SERVER_API_KEY: "another-key", CATALOG_STATE_FILE: "" });
    await eventually(async () => (await read("/status?expect=apiKey.state=refused")).code).toBe(200);
    const ended = await status("--json");
    expect(ended.code).toBe(1);
    expect((JSON.parse(ended.stdout) as { degraded: string[] }).degraded).toContain(
      "upstream refused the API key: correct SERVER_API_KEY",
    );
  });

  it("hides the configuration from who asks through a proxy", async () => {
    const process = new ServiceProcess(["serve"], {
      OFFLINE: "true",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      OPS_TOKEN: "operators-token",
    });
    running.push(process);
    const { metricsPort } = await process.started();
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${metricsPort}/status`, { headers })).json();
    expect(await ask({ "x-forwarded-for": "10.1.1.1" })).not.toHaveProperty("configuration");
    expect(await ask({ authorization: "Bearer wrong" })).not.toHaveProperty("configuration");
    expect(await ask({ "x-forwarded-for": "10.1.1.1", authorization: "Bearer operators-token" })).toHaveProperty(
      "configuration",
    );
  });

  it("of the persistent-cache service is read the same way", async () => {
    const world = await PersistentCacheWorld.start();
    try {
      const service = await world.service(world.queue());
      await eventually(async () => (await fetch(`${service.url}/status?expect=consumption.consumers>0`)).status).toBe(
        200,
      );
      const ended = await runToEnd(["status", "--address", service.url, "--json"]);
      expect(JSON.parse(ended.stdout)).toMatchObject({
        program: "persistent-cache-service",
        isDegraded: false,
        dependencies: { redis: { state: "up" } },
      });
      expect(ended.code).toBe(0);
    } finally {
      await world.stop();
    }
  });
});
