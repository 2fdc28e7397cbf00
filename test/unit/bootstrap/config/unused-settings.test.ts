import { describe, expect, it } from "@jest/globals";
import type { Environment } from "../../../../src/bootstrap/config/read-settings.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";
import { StartError } from "../../../../src/bootstrap/process/start-error.js";
import { because } from "../../../support/expectations.js";

type Key = keyof typeof SETTINGS;

const API = { SERVER_API_KEY: "key" };
const CATALOG = { CATALOG_FILE: "catalog.yaml" };
const OFFLINE = { OFFLINE: "true" };
const REDIS = { REDIS_ENVIRONMENT_PREFIX: "production" };
const TLS = { TLS_CERT_FILE: "cert.pem", TLS_KEY_FILE: "key.pem" };
const SENTINELS = { REDIS_SENTINELS: "a", REDIS_SENTINEL_NAME: "main" };
/** Refused by every parser. */
const MALFORMED = "tcp://10.0.0.1:6379\u0000";

interface Use {
  /** Where it has an effect, so that a malformed value is a fault. */
  readonly used: Environment;
  /** Where it has none. */
  readonly unused: readonly Environment[];
}

const NO_REDIS = [API, CATALOG, { ...OFFLINE, ...REDIS }];
const NO_UPSTREAM = [CATALOG, OFFLINE];
const ALWAYS = { used: CATALOG, unused: [] };
const OF_REDIS = { used: { ...API, ...REDIS }, unused: NO_REDIS };

/** Of an outbox. */
const OUTBOX = { ...API, USAGE_OUTBOX_DIR: "/tmp/outbox" };
const OF_OUTBOX: Use = { used: OUTBOX, unused: [API, { ...OFFLINE, USAGE_OUTBOX_DIR: "/tmp/outbox" }] };

/** Of the answers to gateways. */
const OF_GATEWAYS: Use = { used: { ...CATALOG, EXT_AUTHZ_ENABLED: "true" }, unused: [CATALOG] };

