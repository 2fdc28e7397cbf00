import type { RedisTarget } from "../../adapters/cache/redis-client/link/redis-target.js";
import { openRedis, type RedisConnection, type RedisSecrets } from "../../adapters/cache/redis-client/open-redis.js";
import { idleMs } from "../../adapters/ops/system-clock.js";
import { CodedError } from "../../domain/errors.js";
import type { HostAndPort } from "../config/settings/parsers.js";
import { REDIS_SETTINGS, type RedisConfig } from "../config/settings/redis-settings.js";
import type { ReplaceableSecret } from "../process/follow-file-settings.js";
import { StartError } from "../process/start-error.js";
import type { Services } from "../source/source.js";

export interface RedisBounds {
  /** How long keys live, seconds; negative: for ever. */
  readonly keysTtlSecs: number;
  /** Within which every command ends, milliseconds. */
  readonly commandTimeoutMs: number;
  /** How long whoever reads a state waits for it, milliseconds; not given: as long as for any command. */
  readonly readPatienceMs?: number | undefined;
}

/**
 * Begins to connect to the Redis that is configured, whichever kind it is.
 *
 * @throws StartError when the file of authorities cannot be read
 */
export function connectToRedis(config: RedisConfig, bounds: RedisBounds, services: Services): RedisConnection {
  const { redisUsername, redisPassword, redisTls, redisTlsCaFile, redisTlsCa } = config;
  try {
    return openRedis(
      {
        target: targetOf(config),
        username: redisUsername,
        password: redisPassword,
        tls: redisTls ? { caFile: redisTlsCaFile, ca: redisTlsCa } : undefined,
        ...bounds,
      },
      { ...services, idleMs },
    );
  } catch (error) {
    if (error instanceof CodedError && error.code === "invalid-argument")
      throw new StartError(`REDIS_TLS_CA_FILE: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What of Redis is given as files that is no setting of its own, by the variable that it would be a value of: followed as secrets are. */
export function redisFiles({ redisTls, redisTlsCaFile }: RedisConfig): Readonly<Record<string, string>> {
  return redisTls && redisTlsCaFile !== undefined ? { [REDIS_SETTINGS.redisTlsCa.name]: redisTlsCaFile } : {};
}

/** Passwords and authorities of Redis that are given as files, and that may be others while a service runs. */
export function redisSecrets(use: (secrets: RedisSecrets) => void): readonly ReplaceableSecret[] {
  const effect = "connections made from now on use the new one";
  return [
    {
      setting: REDIS_SETTINGS.redisPassword,
      called: "password of Redis",
      replace: (password) => use({ password }),
      effect,
    },
    {
      setting: REDIS_SETTINGS.redisSentinelPassword,
      called: "password of Sentinel",
      replace: (sentinelPassword) => use({ sentinelPassword }),
      effect,
    },
    {
      setting: REDIS_SETTINGS.redisTlsCa,
      called: "authorities of Redis's certificate",
      isPlural: true,
      replace: (ca) => use({ ca }),
      effect: "connections made from now on are verified against the new ones",
    },
  ];
}

/** Where Redis is, as the start message tells it. */
export function describeRedis(config: RedisConfig): string {
  const target = targetOf(config);
  switch (target.kind) {
    case "server":
      return `Redis at ${addressOf(target)}`;
    case "sentinels":
      return `Redis, master ${target.name} of Sentinels ${target.sentinels.map(addressOf).join(", ")}`;
    case "cluster":
      return `Redis Cluster at ${target.nodes.map(addressOf).join(", ")}`;
  }
}

function targetOf(config: RedisConfig): RedisTarget {
  const { redisHost, redisPort, redisDb, redisSentinels, redisSentinelName, redisClusterNodes } = config;
  if (redisClusterNodes !== undefined) return { kind: "cluster", nodes: redisClusterNodes };
  if (redisSentinels !== undefined && redisSentinelName !== undefined) {
    return {
      kind: "sentinels",
      sentinels: redisSentinels,
      name: redisSentinelName,
      db: redisDb,
      username: config.redisSentinelUsername,
      password: config.redisSentinelPassword,
    };
  }
  return { kind: "server", host: redisHost, port: redisPort, db: redisDb };
}

function addressOf({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
