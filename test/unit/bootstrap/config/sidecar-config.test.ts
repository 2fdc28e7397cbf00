import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import type { Environment } from "../../../../src/bootstrap/config/read-settings.js";
import { type Config, SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";
import { StartError } from "../../../../src/bootstrap/process/start-error.js";
import { CERTIFICATE } from "./certificate.js";

const CATALOG = { CATALOG_FILE: "catalog.yaml" };
const REDIS = { ...CATALOG, REDIS_ENVIRONMENT_PREFIX: "production" };
const MEMORY = {
  cgroupRoot: "/nonexistent",
  ownCgroups: "/nonexistent",
  machineBytes: () => 1_000_001,
  constrainedBytes: () => undefined,
  heapBytes: () => Infinity,
};

function load(environment: Environment) {
  return loadConfig(environment, MEMORY);
}

function faultsOf(environment: Environment): string {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("the configuration without anything but a catalog", () => {
  const DEFAULTS: Config = {
    serverApiKey: undefined,
    apiUrl: "https://api.stigg.io",
    edgeEnabled: true,
    edgeApiUrl: "https://edge.api.stigg.io",
    wsEnabled: undefined,
    wsUrl: "wss://api.stigg.io",
    redisEnvironmentPrefix: undefined,
    redisHost: "localhost",
    redisPort: 6379,
    redisDb: 0,
    redisUsername: undefined,
    redisPassword: undefined,
    redisTls: false,
    redisTlsCaFile: undefined,
    redisTlsCa: undefined,
    redisSentinels: undefined,
    redisSentinelName: undefined,
    redisSentinelUsername: undefined,
    redisSentinelPassword: undefined,
    redisClusterNodes: undefined,
    redisKeysTtlSecs: 604_800,
    entitlementsFallback: [],
    grpcPort: 80,
    port: 8443,
    cacheMaxSizeBytes: 500_000,
    healthEndpointUrl: "livez",
    readyEndpointUrl: "readyz",
    metricsPort: 8080,
    logLevel: "warn",
    logMessageKey: "msg",
    logErrorKey: "err",
    offline: false,
    catalogFile: "catalog.yaml",
    catalogStateFile: undefined,
    entitlementsTimeoutMs: 1_000,
    maxStateAgeMs: 600_000,
    maxIdBytes: 4_096,
    maxMessageBytes: 4_194_304,
    host: undefined,
    tlsCertFile: undefined,
    tlsKeyFile: undefined,
    tlsClientCaFile: undefined,
    failurePolicyFile: undefined,
    snapshotFile: undefined,
    readyWhen: "started",
    authTokensFile: undefined,
    rateLimit: undefined,
    allowedHosts: undefined,
    corsAllowedOrigins: [],
    reflectionEnabled: true,
    metricsHost: undefined,
    opsToken: undefined,
    maxConnectionAgeMs: 0,
    maxItemsPerRequest: 1_000,
    maxJsonDepth: 32,
    extAuthzEnabled: false,
    extAuthzCustomerHeader: "x-customer-id",
    extAuthzFeatureHeader: "x-feature-id",
    extAuthzResourceHeader: "x-resource-id",
    extAuthzUsageHeader: "x-requested-usage",
    extAuthzDeniedStatus: undefined,
    extAuthzUngated: "deny",
    decisionLog: "off",
    decisionLogFile: undefined,
    decisionLogSample: 1,
    decisionLogMaxBytes: 100_000_000,
    inspectorEnabled: false,
    drillsEnabled: false,
    tlsSelfSigned: false,
    usageOutboxDir: undefined,
    usageDurability: "power",
    usageOutboxMaxBytes: 1_073_741_824,
    usageReportsPerMinute: 3_000,
    usageBulksPerMinute: 600,
    usageEventsPerSecond: 1_000,
    usageDeduplicationMs: 82_800_000,
    otelSdkDisabled: "false",
    otelTracesExporter: undefined,
    otelMetricsExporter: undefined,
    otlpEndpoint: undefined,
    otlpTracesEndpoint: undefined,
    otlpMetricsEndpoint: undefined,
    otlpProtocol: "http/protobuf",
    otlpHeaders: undefined,
    otelServiceName: undefined,
    otelTracesSampler: "parentbased_always_on",
    otelTracesSamplerArg: undefined,
    otelMetricExportInterval: "60000",
    shutdownLingerMs: 1_000,
    shutdownGraceMs: 10_000,
    startMessage: "auto",
  };

  it("is every default of the table", () => {
    expect(load(CATALOG).config).toEqual(DEFAULTS);
  });

  it("takes a variable that is set to nothing as not set", () => {
    const blank = Object.fromEntries(Object.values(SETTINGS).map(({ name }) => [name, "  "]));
    expect(
      load({
        ...blank,
        SERVER_API_KEY: "",
        REDIS_PASSWORD: "",
        REDIS_SENTINEL_PASSWORD: "",
        OPS_TOKEN: "",
        OTEL_EXPORTER_OTLP_HEADERS: "",
        ...CATALOG,
      }).config,
    ).toEqual(DEFAULTS);
  });
});

describe("a secret that is given as a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  const file = join(folder, "key");
  writeFileSync(file, "server-key-in-a-file\n");

  it("is read without its last line break, and hidden like any other", () => {
    const { config, secrets, inForce, warnings } = load({ SERVER_API_KEY_FILE: file });
    expect(config.serverApiKey).toBe("server-key-in-a-file");
    expect(secrets).toContain("server-key-in-a-file");
    expect(inForce.find(({ name }) => name === "SERVER_API_KEY")).toEqual({
      name: "SERVER_API_KEY",
      value: "(hidden)",
      from: `file ${file}`,
    });
    expect(warnings).toEqual([]);
  });

  it("is not given twice, and has to be there", () => {
    expect(() => load({ SERVER_API_KEY_FILE: file, SERVER_API_KEY: "other" })).toThrow(
      "SERVER_API_KEY and SERVER_API_KEY_FILE are both set",
    );
    expect(() => load({ ...CATALOG, OPS_TOKEN_FILE: join(folder, "none") })).toThrow(
      /OPS_TOKEN_FILE: .*none cannot be read \(ENOENT\)/,
    );
  });

  it("may begin with the mark that editors put first, and end as on Windows", () => {
    const marked = join(folder, "marked");
    writeFileSync(marked, "\ufeffserver-key\r\n");
    expect(load({ SERVER_API_KEY_FILE: marked }).config.serverApiKey).toBe("server-key");
  });

  it.each([
    ["a folder", () => folder, /cannot be read \(EISDIR\)/],
    ["a device that never ends", () => "/dev/zero", /is no file, and does not end/],
    ["a pipe that nobody writes to", () => pipeIn(folder), /is no file, and nothing comes out of it/],
    ["far too much for a value", () => largeIn(folder), /it has 2097152 bytes, more than any value has/],
  ])("is refused where it is %s", (_, make, reason) => {
    expect(() => load({ SERVER_API_KEY_FILE: make() })).toThrow(reason);
  });

  it.each([["", "\n", " \r\n"].map((content, index) => ({ content, index }))].flat())(
    "counts as not set where it holds $content.length blanks alone, which is told",
    ({ content, index }) => {
      const empty = join(folder, `empty-${index}`);
      writeFileSync(empty, content);
      const { config, warnings } = load({ ...CATALOG, LOG_LEVEL_FILE: empty });
      expect(config.logLevel).toBe("warn");
      expect(warnings).toEqual([
        `LOG_LEVEL_FILE has no effect: ${empty} is empty; write the value into it, or remove the variable`,
      ]);
      expect(() => load({ SERVER_API_KEY_FILE: empty })).toThrow(
        `SERVER_API_KEY_FILE has no effect: ${empty} is empty`,
      );
    },
  );

  it("stop no start where they are not in use, and are told", () => {
    const { config, warnings } = load({
      ...CATALOG,
      SERVER_API_KEY_FILE: "/none/key",
      REDIS_PASSWORD_FILE: "/none/password",
    });
    expect(config).toMatchObject({ serverApiKey: undefined, redisPassword: undefined });
    expect(warnings).toEqual([
      expect.stringMatching(/^SERVER_API_KEY_FILE has no effect: CATALOG_FILE takes .*cannot be read \(ENOENT\)/),
      expect.stringMatching(/^REDIS_PASSWORD_FILE has no effect: Redis is in use only .*cannot be read \(ENOENT\)/),
    ]);
    expect(load({ ...CATALOG, SERVER_API_KEY_FILE: "/none/key", SERVER_API_KEY: "key" }).warnings).toHaveLength(1);
  });
});

describe("a value that is allowed", () => {
  it.each<[name: string, text: string, key: keyof Config, value: unknown]>([
    ["SERVER_API_KEY", "server-abc.def", "serverApiKey", "server-abc.def"],
    ["API_URL", "http://localhost:4000/", "apiUrl", "http://localhost:4000"],
    ["CACHE_MAX_SIZE_BYTES", "1Gi", "cacheMaxSizeBytes", 2 ** 30],
    ["CACHE_MAX_SIZE_BYTES", "512Mi", "cacheMaxSizeBytes", 2 ** 29],
    ["WS_URL", "ws://localhost:4000/graphql", "wsUrl", "ws://localhost:4000/graphql"],
    ["EDGE_ENABLED", "No", "edgeEnabled", false],
    ["WS_ENABLED", "FALSE", "wsEnabled", false],
    ["REDIS_TLS", "1", "redisTls", true],
    ["REDIS_TLS", "Yes", "redisTls", true],
    ["REDIS_TLS", " true ", "redisTls", true],
    ["REDIS_TLS", "0", "redisTls", false],
    ["REDIS_PASSWORD", " with space ", "redisPassword", " with space "],
    [
      "REDIS_CLUSTER_NODES",
      "a:7000, b",
      "redisClusterNodes",
      [
        { host: "a", port: 7000 },
        { host: "b", port: 6379 },
      ],
    ],
    [
      "REDIS_CLUSTER_NODES",
      "[::1]:7000,fe80::1,10.0.0.1",
      "redisClusterNodes",
      [
        { host: "::1", port: 7000 },
        { host: "fe80::1", port: 6379 },
        { host: "10.0.0.1", port: 6379 },
      ],
    ],
    ["REDIS_HOST", "redis_1.internal.", "redisHost", "redis_1.internal."],
    ["REDIS_HOST", "10.0.0.1", "redisHost", "10.0.0.1"],
    ["REDIS_HOST", "::1", "redisHost", "::1"],
    ["REDIS_HOST", "[::1]", "redisHost", "::1"],
    ["REDIS_HOST", "fe80::1%eth0", "redisHost", "fe80::1%eth0"],
    ["REDIS_HOST", "2001:db8::6379", "redisHost", "2001:db8::6379"],
    ["LISTEN_HOST", "[::1]", "host", "::1"],
    ["LISTEN_HOST", "::", "host", "::"],
    ["LISTEN_HOST", "fe80::1%eth0", "host", "fe80::1%eth0"],
    ["LISTEN_HOST", "localhost", "host", "localhost"],
    ["METRICS_HOST", "[2001:db8::1]", "metricsHost", "2001:db8::1"],
    ["REDIS_KEYS_TTL_IN_SECS", "-1", "redisKeysTtlSecs", -1],
    ["GRPC_PORT", "0", "grpcPort", 0],
    ["METRICS_PORT", "65535", "metricsPort", 65_535],
    [
      "ALLOWED_HOSTS",
      " Checks.Internal, 10.0.0.1,[::1],checks.internal",
      "allowedHosts",
      ["checks.internal", "10.0.0.1", "[::1]"],
    ],
    ["ALLOWED_HOSTS", "*", "allowedHosts", ["*"]],
    [
      "CORS_ALLOWED_ORIGINS",
      "https://App.example, http://localhost:3000",
      "corsAllowedOrigins",
      ["https://app.example", "http://localhost:3000"],
    ],
    ["CORS_ALLOWED_ORIGINS", "*", "corsAllowedOrigins", ["*"]],
    ["RATE_LIMIT", "100", "rateLimit", 100],
    ["MAX_CONNECTION_AGE_MS", "0", "maxConnectionAgeMs", 0],
    ["CACHE_MAX_SIZE_BYTES", "1GB", "cacheMaxSizeBytes", 1e9],
    ["CACHE_MAX_SIZE_BYTES", "1.5 GiB", "cacheMaxSizeBytes", 1.5 * 2 ** 30],
    ["ENTITLEMENTS_TIMEOUT_MS", "500ms", "entitlementsTimeoutMs", 500],
    ["MAX_STATE_AGE_MS", "5m", "maxStateAgeMs", 300_000],
    ["DECISION_LOG_SAMPLE", "0.25", "decisionLogSample", 0.25],
    ["CACHE_MAX_SIZE_BYTES", "1048576", "cacheMaxSizeBytes", 1_048_576],
    ["HEALTH_ENDPOINT_URL", "/health/live", "healthEndpointUrl", "health/live"],
    ["LOG_LEVEL", "DEBUG", "logLevel", "debug"],
    ["ENTITLEMENTS_FALLBACK", '{"seats":{"hasAccess":true}}', "entitlementsFallback", [["seats", { hasAccess: true }]]],
  ])("%s=%s", (name, text, key, value) => {
    expect(load({ ...CATALOG, [name]: text }).config[key]).toEqual(value);
  });
});

describe("a value that is not allowed", () => {
  const IN_USE = { SERVER_API_KEY: "key", REDIS_ENVIRONMENT_PREFIX: "production", WS_ENABLED: "true" };

  it.each<[name: string, text: string, allowed: string]>([
    ["API_URL", "localhost:4000", "a URL that begins with https:// or http://"],
    ["API_URL", "https://api.example.com?key=1", "without query or fragment"],
    ["API_URL", "https://api.example.com/#top", "without query or fragment"],
    ["EDGE_API_URL", "https://edge.example.com/v1?", "without query or fragment"],
    ["EDGE_API_URL", "https://edge.example.com#", "without query or fragment"],
    ["WS_URL", "https://api.stigg.io", "a URL that begins with wss:// or ws://"],
    ["EDGE_ENABLED", "maybe", "true, false, 1, 0, yes or no"],
    [
      "REDIS_HOST",
      "redis://redis.internal:6379",
      "this is a URL: set REDIS_HOST to its host and REDIS_PORT to its port",
    ],
    ["REDIS_HOST", "rediss://redis.internal", "REDIS_TLS=1"],
    ["REDIS_HOST", "redis.internal:6380", "set REDIS_HOST=redis.internal and REDIS_PORT=6380"],
    ["REDIS_HOST", "[::1]:6380", "set REDIS_HOST=[::1] and REDIS_PORT=6380"],
    ["REDIS_HOST", "redis.internal:", "a host name or an IP address, without a port"],
    ["REDIS_HOST", "a,b", "a host name or an IP address"],
    ["REDIS_HOST", "/run/redis.sock", "a host name or an IP address"],
    ["REDIS_HOST", "[redis]", "a host name or an IP address"],
    ["LISTEN_HOST", "*", "leave it out to listen on all addresses"],
    ["LISTEN_HOST", "127.0.0.1:80", "GRPC_PORT, PORT and METRICS_PORT"],
    ["LISTEN_HOST", "http://127.0.0.1", "an IP address of this machine, or a host name, without a port"],
    ["METRICS_HOST", "[::1]:8080", "GRPC_PORT, PORT and METRICS_PORT"],
    ["REDIS_PORT", "0", "an integer from 1 to 65535"],
    ["REDIS_PORT", "tcp://10.0.0.1:6379", "enableServiceLinks"],
    ["REDIS_KEYS_TTL_IN_SECS", "0", "an integer of seconds above 0"],
    ["REDIS_CLUSTER_NODES", "a:70000", "hosts as host:port, separated by commas (without a port: 6379)"],
    ["REDIS_CLUSTER_NODES", "a,,b", "hosts as host:port"],
    ["REDIS_SENTINELS", "redis://a:26379", "hosts as host:port, separated by commas (without a port: 26379)"],
    ["ALLOWED_HOSTS", "checks.internal:80", "without ports"],
    ["ALLOWED_HOSTS", "https://checks.internal", "host names or IP addresses"],
    ["ALLOWED_HOSTS", "a,,b", '"" is none'],
    ["ALLOWED_HOSTS", "*,a", "write it alone"],
    ["CORS_ALLOWED_ORIGINS", "app.example", "origins such as https://app.example"],
    ["CORS_ALLOWED_ORIGINS", "https://app.example/", "origins such as https://app.example"],
    ["CORS_ALLOWED_ORIGINS", "https://*.example.com", '"https://*.example.com" has a wildcard: name each one'],
    ["CORS_ALLOWED_ORIGINS", "https://a.example,https://app.*", '"https://app.*" has a wildcard'],
    ["CORS_ALLOWED_ORIGINS", "https://*", "write * alone for any"],
    ["ALLOWED_HOSTS", "*.example.com", '"*.example.com" has a wildcard'],
    ["CORS_ALLOWED_ORIGINS", "null", "origins such as https://app.example"],
    ["RATE_LIMIT", "0", "an integer from 1"],
    ["GRPC_PORT", "65536", "an integer from 0 to 65535; 0 takes any free port"],
    ["GRPC_PORT", "80.5", "an integer from 0 to 65535"],
    ["GRPC_PORT", "0x50", "an integer from 0 to 65535"],
    ["CACHE_MAX_SIZE_BYTES", "0", "an integer from 1"],
    ["CACHE_MAX_SIZE_BYTES", "9007199254740993", "an integer from 1"],
    ["CACHE_MAX_SIZE_BYTES", "1GX", "an integer from 1"],
    ["READY_ENDPOINT_URL", "http://x/readyz", "a path such as"],
    ["READY_ENDPOINT_URL", "readyz?full", "a path such as"],
    ["READY_ENDPOINT_URL", "/", "a path such as"],
    ["LOG_LEVEL", "verbose", "one of error, warn, info, debug"],
    ["ENTITLEMENTS_FALLBACK", "{", "is not JSON"],
    ["ENTITLEMENTS_FALLBACK", '{"seats":{"hasAccess":"yes"}}', '["seats"].hasAccess: must be true or false'],
    ["ENTITLEMENTS_TIMEOUT_MS", "-1", "(milliseconds, or with a unit: 500ms"],
  ])("%s=%s is named with what is allowed", (name, text, allowed) => {
    const message = faultsOf({ ...IN_USE, [name]: text });
    expect(message).toMatch(/^There is 1 fault in the configuration:/);
    expect(message).toContain(`${name}: ${JSON.stringify(text)} is not allowed`);
    expect(message).toContain(allowed);
  });

  it("is reported together with all others, also with those that several variables share", () => {
    const message = faultsOf({
      CATALOG_FILE: "c",
      GRPC_PORT: "x",
      METRICS_PORT: "y",
      TLS_CERT_FILE: "cert.pem",
      LOG_LEVEL: "z",
    });
    expect(message).toMatch(/^There are 4 faults/);
    for (const name of ["GRPC_PORT", "METRICS_PORT", "LOG_LEVEL", "TLS_KEY_FILE"]) expect(message).toContain(name);
  });

  it("does not make up a second fault from the default it would have had", () => {
    expect(faultsOf({ OFFLINE: "maybe" })).toMatch(/^There is 1 fault/);
    expect(faultsOf({ ...CATALOG, GRPC_PORT: "8443", TLS_CERT_FILE: "c", TLS_KEY_FILE: "k", PORT: "x" })).toMatch(
      /^There is 1 fault/,
    );
  });

  it("shortens what is long and hides a password in a URL", () => {
    const message = faultsOf({ ...IN_USE, API_URL: "ftp://me:hunter2hunter2@host", LOG_LEVEL: "x".repeat(500) });
    expect(message).not.toContain("hunter2");
    expect(message).toContain("ftp://me:***@host");
    expect(message.length).toBeLessThan(500);
  });
});

describe("a secret", () => {
  it.each([
    "redis://me:hunt/er2@redis",
    "redis://:hunter2@redis:6379/0",
    "me:hunter2@redis:6379",
    "rediss://me:p@hunter2@redis",
  ])("is not shown where it stands in the fault of REDIS_HOST: %s", (text) => {
    const message = faultsOf({ ...REDIS, REDIS_HOST: text });
    expect(message).toContain("REDIS_HOST: ");
    expect(message).toContain("***@redis");
    expect(message).not.toMatch(/hunt|er2/);
  });

  it("of a host that is not in use stops no start", () => {
    expect(load({ ...CATALOG, REDIS_HOST: "redis://redis.internal" }).config.redisHost).toBe("localhost");
  });

  it.each([
    ["SERVER_API_KEY", "a key with spaces"],
    ["REDIS_PASSWORD", "pass\u0000word"],
  ])("%s is never shown, not even when it is at fault", (name, secret) => {
    const message = faultsOf({ SERVER_API_KEY: "key", REDIS_ENVIRONMENT_PREFIX: "production", [name]: secret });
    expect(message).toContain(`${name}: its value (hidden: it is a secret) is not allowed`);
    expect(message).not.toContain(secret);
  });

  it("is not shown where it was put into another variable by mistake", () => {
    expect(faultsOf({ ...CATALOG, SERVER_API_KEY: "server-12345", LOG_LEVEL: "server-12345" })).not.toContain("12345");
  });

  it("is reported to whoever has to hide it, with the passwords that stand in URLs", () => {
    const { secrets } = load({
      ...CATALOG,
      SERVER_API_KEY: "key-1",
      REDIS_PASSWORD: "pass-2",
      API_URL: "https://u:in-url-3@h",
    });
    expect(secrets).toEqual(expect.arrayContaining(["key-1", "pass-2", "in-url-3"]));
  });
});

describe("settings that do not go together", () => {
  it.each<[environment: Environment, fault: RegExp]>([
    [{}, /no source of entitlements: set SERVER_API_KEY .* CATALOG_FILE .* OFFLINE=true/],
    [{ OFFLINE: "1", ...CATALOG }, /CATALOG_FILE and OFFLINE exclude each other/],
    [{ CATALOG_FILE: "same", CATALOG_STATE_FILE: "same" }, /name the same file/],
    [{ ...CATALOG, TLS_CERT_FILE: "c" }, /TLS_CERT_FILE is set without TLS_KEY_FILE/],
    [{ ...CATALOG, TLS_KEY_FILE: "k" }, /TLS_KEY_FILE is set without TLS_CERT_FILE/],
    [{ ...CATALOG, TLS_CLIENT_CA_FILE: "ca" }, /TLS_CLIENT_CA_FILE is set without/],
    [{ ...CATALOG, GRPC_PORT: "8080" }, /GRPC_PORT and METRICS_PORT are both 8080/],
    [{ ...CATALOG, GRPC_PORT: "8443", TLS_CERT_FILE: "c", TLS_KEY_FILE: "k" }, /GRPC_PORT and PORT are both 8443/],
    [{ ...CATALOG, HEALTH_ENDPOINT_URL: "/readyz" }, /HEALTH_ENDPOINT_URL and READY_ENDPOINT_URL are both "readyz"/],
    [{ ...CATALOG, READY_ENDPOINT_URL: "metrics" }, /READY_ENDPOINT_URL is "metrics"/],
    [
      { ...CATALOG, EXT_AUTHZ_ENABLED: "true", EXT_AUTHZ_CUSTOMER_HEADER: "X-Feature-Id" },
      /EXT_AUTHZ_CUSTOMER_HEADER and EXT_AUTHZ_FEATURE_HEADER are both "x-feature-id": each needs a header of its own/,
    ],
    [{ ...CATALOG, LOG_MESSAGE_KEY: "err" }, /LOG_MESSAGE_KEY and LOG_ERROR_KEY are both "err"/],
    [{ ...CATALOG, LOG_ERROR_KEY: "level" }, /LOG_ERROR_KEY is "level"/],
    [{ ...REDIS, REDIS_SENTINELS: "a" }, /REDIS_SENTINELS is set without REDIS_SENTINEL_NAME/],
    [{ ...REDIS, REDIS_SENTINEL_NAME: "main" }, /REDIS_SENTINEL_NAME is set without REDIS_SENTINELS/],
    [{ ...REDIS, REDIS_SENTINEL_PASSWORD: "secret" }, /REDIS_SENTINEL_PASSWORD are for Sentinels: set REDIS_SENTINELS/],
    [{ ...REDIS, REDIS_SENTINELS: "a", REDIS_SENTINEL_NAME: "main", REDIS_CLUSTER_NODES: "b" }, /exclude each other/],
    [{ ...REDIS, REDIS_CLUSTER_NODES: "a", REDIS_DB: "1" }, /REDIS_DB is 1 with REDIS_CLUSTER_NODES/],
    [{ ...REDIS, REDIS_TLS_CA_FILE: "ca.pem" }, /REDIS_TLS_CA_FILE is set without REDIS_TLS/],
    [{ ...REDIS, REDIS_TLS_CA: CERTIFICATE }, /REDIS_TLS_CA is set without REDIS_TLS/],
    [
      { ...REDIS, REDIS_TLS: "1", REDIS_TLS_CA: CERTIFICATE, REDIS_TLS_CA_FILE: "ca.pem" },
      /REDIS_TLS_CA and REDIS_TLS_CA_FILE are both set/,
    ],
    [{ ...REDIS, REDIS_TLS: "1", REDIS_TLS_CA: "ca.pem" }, /REDIS_TLS_CA: .*certificates in PEM/],
    [
      { ...REDIS, REDIS_TLS: "1", REDIS_TLS_CA: CERTIFICATE.replaceAll("M", "N") },
      /REDIS_TLS_CA: .*certificates in PEM/,
    ],
  ])("%j", (environment, fault) => {
    const message = faultsOf(environment);
    expect(message).toMatch(fault);
    expect(message).toMatch(/^There is 1 fault/);
  });

  it.each<[environment: Environment]>([
    [{ OFFLINE: "yes" }],
    [{ OFFLINE: "yes", SERVER_API_KEY: "anything" }],
    [{ ...CATALOG, SERVER_API_KEY: "anything" }],
    [{ ...CATALOG, GRPC_PORT: "0", METRICS_PORT: "0" }],
    [{ ...CATALOG, GRPC_PORT: "8443" }],
  ])("%j goes together", (environment) => {
    expect(() => load(environment)).not.toThrow();
  });
});

describe("the configuration", () => {
  it("is frozen all the way down", () => {
    const { config } = load({ ...CATALOG, ENTITLEMENTS_FALLBACK: '{"plan":{"hasAccess":true,"enumValues":["a"]}}' });
    const [[, values] = []] = config.entitlementsFallback;
    for (const part of [
      config,
      config.entitlementsFallback,
      config.entitlementsFallback[0],
      values,
      values?.enumValues,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("warns of names that nearly are its own, and starts all the same", () => {
    expect(load({ ...CATALOG, REDIS_PASWORD: "x", GRPC_PROT: "y", LOGLEVEL: "" }).warnings).toEqual([
      "REDIS_PASWORD is not a variable of this service: did you mean REDIS_PASSWORD?",
      "GRPC_PROT is not a variable of this service: did you mean GRPC_PORT?",
    ]);
  });
});

function pipeIn(folder: string): string {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  return pipe;
}

function largeIn(folder: string): string {
  const large = join(folder, "large");
  writeFileSync(large, Buffer.alloc(2 * 1024 * 1024));
  return large;
}
