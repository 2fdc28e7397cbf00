import { parseFallbacksJson } from "../../../adapters/fallback/configured-fallbacks.js";
import { LOG_LEVELS } from "../../../adapters/ops/log-format.js";
import type { FallbackValues } from "../../../domain/decision/fallback.js";
import { CodedError } from "../../../domain/errors.js";
import { MAX_ID_BYTES } from "../../../domain/subject.js";
import { ACCESS_SETTINGS, listenHost } from "./access-settings.js";
import { EXT_AUTHZ_SETTINGS } from "./ext-authz-settings.js";
import { OPS_SETTINGS, TELEMETRY_SETTINGS } from "./ops-settings.js";
import { OUTBOX_SETTINGS } from "./outbox-settings.js";
import {
  baseUrl,
  boolean,
  filePath,
  integer,
  oneOf,
  type Parser,
  port,
  text,
  timeToLive,
  url,
  urlPath,
  visibleCharacters,
} from "./parsers.js";
import { REDIS_SETTINGS } from "./redis-settings.js";
import { optional, type Setting, setting, type Values, withDefault } from "./setting.js";

/** What happens where nothing fresh can be had, and at a start. */
const FAILURE_SETTINGS = {
  failurePolicyFile: optional("FAILURE_POLICY_FILE", filePath, {
    description:
      "what checks answer when nothing fresh can be had, by feature (YAML, docs/failure-policy.md); read again when it changes",
  }),
  snapshotFile: optional("SNAPSHOT_FILE", filePath, {
    description:
      "where cached states outlive the process, on a volume that does (docs/snapshot.md); one file for each process",
  }),
  readyWhen: withDefault("READY_WHEN", oneOf(["started", "reached", "warm"] as const), "started", {
    description:
      "when readiness is UP: started; reached: once upstream has taken the API key; warm: once a snapshot was read, or where there is none, as reached",
  }),
} as const satisfies Record<string, Setting<unknown>>;

const fallbacks: Parser<Fallbacks> = {
  allowed: "a JSON object from feature id to {hasAccess, usageLimit?, isUnlimited?, value?, enumValues?}",
  parse(json) {
    try {
      return { ok: true, value: [...parseFallbacksJson(json)] };
    } catch (error) {
      if (error instanceof CodedError) return { ok: false, hint: error.message };
      throw error;
    }
  },
};

/** Fallbacks by feature id, in a form that can be frozen. */
type Fallbacks = readonly (readonly [featureId: string, values: FallbackValues])[];

const NO_FALLBACKS: Fallbacks = [];
const ONE_HOUR_MS = 3_600_000;

