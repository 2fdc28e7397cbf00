import { EXT_AUTHZ_UNUSED_RULES } from "../settings/ext-authz-settings.js";
import { OPS_UNUSED_RULES } from "../settings/ops-settings.js";
import { OUTBOX_SETTINGS } from "../settings/outbox-settings.js";
import { REDIS_SETTINGS, REDIS_UNUSED_RULES } from "../settings/redis-settings.js";
import type { Config } from "../settings/settings.js";
import type { UnusedRule } from "./unused-rule.js";

type Key = keyof Config;

const UPSTREAM: readonly Key[] = ["apiUrl", "edgeEnabled", "edgeApiUrl", "wsUrl"];
const REDIS: readonly Key[] = [...(Object.keys(REDIS_SETTINGS) as (keyof typeof REDIS_SETTINGS)[]), "redisKeysTtlSecs"];

const OUTBOX = Object.keys(OUTBOX_SETTINGS) as (keyof typeof OUTBOX_SETTINGS)[];

const isOffline = ({ offline }: Config) =>
  offline ? "OFFLINE is on, so nothing outside of this process is asked" : undefined;
const hasCatalog = ({ catalogFile }: Config) =>
  catalogFile !== undefined ? "CATALOG_FILE takes the place of the API" : undefined;

/** Which of the sidecar's settings have no effect, the widest reasons first. */
export const UNUSED_RULES: readonly UnusedRule<Config>[] = [
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
