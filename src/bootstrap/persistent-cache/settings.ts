import { LOG_LEVELS } from "../../adapters/ops/log-level.js";
import type { Configurable } from "../config/read-settings.js";
import type { CrossRule } from "../config/rules/cross-rule.js";
import { FOREIGN_TO_THE_PERSISTENT_CACHE } from "../config/rules/did-you-mean.js";
import { LOG_RULES } from "../config/rules/log-rules.js";
import {
  baseUrl,
  boolean,
  integer,
  oneOf,
  type Parser,
  port,
  text,
  timeToLive,
  url,
  visibleCharacters,
} from "../config/settings/parsers.js";
import { REDIS_RULES, REDIS_SETTINGS, REDIS_UNUSED_RULES } from "../config/settings/redis-settings.js";
import { optional, required, type Setting, type Values, withDefault } from "../config/settings/setting.js";
import { TELEMETRY_SETTINGS } from "../config/settings/telemetry-settings.js";

const UPDATE_POLICIES = ["UPDATE_IF_EXISTS", "UPSERT"] as const;

type UpdatePolicy = (typeof UPDATE_POLICIES)[number];

/** Spelled in capitals, whatever case it is given in. */
const updatePolicy: Parser<UpdatePolicy> = {
  allowed: `one of ${UPDATE_POLICIES.join(", ")}`,
  parse(given) {
    const value = UPDATE_POLICIES.find((policy) => policy === given.toUpperCase());
    return value === undefined ? { ok: false } : { ok: true, value };
  },
};

const sentryDsn: Parser<string> = {
  allowed: "a DSN as Sentry shows it: https://<key>@<host>/<project>",
  parse: (dsn) =>
    /^https?:\/\/[^\s:@/]+(?::[^\s@/]*)?@[^\s@/]+\/(?:[^\s]+\/)?\d+$/.test(dsn)
      ? { ok: true, value: dsn }
      : { ok: false },
};

/** Everything that the persistent-cache service can be configured by. */
export const PERSISTENT_CACHE_SETTINGS = {
  awsRegion: required("AWS_REGION", text, { description: "region of the queue" }),
  queueUrl: required("QUEUE_URL", url("https", "http"), {
    description:
      "the SQS queue that tells of changes; credentials are found the way all of AWS's programs do it, and AWS_ENDPOINT_URL_SQS names a local server",
  }),
  serverApiKey: required("SERVER_API_KEY", visibleCharacters, {
    description: "the environment's server API key",
    isSecret: true,
  }),
  environmentPrefix: withDefault("ENVIRONMENT_PREFIX", text, "production", {
    description:
      "names the environment in Redis keys, by either name: the same as REDIS_ENVIRONMENT_PREFIX of the sidecars",
    otherNames: ["REDIS_ENVIRONMENT_PREFIX"],
  }),
  ...REDIS_SETTINGS,
  batchSize: withDefault("BATCH_SIZE", integer({ min: 1, max: 10 }), 1, {
    description: "messages received at once, 1 to 10",
  }),
  keysTtlSecs: withDefault("KEYS_TTL_IN_SECS", timeToLive, 604_800, {
    description: "expiry of keys, seconds; negative: none",
  }),
  edgeApiUrl: withDefault("EDGE_API_URL", baseUrl("https", "http"), "https://edge.api.stigg.io", {
    description: "Edge, where states are fetched",
  }),
  sentryDsn: optional("SENTRY_DSN", sentryDsn, {
    description: "where errors are reported to, beside the log",
    isSecret: true,
  }),
  disableSentry: withDefault("DISABLE_SENTRY", boolean, false, {
    description: "report no errors, whatever SENTRY_DSN says",
    defaultText: "0",
  }),
  port: withDefault("PORT", port(0), 4_000, { description: "port of health and /metrics; 0: any free port" }),
  updatePolicy: withDefault("CACHE_UPDATE_POLICY", updatePolicy, "UPDATE_IF_EXISTS", {
    description: "UPDATE_IF_EXISTS: only states that are cached already are written; UPSERT: all",
  }),
  logLevel: withDefault("LOG_LEVEL", oneOf(LOG_LEVELS), "info", { description: LOG_LEVELS.join(", ") }),
  logMessageKey: withDefault("LOG_MESSAGE_KEY", text, "msg", {
    description: "key of the message in the JSON log lines",
  }),
  logErrorKey: withDefault("LOG_ERROR_KEY", text, "err", { description: "key of the error in the JSON log lines" }),
  ...TELEMETRY_SETTINGS,
} as const satisfies Record<string, Setting<unknown>>;

export type PersistentCacheConfig = Values<typeof PERSISTENT_CACHE_SETTINGS>;

export const PERSISTENT_CACHE_RULES: readonly CrossRule<PersistentCacheConfig>[] = [...REDIS_RULES, ...LOG_RULES];

/** All that its environment is read by. */
export const PERSISTENT_CACHE: Configurable<typeof PERSISTENT_CACHE_SETTINGS> = {
  settings: PERSISTENT_CACHE_SETTINGS,
  rules: PERSISTENT_CACHE_RULES,
  unused: [
    {
      settings: ["sentryDsn"],
      decidedBy: ["disableSentry"],
      reason: ({ disableSentry }) => (disableSentry ? "DISABLE_SENTRY is on" : undefined),
      isExpected: true,
    },
    ...REDIS_UNUSED_RULES,
  ],
  foreign: FOREIGN_TO_THE_PERSISTENT_CACHE,
};
