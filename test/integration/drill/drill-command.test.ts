import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { runToEnd, ServiceProcess } from "../service/service-process.js";

const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }],
  customers: Array.from({ length: 500 }, (_, index) => ({ id: `c${index}`, plan: "pro" })),
};
const TOKEN = "operators-only";
const DRILLS = { DRILLS_ENABLED: "true", OPS_TOKEN: TOKEN };

interface Report {
  readonly report: { readonly sources: Record<string, number>; readonly drilled: number; readonly wrong: number };
}

describe("drill", () => {
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
    const at = `127.0.0.1:${metricsPort}`;
    let next = 0;
    return {
      at,
      drill: (...args: string[]) => new ServiceProcess(["drill", ...args, "--address", at], { OPS_TOKEN: TOKEN }),
      /** Asks for one customer after another until that comes to an end. @returns what came of each */
      checkUntil: async (ended: Promise<unknown>) => {
        const end = new AbortController();
        void ended.then(() => end.abort());
        const seen: { readonly source: string | null; readonly hasAccess: boolean }[] = [];
        while (!end.signal.aborted) {
          const response = await fetch(`${address}/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ customerId: `c${next++ % CATALOG.customers.length}`, featureId: "sso" }),
          });
          const { hasAccess } = (await response.json()) as { readonly hasAccess: boolean };
          seen.push({ source: response.headers.get("x-entitlement-source"), hasAccess });
        }
        return seen;
      },
    };
  }

  it("tells what the callers of its share saw, and nobody else sees anything", async () => {
    const { drill, checkUntil, at } = await serve(DRILLS);
    const process = drill("upstream", "--for", "2s", "--share", "20%", "--max-assumed", "100000", "--json");
    await process.warned(/under way/);
    const seen = await checkUntil(process.ended);
    const { code, stdout } = await process.ended;
    expect(code).toBe(0);
    const { report } = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ ended: "time", wrong: 0 });
    expect(report.drilled).toBeGreaterThan(0);
    const madeUp = seen.filter(({ source }) => source === "fallback");
    expect(madeUp).toHaveLength(report.sources["fallback"] ?? 0);
    expect(seen.filter((each) => !madeUp.includes(each)).every(({ hasAccess }) => hasAccess)).toBe(true);
    const status = (await (await fetch(`http://${at}/status`)).json()) as object;
    expect(status).toMatchObject({ isDegraded: false, answers: { fallback: 0, assumed: 0 } });
  });

  it("stops by itself once more answers were made up than may be", async () => {
    const { drill, checkUntil } = await serve(DRILLS);
    const process = drill("upstream", "--for", "10m", "--share", "50%", "--max-assumed", "5");
    await process.warned(/under way/);
    await checkUntil(process.ended);
    expect(await process.ended).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/stopped: more answers were made up than --max-assumed allows[\s\S]*made up: 6 /),
    });
  });

  it("of Redis answers from upstream, and writes nothing", async () => {
    const { drill, checkUntil } = await serve({
      ...DRILLS,
      REDIS_ENVIRONMENT_PREFIX: "d",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      WS_ENABLED: "true",
    });
    const process = drill("redis", "--for", "2s", "--share", "50%", "--json");
    await process.warned(/under way/);
    const seen = await checkUntil(process.ended);
    const { report } = JSON.parse((await process.ended).stdout) as Report;
    expect(report).toMatchObject({ ended: "time", wrong: 0 });
    expect(report.sources["redis"]).toBeUndefined();
    expect(seen.every(({ hasAccess }) => hasAccess)).toBe(true);
  });

  it.each([
    { why: "drills are off", environment: { OPS_TOKEN: TOKEN }, token: TOKEN, says: /drills are off/ },
    { why: "the token is another", environment: DRILLS, token: "guess", says: /for operators: send OPS_TOKEN/ },
    { why: "there is no Redis", environment: DRILLS, token: TOKEN, target: "redis", says: /no Redis that could fail/ },
    {
      why: "the fault is none",
      environment: DRILLS,
      token: TOKEN,
      args: ["--fault", '{"kind":"x"}'],
      says: /this is no fault/,
    },
  ])("is refused where $why", async ({ environment, token, says, target = "upstream", args = [] }) => {
    const { at } = await serve(environment);
    const { code, stderr } = await runToEnd(["drill", target, "--address", at, "--token", token, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });

  it("cannot be begun by a request without the token, from this machine either", async () => {
    const { at } = await serve(DRILLS);
    const answer = await fetch(`http://${at}/drill?target=upstream&for=1000&share=0.1`, { method: "POST" });
    expect(answer.status).toBe(401);
  });

  it("needs a token to be configured", async () => {
    const { code, stderr } = await runToEnd(["serve"], { OFFLINE: "true", DRILLS_ENABLED: "true", GRPC_PORT: "0" });
    expect(code).not.toBe(0);
    expect(stderr).toContain("DRILLS_ENABLED is set without OPS_TOKEN");
  });
});
