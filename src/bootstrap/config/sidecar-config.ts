import type { MemorySources } from "./available-memory.js";
import { FOREIGN_TO_THE_SIDECAR } from "./environment-warnings.js";
import { type Environment, type LoadedSettings, readSettings } from "./read-settings.js";
import type { CrossRule, UnusedRule } from "./setting-rules.js";
import { EXT_AUTHZ_RULES, EXT_AUTHZ_UNUSED_RULES } from "./settings/ext-authz-settings.js";
import { LOG_RULES, OPS_UNUSED_RULES, TELEMETRY_UNUSED_RULES } from "./settings/ops-settings.js";
import { OUTBOX_SETTINGS } from "./settings/outbox-settings.js";
import { REDIS_RULES, REDIS_SETTINGS, REDIS_UNUSED_RULES } from "./settings/redis-settings.js";
import { type Config, SETTINGS } from "./settings/settings.js";

export type LoadedConfig = LoadedSettings<typeof SETTINGS>;

/**
 * Reads the sidecar's configuration.
 *
 * @throws StartError that lists every fault
 */
export function loadConfig(environment: Environment, memory?: MemorySources): LoadedConfig {
  return readSettings(
    { settings: SETTINGS, rules: CROSS_RULES, unused: UNUSED_RULES, foreign: FOREIGN_TO_THE_SIDECAR },
    environment,
    memory,
  );
}

/** What the sidecar demands of several settings together. */
const CROSS_RULES: readonly CrossRule<Config>[] = [
  ...REDIS_RULES,
  {
    about: ["serverApiKey", "catalogFile", "offline"],
    fault: ({ serverApiKey, catalogFile, offline }) => {
      if (offline || catalogFile !== undefined || serverApiKey !== undefined) return undefined;
      return "no source of entitlements: set SERVER_API_KEY to the environment's server API key, or CATALOG_FILE to a catalog (for example examples/catalog.yaml), or OFFLINE=true to answer from the fallbacks alone";
    },
  },
  {
    about: ["catalogFile", "offline"],
    fault: ({ catalogFile, offline }) =>
      offline && catalogFile !== undefined
        ? "CATALOG_FILE and OFFLINE exclude each other: offline, checks answer from the fallbacks alone. Remove one of the two"
        : undefined,
  },
  {
    about: ["catalogFile", "catalogStateFile"],
    fault: ({ catalogFile, catalogStateFile }) =>
      catalogFile !== undefined && catalogFile === catalogStateFile
        ? "CATALOG_FILE and CATALOG_STATE_FILE name the same file: the state would overwrite the catalog"
        : undefined,
  },
  {
    about: ["tlsCertFile", "tlsKeyFile"],
    fault: ({ tlsCertFile, tlsKeyFile }) => {
      if ((tlsCertFile === undefined) === (tlsKeyFile === undefined)) return undefined;
      const [given, missing] =
        tlsCertFile === undefined ? ["TLS_KEY_FILE", "TLS_CERT_FILE"] : ["TLS_CERT_FILE", "TLS_KEY_FILE"];
      return `${given} is set without ${missing}: TLS needs both`;
    },
  },
  {
    about: ["tlsSelfSigned", "tlsCertFile"],
    fault: ({ tlsSelfSigned, tlsCertFile }) =>
      tlsSelfSigned && tlsCertFile !== undefined
        ? "TLS_SELF_SIGNED and TLS_CERT_FILE exclude each other: one certificate is served. Remove one of the two"
        : undefined,
  },
  {
    about: ["tlsClientCaFile", "tlsCertFile", "tlsKeyFile"],
    fault: ({ tlsClientCaFile, tlsCertFile, tlsKeyFile }) =>
      tlsClientCaFile !== undefined && tlsCertFile === undefined && tlsKeyFile === undefined
        ? "TLS_CLIENT_CA_FILE is set without TLS_CERT_FILE and TLS_KEY_FILE: clients that show a certificate have to verify the server's, too"
        : undefined,
  },
  {
    about: ["grpcPort", "metricsPort", "port", "tlsCertFile", "tlsSelfSigned", "host", "metricsHost"],
    fault: sharedPort,
  },
  {
    about: ["healthEndpointUrl", "readyEndpointUrl"],
    fault: ({ healthEndpointUrl, readyEndpointUrl }) => {
      if (healthEndpointUrl === "metrics") return 'HEALTH_ENDPOINT_URL is "metrics": that path is taken';
      if (readyEndpointUrl === "metrics") return 'READY_ENDPOINT_URL is "metrics": that path is taken';
      return healthEndpointUrl === readyEndpointUrl
        ? `HEALTH_ENDPOINT_URL and READY_ENDPOINT_URL are both "${healthEndpointUrl}": they answer differently, so each needs a path of its own`
        : undefined;
    },
  },
  {
    about: ["drillsEnabled", "opsToken"],
    fault: ({ drillsEnabled, opsToken }) =>
      drillsEnabled && opsToken === undefined
        ? "DRILLS_ENABLED is set without OPS_TOKEN: only who has that token may begin a drill. Set OPS_TOKEN too"
        : undefined,
  },
  ...EXT_AUTHZ_RULES,
  ...LOG_RULES,
];

