import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { untilPasses } from "../../support/expectations.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const RUNBOOK = readFileSync(new URL("../../../docs/runbook.md", import.meta.url), "utf8");
const CATALOG = {
  features: [{ id: "seats", kind: "metered" as const, meterType: "Fluctuating" as const }],
  plans: [{ id: "pro", entitlements: { seats: 10 } }],
  customers: [{ id: "acme", plan: "pro", usage: { seats: 8 } }],
};

/** What the answer to each question has to show, by the command that the runbook gives. */
const ANSWERS: Readonly<Record<string, { readonly code: number; readonly shows: RegExp }>> = {
  "explain acme seats --requested-usage 3": {
    code: 1,
    shows: /^denied \(RequestedUsageExceedingLimit\)[^]*NO {8}limit: limit 10, used 8, requested 3/,
  },
  "decisions --customer acme --denied --since 2h": {
    code: 0,
    shows: /denied {2}acme seats \(RequestedUsageExceedingLimit, 8 of 10 used, 3 requested/,
  },
  "status --section cache": { code: 0, shows: /subjects: 1[^]*maxBytes: \d+[^]*fresh: 1[^]*stream_lost/ },
  "status --section reports": { code: 0, shows: /usage:? .*delivered/ },
  "explain acme seats --cached-only": { code: 0, shows: /state {5}fresh, verified \d/ },
  "explain acme seats --json": { code: 0, shows: /"withoutUpstream":\{"hasAccess":true/ },
  "status --expect dependencies.redis.state=up": { code: 0, shows: /redis: state up/ },
  "status --section configuration": { code: 0, shows: /SERVER_API_KEY: value \(hidden\), from environment/ },
  "status --section version": { code: 0, shows: /^version: \d+\.\d+\.\d+$/m },
  "status --expect apiKey.state=accepted": { code: 0, shows: /fingerprint [0-9a-f]{8}|fingerprint: [0-9a-f]{8}/ },
};

const QUESTIONS = [...RUNBOOK.matchAll(/^## (\d+\. .*)$([^]*?)(?=^## )/gm)].map(([, question = "", text = ""]) => ({
  question,
  commands: [...text.matchAll(/^```\nentitlement-sidecar (.*)\n```$/gm)].map(([, command = ""]) => command),
}));

describe("the runbook", () => {
  let upstream: EmulatedUpstream;
  let redis: RedisServer;
  let folder: string;
  let service: ServiceProcess;
  let environment: Record<string, string>;
  beforeAll(async () => {
    [upstream, redis] = await Promise.all([emulatedUpstream(CATALOG), startRedis()]);
    folder = await mkdtemp(join(tmpdir(), "runbook-"));
    const settings = {
      SERVER_API_KEY: API_KEY,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      WS_URL: upstream.emulator.wsUrl,
      REDIS_ENVIRONMENT_PREFIX: "r",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      WS_ENABLED: "true",
      DECISION_LOG: "denials",
      DECISION_LOG_FILE: join(folder, "decisions.log"),
      LISTEN_HOST: "127.0.0.1",
    };
    service = new ServiceProcess(["serve"], {
      ...settings,
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    });
    const { address, metricsPort } = await service.started();
    environment = { ...settings, METRICS_PORT: String(metricsPort) };
    const check = () =>
      fetch(`${address}/stigg.sidecar.v1.SidecarService/GetMeteredEntitlement`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"customerId":"acme","featureId":"seats","options":{"requestedUsage":3}}',
      });
    await (await check()).text();
    const isWell = async () => {
      await (await check()).text();
      const query =
        "expect=isDegraded=false&expect=cache.fresh=1&expect=apiKey.state=accepted&expect=dependencies.redis.state=up";
      expect((await fetch(`http://127.0.0.1:${metricsPort}/status?${query}`)).status).toBe(200);
      expect(readFileSync(join(folder, "decisions.log"), "utf8")).toContain("RequestedUsageExceedingLimit");
    };
    await untilPasses(isWell, { timeout: 30_000, interval: 200 });
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
    await Promise.all([upstream.stop(), redis.stop(), rm(folder, { recursive: true })]);
  });

  it("has ten questions, each with a command", () => {
    expect(QUESTIONS).toHaveLength(10);
    for (const { question, commands } of QUESTIONS) expect([question, commands.length > 0]).toEqual([question, true]);
  });

  it.each(QUESTIONS.flatMap(({ question, commands }) => commands.map((command) => [question, command] as const)))(
    "%s: %s",
    async (_, command) => {
      const expected = ANSWERS[command];
      expect(expected).toBeDefined();
      const { code, stdout } = await runToEnd(command.split(" "), environment);
      expect(stdout).toMatch(expected!.shows);
      expect(code).toBe(expected!.code);
    },
  );
});
