import { isIPv6 } from "node:net";
import type { CrossRule, UnusedRule } from "../setting-rules.js";
import { boolean, certificates, filePath, hostAndPorts, integer, type Parser, port, text } from "./parsers.js";
import { optional, type Setting, type Values, withDefault } from "./setting.js";

const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6_379;

/** One host, its port apart; an IPv6 address also in brackets. */
const host: Parser<string> = {
  allowed: "a host name or an IP address, without a port",
  parse(given) {
    const address = given.replace(/^\[(.*)\]$/, "$1");
    if (isIPv6(address)) return { ok: true, value: address };
    if (given.includes("://"))
      return {
        ok: false,
        hint: "this is a URL: set REDIS_HOST to its host and REDIS_PORT to its port, and what else it has in REDIS_USERNAME, REDIS_PASSWORD, REDIS_DB and, for rediss://, REDIS_TLS=1",
      };
    const [, name, number] = /^(\[[^\]\s]+\]|[^\s:/@,]+):(\d+)$/.exec(given) ?? [];
    if (name !== undefined && number !== undefined)
      return { ok: false, hint: `the port has a variable of its own: set REDIS_HOST=${name} and REDIS_PORT=${number}` };
    return /[\s:/@,[\]]/.test(given) ? { ok: false } : text.parse(given);
  },
};

/** Where Redis is and how to get in: the same for every process that shares it. */
export const REDIS_SETTINGS = {
  redisHost: withDefault("REDIS_HOST", host, "localhost", { description: "Redis" }),
  redisPort: withDefault("REDIS_PORT", port(1), REDIS_PORT, { description: "port of Redis" }),
  redisDb: withDefault("REDIS_DB", integer({ min: 0 }), 0, { description: "database number in Redis" }),
  redisUsername: optional("REDIS_USERNAME", text, { description: "user in Redis" }),
  redisPassword: optional("REDIS_PASSWORD", text, { description: "password in Redis", isSecret: true }),
  redisTls: withDefault("REDIS_TLS", boolean, false, {
    description: "TLS to Redis; its certificate is verified",
    defaultText: "0",
  }),
  redisTlsCaFile: optional("REDIS_TLS_CA_FILE", filePath, {
    description: "authorities (PEM) that Redis's certificate is verified against; read again when it changes",
    defaultText: "the well-known ones",
  }),
  redisTlsCa: optional("REDIS_TLS_CA", certificates, {
    description: "the same as a value, where no file can be mounted: PEM, its line breaks also as \\n",
    defaultText: "the well-known ones",
  }),
  redisSentinels: optional("REDIS_SENTINELS", hostAndPorts(SENTINEL_PORT), {
    description:
      "Sentinels that know the master, as host:port, separated by commas; takes the place of REDIS_HOST and REDIS_PORT",
  }),
  redisSentinelName: optional("REDIS_SENTINEL_NAME", text, { description: "the master's name in Sentinel" }),
  redisSentinelUsername: optional("REDIS_SENTINEL_USERNAME", text, { description: "user in Sentinel" }),
  redisSentinelPassword: optional("REDIS_SENTINEL_PASSWORD", text, {
    description: "password in Sentinel",
    isSecret: true,
  }),
  redisClusterNodes: optional("REDIS_CLUSTER_NODES", hostAndPorts(REDIS_PORT), {
    description:
      "some nodes of a Redis Cluster, as host:port, separated by commas; takes the place of REDIS_HOST and REDIS_PORT",
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type RedisConfig = Values<typeof REDIS_SETTINGS>;

/** Of several ways to say where Redis is, the most particular one is taken. */
export const REDIS_UNUSED_RULES: readonly UnusedRule<RedisConfig>[] = [
  {
    settings: ["redisHost", "redisPort"],
    decidedBy: ["redisClusterNodes", "redisSentinels"],
    reason: ({ redisClusterNodes, redisSentinels }) => {
      if (redisClusterNodes !== undefined) return "REDIS_CLUSTER_NODES says where Redis is";
      return redisSentinels === undefined ? undefined : "REDIS_SENTINELS know where Redis is";
    },
  },
];

export const REDIS_RULES: readonly CrossRule<RedisConfig>[] = [
  {
    about: ["redisSentinels", "redisSentinelName"],
    fault: ({ redisSentinels, redisSentinelName }) => {
      if ((redisSentinels === undefined) === (redisSentinelName === undefined)) return undefined;
      const [given, missing] =
        redisSentinels === undefined
          ? ["REDIS_SENTINEL_NAME", "REDIS_SENTINELS"]
          : ["REDIS_SENTINELS", "REDIS_SENTINEL_NAME"];
      return `${given} is set without ${missing}: Sentinel needs both`;
    },
  },
  {
    about: ["redisSentinels", "redisSentinelUsername", "redisSentinelPassword"],
    fault: ({ redisSentinels, redisSentinelUsername, redisSentinelPassword }) =>
      redisSentinels === undefined && (redisSentinelUsername ?? redisSentinelPassword) !== undefined
        ? "REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD are for Sentinels: set REDIS_SENTINELS too"
        : undefined,
  },
  {
    about: ["redisSentinels", "redisClusterNodes"],
    fault: ({ redisSentinels, redisClusterNodes }) =>
      redisSentinels !== undefined && redisClusterNodes !== undefined
        ? "REDIS_SENTINELS and REDIS_CLUSTER_NODES exclude each other: a Cluster fails over by itself. Remove one of the two"
        : undefined,
  },
  {
    about: ["redisClusterNodes", "redisDb"],
    fault: ({ redisClusterNodes, redisDb }) =>
      redisClusterNodes !== undefined && redisDb !== 0
        ? `REDIS_DB is ${redisDb} with REDIS_CLUSTER_NODES: a Cluster has database 0 alone. Remove REDIS_DB`
        : undefined,
  },
  {
    about: ["redisTls", "redisTlsCa"],
    fault: ({ redisTls, redisTlsCa }) =>
      redisTlsCa !== undefined && !redisTls ? "REDIS_TLS_CA is set without REDIS_TLS: set REDIS_TLS=1 too" : undefined,
  },
  {
    about: ["redisTlsCa", "redisTlsCaFile"],
    fault: ({ redisTlsCa, redisTlsCaFile }) =>
      redisTlsCa !== undefined && redisTlsCaFile !== undefined
        ? "REDIS_TLS_CA and REDIS_TLS_CA_FILE are both set: remove one of the two"
        : undefined,
  },
  {
    about: ["redisTls", "redisTlsCaFile"],
    fault: ({ redisTls, redisTlsCaFile }) =>
      redisTlsCaFile !== undefined && !redisTls
        ? "REDIS_TLS_CA_FILE is set without REDIS_TLS: set REDIS_TLS=1 too"
        : undefined,
  },
];
