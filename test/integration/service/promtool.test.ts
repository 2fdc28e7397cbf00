import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { Certificates } from "../listener/certificates.js";
import { PersistentCacheWorld } from "../persistent-cache/persistent-cache-under-test.js";
import { ServiceProcess } from "./service-process.js";

const PROMTOOL = spawnSync("promtool", ["--version"]).error === undefined;
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0";
const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }],
  customers: [{ id: "acme", plan: "pro" }],
};

interface Mode {
  readonly name: string;
  readonly environment: () => Record<string, string>;
  /** What a scrape after the calls tells of the mode. */
  readonly shows: readonly RegExp[];
}

/** What Prometheus's own linter says of a scrape; "" where it is content. */
function lint(text: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return status === 0 ? `${stdout}${stderr}` : `${status}: ${stdout}${stderr}`;
}

/** Whether Prometheus's own reader takes an exposition in OpenMetrics: it imports those that have timestamps. */
function parse(text: string, folder: string): string {
  const stamped = text.replaceAll(/^([^#\n].*)$/gm, "$1 1700000000");
  writeFileSync(join(folder, "exposition"), stamped);
  const { status, stderr } = spawnSync(
    "promtool",
    ["tsdb", "create-blocks-from", "openmetrics", join(folder, "exposition"), join(folder, "blocks")],
    { encoding: "utf8" },
  );
  return status === 0 ? "" : stderr;
}

(!PROMTOOL ? describe.skip : describe)(
  "promtool (skipped where it is not installed) has nothing to say of the metrics",
  () => {
    let folder: string;
    let redis: RedisServer;
    let upstream: EmulatedUpstream;
    const certificates = new Certificates();
    const running: ServiceProcess[] = [];
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "promtool-"));
      await writeFile(join(folder, "catalog.json"), JSON.stringify(CATALOG));
      [redis, upstream] = await Promise.all([startRedis(), emulatedUpstream(CATALOG)]);
    });
    afterAll(async () => {
      for (const { child, ended } of running) {
        child.kill("SIGTERM");
        await ended;
      }
      await Promise.all([redis.stop(), upstream.stop(), rm(folder, { recursive: true })]);
      certificates.remove();
    });

    const vendor = () => ({
      SERVER_API_KEY: API_KEY,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      WS_URL: upstream.emulator.wsUrl,
    });
    const MODES: readonly Mode[] = [
      { name: "offline", environment: () => ({ OFFLINE: "true" }), shows: [/^sidecar_fallbacks_total 1$/m] },
      {
        name: "a catalog",
        environment: () => ({ CATALOG_FILE: join(folder, "catalog.json") }),
        shows: [
          /^sidecar_catalog_load_timestamp_seconds 1\d{9}/m,
          /^sidecar_reports_total\{kind="usage",result="refused"\} 1$/m,
          /^sidecar_cache_fresh_subjects 1$/m,
        ],
      },
      {
        name: "the vendor's upstream",
        environment: vendor,
        shows: [
          /^sidecar_upstream_requests_total\{target="edge",result="2xx"\} [1-9]/m,
          /^sidecar_upstream_request_duration_seconds_count\{target="edge"\} [1-9]/m,
        ],
      },
      {
        name: "the vendor's upstream away",
        environment: () => ({
          ...vendor(),
          API_URL: "http://127.0.0.1:1",
          EDGE_API_URL: "http://127.0.0.1:1",
          WS_URL: "ws://127.0.0.1:1",
        }),
        shows: [
          /^sidecar_upstream_requests_total\{target="edge",result="unreachable"\} [1-9]/m,
          /^sidecar_reports_total\{kind="usage",result="failed"\} 1$/m,
        ],
      },
      {
        name: "Redis",
        environment: () => ({
          ...vendor(),
          REDIS_ENVIRONMENT_PREFIX: "p",
          REDIS_HOST: redis.host,
          REDIS_PORT: String(redis.port),
        }),
        shows: [
          /^sidecar_redis_round_trip_duration_seconds_count [1-9]/m,
          /^sidecar_dependency_up\{dependency="redis"\} 1$/m,
        ],
      },
      {
        name: "TLS",
        environment: () => {
          const { certFile, keyFile } = certificates.selfSigned();
          return {
            CATALOG_FILE: join(folder, "catalog.json"),
            PORT: "0",
            TLS_CERT_FILE: certFile,
            TLS_KEY_FILE: keyFile,
          };
        },
        shows: [/^sidecar_tls_certificate_expiry_timestamp_seconds 1\d{9}$/m],
      },
    ];

    it.each(MODES)("with $name: from the first scrape, and after calls", async ({ environment, shows }) => {
      const process = new ServiceProcess(["serve"], {
        GRPC_PORT: "0",
        METRICS_PORT: "0",
        LISTEN_HOST: "127.0.0.1",
        SHUTDOWN_LINGER_MS: "0",
        START_MESSAGE: "json",
        ...environment(),
      });
      running.push(process);
      const { address, metricsPort } = await process.started();
      const scrape = async (accept: string) =>
        (await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { headers: { accept } })).text();
      expect(lint(await scrape("text/plain"))).toBe("");
      for (const [method, body] of [
        ["GetEntitlement", { customerId: "acme", featureId: "sso" }],
        ["GetEntitlement", {}],
        ["ReportUsage", { customerId: "acme", featureId: "sso", value: 1 }],
      ] as const) {
        await fetch(`${address}/stigg.sidecar.v1.SidecarService/${method}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
      }
      const after = await scrape("text/plain");
      expect(lint(after)).toBe("");
      expect(after).toMatch(/^sidecar_requests_total\{method="GetEntitlement",protocol="connect",code="ok"\} 1$/m);
      for (const pattern of shows) expect(after).toMatch(pattern);
      expect(parse(await scrape(OPEN_METRICS), folder)).toBe("");
    });

    it("of the persistent-cache service", async () => {
      const world = await PersistentCacheWorld.start();
      try {
        const service = await world.service(world.queue());
        expect(lint(await (await fetch(`${service.url}/metrics`)).text())).toBe("");
        const open = await fetch(`${service.url}/metrics`, { headers: { accept: OPEN_METRICS } });
        expect(parse(await open.text(), folder)).toBe("");
      } finally {
        await world.stop();
      }
    });

    it("and promtool does find faults where there are some", () => {
      expect(lint("# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n")).toContain(
        "non-counter metrics should not have",
      );
      expect(parse("# TYPE a counter\na_total{ 1\n# EOF\n", folder)).not.toBe("");
    });
  },
);
