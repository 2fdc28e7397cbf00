import { LOG_LEVELS } from "../../adapters/ops/log-format.js";
import { UPSTREAM_LAG_MS } from "../../domain/freshness/freshness.js";
import { FOREIGN_TO_THE_PERSISTENT_CACHE } from "../config/environment-warnings.js";
import type { Configurable } from "../config/read-settings.js";
import type { CrossRule } from "../config/setting-rules.js";
import { LOG_RULES, TELEMETRY_SETTINGS, TELEMETRY_UNUSED_RULES } from "../config/settings/ops-settings.js";
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
    ...TELEMETRY_UNUSED_RULES,
  ],
  foreign: FOREIGN_TO_THE_PERSISTENT_CACHE,
};

/** Bounds of the persistent-cache service that need no configuration. Times in milliseconds. */
export interface Tuning {
  /** How many wait for messages side by side. */
  readonly consumers: number;
  /** How many changes go to Redis in one round trip. */
  readonly maxWrites: number;
  /** Within which every command to Redis ends. */
  readonly redisTimeoutMs: number;
  /** How soon Redis, the queue or upstream is tried again after a failure; doubled each time up to the longest. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** How many states are fetched at the same time. */
  readonly maxConcurrentFetches: number;
  /** How long messages are held while Redis takes no writes: to give them back costs a receipt, and too many send them to the dead-letter queue. */
  readonly holdMs: number;
  /** How often upstream is asked for one subject that it fails for while it answers for others. */
  readonly maxAttempts: number;
  /** When upstream is asked again after an answer that may be from before what a message said, milliseconds after the first; by the last it is taken to have caught up. */
  readonly confirmAfterMs: readonly number[];
  /** Of how many states that is remembered: more than are swept until the last. */
  readonly maxUnconfirmed: number;
  /** How many messages may wait for upstream. */
  readonly maxWaitingForUpstream: number;
  /** How many states are refetched in a second once all may be others. */
  readonly sweptPerSecond: number;
  /** How long a poll of the queue waits for messages where there are none, whole seconds: as long may the end take of a service that is idle. */
  readonly pollSeconds: number;
  /** How long the end may take of one that is not. */
  readonly graceMs: number;
}

export const TUNING: Tuning = {
  consumers: 10,
  maxWrites: 50,
  redisTimeoutMs: 2_000,
  firstDelayMs: 250,
  longestDelayMs: 5_000,
  maxConcurrentFetches: 64,
  holdMs: 300_000,
  maxAttempts: 5,
  confirmAfterMs: [5_000, 30_000, UPSTREAM_LAG_MS],
  maxUnconfirmed: 20_000,
  maxWaitingForUpstream: 1_000,
  sweptPerSecond: 100,
  pollSeconds: 5,
  graceMs: 15_000,
};