function sharedPort({
  grpcPort,
  metricsPort,
  port,
  tlsCertFile,
  tlsSelfSigned,
  host,
  metricsHost,
}: Config): string | undefined {
  const taken = new Map<number, string>();
  const listeners: [name: string, port: number][] = [["GRPC_PORT", grpcPort]];
  const isApart = host !== undefined && metricsHost !== undefined && host !== metricsHost;
  if (!isApart) listeners.push(["METRICS_PORT", metricsPort]);
  if (tlsCertFile !== undefined || tlsSelfSigned) listeners.push(["PORT", port]);
  for (const [name, number] of listeners) {
    const other = taken.get(number);
    if (number !== 0 && other !== undefined)
      return `${other} and ${name} are both ${number}: each listener needs a port of its own`;
    taken.set(number, name);
  }
  return undefined;
}

type Key = keyof Config;

const UPSTREAM: readonly Key[] = ["apiUrl", "edgeEnabled", "edgeApiUrl", "wsUrl"];
const REDIS: readonly Key[] = [...(Object.keys(REDIS_SETTINGS) as (keyof typeof REDIS_SETTINGS)[]), "redisKeysTtlSecs"];

const OUTBOX = Object.keys(OUTBOX_SETTINGS) as (keyof typeof OUTBOX_SETTINGS)[];

const isOffline = ({ offline }: Config) =>
  offline ? "OFFLINE is on, so nothing outside of this process is asked" : undefined;
const hasCatalog = ({ catalogFile }: Config) =>
  catalogFile !== undefined ? "CATALOG_FILE takes the place of the API" : undefined;

/** Which of the sidecar's settings have no effect, the widest reasons first. */
const UNUSED_RULES: readonly UnusedRule<Config>[] = [
  { settings: ["serverApiKey"], decidedBy: ["offline"], reason: isOffline, isExpected: true },
  {
    settings: [...UPSTREAM, "wsEnabled", "redisEnvironmentPrefix", ...REDIS, "snapshotFile"],
    decidedBy: ["offline"],
    reason: isOffline,
  },
  { settings: OUTBOX, decidedBy: ["offline"], reason: isOffline },
  {
    settings: OUTBOX.filter((key) => key !== "usageOutboxDir"),
    decidedBy: ["usageOutboxDir"],
    reason: ({ usageOutboxDir }) =>
      usageOutboxDir === undefined ? "there is an outbox only where USAGE_OUTBOX_DIR is set" : undefined,
  },
  {
    settings: ["catalogStateFile"],
    decidedBy: ["catalogFile"],
    reason: ({ catalogFile }) =>
      catalogFile === undefined
        ? "it keeps the usage that is counted for a catalog, and CATALOG_FILE is not set"
        : undefined,
  },
  { settings: ["serverApiKey", ...UPSTREAM, "snapshotFile"], decidedBy: ["catalogFile"], reason: hasCatalog },
  {
    settings: ["wsEnabled"],
    decidedBy: ["catalogFile", "redisEnvironmentPrefix"],
    // Beside a shared Redis it also says whether others keep that up to date.
    reason: (config) => (config.redisEnvironmentPrefix === undefined ? hasCatalog(config) : undefined),
  },
  {
    settings: ["edgeApiUrl"],
    decidedBy: ["edgeEnabled"],
    reason: ({ edgeEnabled }) => (edgeEnabled ? undefined : "EDGE_ENABLED is off"),
  },
  {
    settings: ["wsUrl"],
    decidedBy: ["wsEnabled", "redisEnvironmentPrefix"],
    reason: ({ wsEnabled, redisEnvironmentPrefix }) => {
      if (wsEnabled === false) return "WS_ENABLED is off";
      return wsEnabled === undefined && redisEnvironmentPrefix !== undefined
        ? "updates come by way of Redis unless WS_ENABLED is on"
        : undefined;
    },
  },
  {
    settings: REDIS,
    decidedBy: ["redisEnvironmentPrefix"],
    reason: ({ redisEnvironmentPrefix }) =>
      redisEnvironmentPrefix === undefined ? "Redis is in use only where REDIS_ENVIRONMENT_PREFIX is set" : undefined,
  },
  ...REDIS_UNUSED_RULES,
  ...OPS_UNUSED_RULES,
  ...TELEMETRY_UNUSED_RULES,
  ...EXT_AUTHZ_UNUSED_RULES,
  {
    settings: ["port"],
    decidedBy: ["tlsCertFile", "tlsKeyFile", "tlsSelfSigned"],
    reason: ({ tlsCertFile, tlsKeyFile, tlsSelfSigned }) =>
      tlsCertFile === undefined && tlsKeyFile === undefined && !tlsSelfSigned
        ? "it is the port of TLS, which needs TLS_CERT_FILE and TLS_KEY_FILE, or TLS_SELF_SIGNED=true; GRPC_PORT is the one without TLS"
        : undefined,
  },
];