/** Of OpenTelemetry. */
const NO_TELEMETRY = { ...CATALOG, OTEL_SDK_DISABLED: "true" };
const UNLESS_DISABLED: Use = { used: CATALOG, unused: [NO_TELEMETRY] };
const OF_TELEMETRY: Use = {
  used: { ...CATALOG, OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" },
  unused: [CATALOG, NO_TELEMETRY, { ...CATALOG, OTEL_TRACES_EXPORTER: "none" }],
};

/** Every setting; one that is added has to be thought of here. */
const USES: Readonly<Record<Key, Use>> = {
  serverApiKey: { used: {}, unused: NO_UPSTREAM },
  apiUrl: { used: API, unused: NO_UPSTREAM },
  edgeEnabled: { used: API, unused: NO_UPSTREAM },
  edgeApiUrl: { used: API, unused: [...NO_UPSTREAM, { ...API, EDGE_ENABLED: "false" }] },
  wsEnabled: { used: API, unused: NO_UPSTREAM },
  wsUrl: { used: API, unused: [...NO_UPSTREAM, { ...API, WS_ENABLED: "no" }, { ...API, ...REDIS }] },
  redisEnvironmentPrefix: { used: API, unused: [OFFLINE] },
  redisHost: { used: { ...API, ...REDIS }, unused: [...NO_REDIS, { ...API, ...REDIS, REDIS_CLUSTER_NODES: "a" }] },
  redisPort: { used: { ...API, ...REDIS }, unused: [...NO_REDIS, { ...API, ...REDIS, ...SENTINELS }] },
  redisDb: OF_REDIS,
  redisUsername: OF_REDIS,
  redisPassword: OF_REDIS,
  redisTls: OF_REDIS,
  redisTlsCaFile: OF_REDIS,
  redisTlsCa: OF_REDIS,
  redisSentinels: OF_REDIS,
  redisSentinelName: OF_REDIS,
  redisSentinelUsername: OF_REDIS,
  redisSentinelPassword: OF_REDIS,
  redisClusterNodes: OF_REDIS,
  redisKeysTtlSecs: OF_REDIS,
  usageOutboxDir: { used: API, unused: [OFFLINE] },
  usageDurability: OF_OUTBOX,
  usageOutboxMaxBytes: OF_OUTBOX,
  usageReportsPerMinute: OF_OUTBOX,
  usageBulksPerMinute: OF_OUTBOX,
  usageEventsPerSecond: OF_OUTBOX,
  usageDeduplicationMs: OF_OUTBOX,
  otelSdkDisabled: ALWAYS,
  otelTracesExporter: UNLESS_DISABLED,
  otelMetricsExporter: UNLESS_DISABLED,
  otlpEndpoint: UNLESS_DISABLED,
  otlpTracesEndpoint: UNLESS_DISABLED,
  otlpMetricsEndpoint: UNLESS_DISABLED,
  otlpProtocol: OF_TELEMETRY,
  otlpHeaders: OF_TELEMETRY,
  otelServiceName: OF_TELEMETRY,
  otelTracesSampler: OF_TELEMETRY,
  otelTracesSamplerArg: OF_TELEMETRY,
  otelMetricExportInterval: OF_TELEMETRY,
  entitlementsFallback: ALWAYS,
  grpcPort: ALWAYS,
  port: { used: { ...CATALOG, ...TLS }, unused: [API, CATALOG, OFFLINE] },
  cacheMaxSizeBytes: ALWAYS,
  healthEndpointUrl: ALWAYS,
  readyEndpointUrl: ALWAYS,
  metricsPort: ALWAYS,
  logLevel: ALWAYS,
  logMessageKey: ALWAYS,
  logErrorKey: ALWAYS,
  offline: ALWAYS,
  catalogFile: { used: {}, unused: [] },
  catalogStateFile: { used: CATALOG, unused: [API, OFFLINE] },
  entitlementsTimeoutMs: ALWAYS,
  maxStateAgeMs: ALWAYS,
  maxIdBytes: ALWAYS,
  maxMessageBytes: ALWAYS,
  host: ALWAYS,
  tlsCertFile: ALWAYS,
  tlsKeyFile: ALWAYS,
  tlsClientCaFile: ALWAYS,
  failurePolicyFile: ALWAYS,
  snapshotFile: { used: API, unused: NO_UPSTREAM },
  readyWhen: ALWAYS,
  authTokensFile: ALWAYS,
  rateLimit: ALWAYS,
  allowedHosts: ALWAYS,
  corsAllowedOrigins: ALWAYS,
  reflectionEnabled: ALWAYS,
  metricsHost: ALWAYS,
  opsToken: ALWAYS,
  maxConnectionAgeMs: ALWAYS,
  maxItemsPerRequest: ALWAYS,
  maxJsonDepth: ALWAYS,
  extAuthzEnabled: ALWAYS,
  extAuthzCustomerHeader: OF_GATEWAYS,
  extAuthzFeatureHeader: OF_GATEWAYS,
  extAuthzResourceHeader: OF_GATEWAYS,
  extAuthzUsageHeader: OF_GATEWAYS,
  extAuthzDeniedStatus: OF_GATEWAYS,
  extAuthzUngated: OF_GATEWAYS,
  decisionLog: ALWAYS,
  decisionLogFile: { used: { ...CATALOG, DECISION_LOG: "all" }, unused: [CATALOG] },
  decisionLogSample: { used: { ...CATALOG, DECISION_LOG: "all" }, unused: [CATALOG] },
  decisionLogMaxBytes: {
    used: { ...CATALOG, DECISION_LOG: "all", DECISION_LOG_FILE: "decisions.log" },
    unused: [CATALOG, { ...CATALOG, DECISION_LOG: "all" }],
  },
  inspectorEnabled: ALWAYS,
  drillsEnabled: ALWAYS,
  tlsSelfSigned: ALWAYS,
  shutdownLingerMs: ALWAYS,
  shutdownGraceMs: ALWAYS,
  startMessage: ALWAYS,
};

function faultsOf(environment: Environment): string {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "";
}

describe("a setting with a malformed value", () => {
  const rows = (Object.keys(USES) as Key[]).map((key) => ({ name: SETTINGS[key].name, ...USES[key] }));

  it.each(rows)("$name is a fault where it is used", ({ name, used }) => {
    expect(faultsOf({ ...used, [name]: MALFORMED })).toContain(`${name}: `);
  });

  it.each(rows.filter(({ unused }) => unused.length > 0))(
    "$name stops no start where it is not used, and is named once",
    ({ name, unused }) => {
      for (const environment of unused) {
        const { warnings } = loadConfig({ ...environment, [name]: MALFORMED });
        const naming = warnings.filter((warning) => warning.includes(`${name}: `));
        because(JSON.stringify(environment), () => expect(naming).toHaveLength(1));
        expect(naming[0]).toMatch(/ha(?:s|ve) no effect: .* Else it would be a fault: /);
      }
    },
  );

  it("is listed with all others that are used, and with none that is not", () => {
    const message = faultsOf({
      ...API,
      REDIS_PORT: "tcp://x",
      PORT: "tcp://x",
      GRPC_PORT: "tcp://x",
      METRICS_PORT: "udp://x",
      API_URL: "x",
    });
    expect(message).toMatch(/^There are 3 faults/);
    expect(
      message
        .split("\n")
        .slice(1, 4)
        .map((line) => /[A-Z_]+/.exec(line)?.[0]),
    ).toEqual(["API_URL", "GRPC_PORT", "METRICS_PORT"]);
  });

  it("is a fault where it cannot be known whether it is used", () => {
    const message = faultsOf({ ...CATALOG, REDIS_ENVIRONMENT_PREFIX: "a\u0000b", REDIS_PORT: "tcp://x" });
    expect(message).toMatch(/^There are 2 faults/);
  });

  it.each(["tcp://10.0.0.1:80", "udp://10.0.0.1:80", "SCTP://10.0.0.1:80"])(
    "as Kubernetes makes it (%s) is reported with what to do",
    (value) => {
      for (const environment of [
        { ...CATALOG, GRPC_PORT: value },
        { ...CATALOG, METRICS_PORT: value },
        { ...API, ...REDIS, REDIS_PORT: value },
        { ...CATALOG, ...TLS, PORT: value },
      ]) {
        expect(faultsOf(environment)).toMatch(
          /Kubernetes sets this for a Service of that name: set it to a number in the pod, or .*enableServiceLinks: false/,
        );
      }
    },
  );

  it("is never shown where it is a secret", () => {
    const { warnings } = loadConfig({ ...CATALOG, REDIS_PASSWORD: "hunter2\u0000", SERVER_API_KEY: "a secret key" });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toMatch(/hunter2|a secret key/);
  });
});

describe("a setting without effect", () => {
  it.each<[environment: Environment, warnings: readonly string[]]>([
    [
      { ...CATALOG, REDIS_HOST: "redis", REDIS_TLS: "1" },
      ["REDIS_HOST, REDIS_TLS have no effect: Redis is in use only where REDIS_ENVIRONMENT_PREFIX is set"],
    ],
    [
      { ...API, CATALOG_STATE_FILE: "/data/usage.json" },
      [
        "CATALOG_STATE_FILE has no effect: it keeps the usage that is counted for a catalog, and CATALOG_FILE is not set",
      ],
    ],
    [{ ...CATALOG, ...API }, ["SERVER_API_KEY has no effect: CATALOG_FILE takes the place of the API"]],
    [
      { ...CATALOG, PORT: "9443" },
      [
        "PORT has no effect: it is the port of TLS, which needs TLS_CERT_FILE and TLS_KEY_FILE, or TLS_SELF_SIGNED=true; GRPC_PORT is the one without TLS",
      ],
    ],
    [{ ...API, EDGE_ENABLED: "0", EDGE_API_URL: "https://e" }, ["EDGE_API_URL has no effect: EDGE_ENABLED is off"]],
    [{ ...API, WS_ENABLED: "0", WS_URL: "wss://e" }, ["WS_URL has no effect: WS_ENABLED is off"]],
    [
      { ...API, ...REDIS, REDIS_HOST: "r", REDIS_CLUSTER_NODES: "a" },
      ["REDIS_HOST has no effect: REDIS_CLUSTER_NODES says where Redis is"],
    ],
    [
      { ...OFFLINE, API_URL: "https://a", REDIS_HOST: "r" },
      ["API_URL, REDIS_HOST have no effect: OFFLINE is on, so nothing outside of this process is asked"],
    ],
    [
      { ...API, ENVIRONMENT_PREFIX: "staging" },
      ["ENVIRONMENT_PREFIX has no effect: the sidecar reads REDIS_ENVIRONMENT_PREFIX: set that to have Redis in use"],
    ],
    [
      { ...API, CACHE_LOCK_RETRY_COUNT: "3" },
      [
        "CACHE_LOCK_RETRY_COUNT has no effect: waiting for another process that fetches the same state is bounded by time here, not by a count; remove it",
      ],
    ],
  ])("%j is named once", (environment, warnings) => {
    expect(loadConfig(environment).warnings).toEqual(warnings);
  });

  it.each<[environment: Environment]>([
    // What a chart gives in any case, Redis or not.
    [
      {
        ...API,
        REDIS_HOST: "",
        REDIS_PORT: "6379",
        REDIS_DB: "0",
        REDIS_TLS: "false",
        REDIS_USERNAME: "",
        REDIS_PASSWORD: "",
      },
    ],
    [{ ...OFFLINE, ...API }],
    [{ ...CATALOG, PORT: "8443" }],
    [{ ...API, ...REDIS, ENVIRONMENT_PREFIX: "production", KEYS_TTL_IN_SECS: "60", REDIS_KEYS_TTL_IN_SECS: "60" }],
    [
      {
        ...API,
        REDIS_SERVICE_HOST: "10.0.0.1",
        REDIS_SERVICE_PORT: "6379",
        REDIS_PORT_6379_TCP: "tcp://10.0.0.1:6379",
        REDIS_PORT_6379_TCP_PORT: "6379",
      },
    ],
  ])("%j is passed over: nobody misses anything", (environment) => {
    expect(loadConfig(environment).warnings).toEqual([]);
  });

  it("makes no rule of several settings apply", () => {
    for (const given of [
      { REDIS_SENTINELS: "a" },
      { REDIS_CLUSTER_NODES: "a", REDIS_DB: "1" },
      { REDIS_TLS_CA_FILE: "ca.pem" },
    ]) {
      expect(faultsOf({ ...CATALOG, ...given })).toBe("");
      expect(faultsOf({ ...CATALOG, ...REDIS, ...given })).toMatch(/^There is 1 fault/);
    }
  });

  it("is read as empty where it is set to nothing, user and password of Redis included", () => {
    const { config } = loadConfig({ ...API, ...REDIS, REDIS_USERNAME: "", REDIS_PASSWORD: "" });
    expect([config.redisUsername, config.redisPassword]).toEqual([undefined, undefined]);
  });
});