/** Everything that can be configured. Parsing, the messages about faults and the documentation all follow from it. */
export const SETTINGS = {
  serverApiKey: optional("SERVER_API_KEY", visibleCharacters, {
    description: "the environment's server API key",
    defaultText: "required unless OFFLINE or CATALOG_FILE",
    isSecret: true,
  }),
  apiUrl: withDefault("API_URL", baseUrl("https", "http"), "https://api.stigg.io", { description: "the API" }),
  edgeEnabled: withDefault("EDGE_ENABLED", boolean, true, {
    description: "read entitlements from Edge (else from the API)",
  }),
  edgeApiUrl: withDefault("EDGE_API_URL", baseUrl("https", "http"), "https://edge.api.stigg.io", {
    description: "Edge",
  }),
  wsEnabled: optional("WS_ENABLED", boolean, {
    description: "listen for updates over WebSocket",
    defaultText:
      "true; false where Redis is the cache layer, since the persistent-cache service brings the updates there",
  }),
  wsUrl: withDefault("WS_URL", url("wss", "ws"), "wss://api.stigg.io", { description: "WebSocket" }),
  redisEnvironmentPrefix: optional("REDIS_ENVIRONMENT_PREFIX", text, {
    description: "names the environment in Redis keys; given: Redis is the cache layer",
  }),
  ...REDIS_SETTINGS,
  redisKeysTtlSecs: withDefault("REDIS_KEYS_TTL_IN_SECS", timeToLive, 604_800, {
    description: "expiry of keys; negative: none",
  }),
  entitlementsFallback: setting("ENTITLEMENTS_FALLBACK", fallbacks, () => NO_FALLBACKS, {
    description: "JSON object: feature id to {hasAccess, usageLimit?, isUnlimited?, value?, enumValues?}",
  }),
  ...FAILURE_SETTINGS,
  grpcPort: withDefault("GRPC_PORT", port(0), 80, {
    description: "the service port: gRPC, gRPC-web and Connect on one cleartext listener; 0: any free port",
  }),
  port: withDefault("PORT", port(0), 8443, {
    description: "the same over TLS; listens only when a certificate is configured",
  }),
  cacheMaxSizeBytes: setting(
    "CACHE_MAX_SIZE_BYTES",
    integer({ min: 1, unit: "bytes" }),
    (machine) => Math.floor(machine.memoryBytes() / 2),
    {
      description: "bound of the in-memory cache",
      defaultText:
        "half of the memory available (the cgroup's limit where there is one, and never more than the JavaScript heap)",
    },
  ),
  healthEndpointUrl: withDefault("HEALTH_ENDPOINT_URL", urlPath, "livez", { description: "path of liveness" }),
  readyEndpointUrl: withDefault("READY_ENDPOINT_URL", urlPath, "readyz", { description: "path of readiness" }),
  metricsPort: withDefault("METRICS_PORT", port(0), 8080, {
    description: "port of health and /metrics; 0: any free port",
  }),
  logLevel: withDefault("LOG_LEVEL", oneOf(LOG_LEVELS), "warn", {
    description: `${LOG_LEVELS.join(", ")}; as a file it is read again on SIGHUP`,
    mayBeFile: true,
  }),
  logMessageKey: withDefault("LOG_MESSAGE_KEY", text, "msg", {
    description: "key of the message in the JSON log lines",
  }),
  logErrorKey: withDefault("LOG_ERROR_KEY", text, "err", { description: "key of the error in the JSON log lines" }),
  offline: withDefault("OFFLINE", boolean, false, { description: "no network at all; any API key is accepted" }),

  catalogFile: optional("CATALOG_FILE", text, {
    description:
      "a catalog (YAML or JSON) that takes the place of the API; changes of the file take effect while running",
  }),
  catalogStateFile: optional("CATALOG_STATE_FILE", text, {
    description: "where the usage counted for the catalog is kept across restarts; not set: in memory alone",
  }),
  entitlementsTimeoutMs: withDefault(
    "ENTITLEMENTS_TIMEOUT_MS",
    integer({ min: 1, max: ONE_HOUR_MS, unit: "milliseconds" }),
    1_000,
    {
      description: "how long a check may wait for a state that is not cached, milliseconds; then the fallback answers",
    },
  ),
  maxStateAgeMs: withDefault(
    "MAX_STATE_AGE_MS",
    integer({ min: 1_000, max: 24 * ONE_HOUR_MS, unit: "milliseconds" }),
    600_000,
    {
      description:
        "how old a cached state may grow before it is verified again in the background, milliseconds, 1,000 to 86,400,000: an update can be lost by anybody",
    },
  ),
  maxIdBytes: withDefault("MAX_ID_BYTES", integer({ min: 1, max: 65_536, unit: "bytes" }), MAX_ID_BYTES, {
    description:
      "the longest id of a customer, resource, feature or currency that is taken, bytes of UTF-8, 1 to 65,536",
  }),
  maxMessageBytes: withDefault("MAX_MESSAGE_BYTES", integer({ min: 1, max: 2 ** 30, unit: "bytes" }), 4 * 1024 * 1024, {
    description: "the largest request that is read, bytes",
  }),
  host: optional("LISTEN_HOST", listenHost, { description: "address to listen on", defaultText: "all" }),
  tlsCertFile: optional("TLS_CERT_FILE", text, {
    description: "certificate chain (PEM) of the TLS listener; read again when it changes",
  }),
  tlsKeyFile: optional("TLS_KEY_FILE", text, { description: "private key (PEM) of that certificate" }),
  tlsSelfSigned: withDefault("TLS_SELF_SIGNED", boolean, false, {
    description:
      "make a certificate at the start, for who has none: clients cannot verify it but by the fingerprint that the start message tells",
  }),
  tlsClientCaFile: optional("TLS_CLIENT_CA_FILE", text, {
    description: "authorities (PEM); given: the TLS listener lets in only clients with a certificate of theirs",
  }),
  ...ACCESS_SETTINGS,
  ...EXT_AUTHZ_SETTINGS,
  ...OPS_SETTINGS,
  ...OUTBOX_SETTINGS,
  ...TELEMETRY_SETTINGS,
  shutdownLingerMs: withDefault(
    "SHUTDOWN_LINGER_MS",
    integer({ min: 0, max: ONE_HOUR_MS, unit: "milliseconds" }),
    1_000,
    {
      description: "how long calls are still accepted after SIGTERM, milliseconds, while readiness is already DOWN",
    },
  ),
  shutdownGraceMs: withDefault(
    "SHUTDOWN_GRACE_MS",
    integer({ min: 0, max: ONE_HOUR_MS, unit: "milliseconds" }),
    10_000,
    {
      description: "how long calls in flight may take to finish after that, milliseconds",
    },
  ),
  startMessage: withDefault("START_MESSAGE", oneOf(["auto", "text", "json", "none"] as const), "auto", {
    description:
      "how the start is told on standard output: text for people, json for collectors; auto: text on a terminal",
  }),
} as const satisfies Record<string, Setting<unknown>>;

/** Every setting with its value. Frozen all the way down. */
export type Config = Values<typeof SETTINGS>;
