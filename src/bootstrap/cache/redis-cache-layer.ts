import { BorrowingCache } from "../../adapters/cache/memory/borrowing-cache.js";
import { MemoryCache } from "../../adapters/cache/memory/memory-cache.js";
import type { InvalidationListener } from "../../adapters/cache/redis/coherence/coherence.js";
import { HearingInRedis } from "../../adapters/cache/redis/coherence/shared-hearing.js";
import { RedisSingleFlight } from "../../adapters/cache/redis/leases/redis-single-flight.js";
import { RedisSharedPending } from "../../adapters/cache/redis/pending/redis-shared-pending.js";
import { FailingRedisCommands } from "../../adapters/cache/redis/store/failing-redis-commands.js";
import { RedisCacheStore } from "../../adapters/cache/redis/store/redis-cache-store.js";
import { pendingKeysPrefix, subjectsOfKey, trackedPrefixes } from "../../adapters/cache/redis/store/redis-keys.js";
import { SharedRecentSubjects } from "../../adapters/cache/redis/store/shared-recent-subjects.js";
import { CodedError } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import { within } from "../../ports/waits.js";
import type { Config } from "../config/settings/settings.js";
import type { Services } from "../source/source.js";
import type { CacheLayer } from "./cache-layer.js";
import { connectToRedis, describeRedis, redisFiles, redisSecrets } from "./redis-connection.js";

/** What of a check's budget one command may take: a fetch has to fit in beside a read before it and a write after it. */
const COMMAND_SHARE = 4;
/** What of a check's budget it may wait for another process that asks upstream for the same. */
const WAIT_SHARE = 3;

/** What the states of a drill may take of the room that cached states have. */
const APART_SHARE = 1 / 8;

/** How long the start waits for Redis and for the states that others were asked for lately, milliseconds. */
const WARM_MS = 500;

/**
 * States in Redis for all who share it, the most recently used ones cached.
 *
 * @throws StartError when the file of authorities cannot be read
 */
export function redisCacheLayer(config: Config, environment: string, services: Services): CacheLayer {
  const { entitlementsTimeoutMs, redisKeysTtlSecs, cacheMaxSizeBytes } = config;
  const { clock, logger, telemetry } = services;
  const bounds = {
    keysTtlSecs: redisKeysTtlSecs,
    commandTimeoutMs: Math.max(1, entitlementsTimeoutMs / COMMAND_SHARE),
    readPatienceMs: entitlementsTimeoutMs,
  };
  const connection = connectToRedis(config, bounds, services);
  const { commands } = connection;
  const near = new MemoryCache(cacheMaxSizeBytes, telemetry);
  const storeParts = {
    environment,
    clock,
    commandTimeoutMs: bounds.commandTimeoutMs,
    ttlMs: redisKeysTtlSecs < 0 ? Infinity : redisKeysTtlSecs * 1_000,
  };
  const store = new RedisCacheStore({ ...storeParts, near, commands, logger });
  const hearing = new HearingInRedis({
    commands,
    environment,
    clock,
    logger,
    coherence: store.coherence,
    hasUnwritten: () => store.hasUnwritten,
  });
  hearing.follow((before) => store.nobodyHeard(before));
  const recent = new SharedRecentSubjects({
    commands,
    environment,
    clock,
    recentlyUsed: (limit) => near.recentlyUsed(limit),
    load: (subject) => store.load(subject),
  });
  const coherent = new Promise<void>((resolve) => store.coherence.onCoherent(resolve));
  const invalidations = connection.invalidations(...trackedPrefixes(environment));
  return {
    store,
    near,
    hearing,
    singleFlight: new RedisSingleFlight({
      commands,
      environment,
      coherence: store.coherence,
      clock,
      waitMs: entitlementsTimeoutMs / WAIT_SHARE,
    }),
    pending: (outboxId) =>
      new RedisSharedPending({
        commands,
        invalidations: connection.invalidations(pendingKeysPrefix(environment)),
        environment,
        outboxId,
        clock,
        logger,
      }),
    description: `${describeRedis(config)}, keys under ${environment}:`,
    replaceable: redisSecrets((secrets) => connection.useSecrets(secrets)),
    files: redisFiles(config),
    start(onWritten) {
      invalidations.start(onWritten === undefined ? store.coherence : watched(store.coherence, environment, onWritten));
      recent.start();
    },
    async warm() {
      const startedAt = clock.now();
      try {
        await within(coherent, WARM_MS, clock, () => new CodedError("unavailable", "Redis was not reached in time"));
        await recent.warm(startedAt + WARM_MS - clock.now());
      } catch (error) {
        // Without Redis there is nothing to be warm from.
        if (!(error instanceof CodedError)) throw error;
      }
    },
    withoutRedis(apart, fault) {
      const borrowed = new BorrowingCache({
        from: near,
        keepsVerified: false,
        maxBytes: Math.max(1, cacheMaxSizeBytes * APART_SHARE),
        telemetry: apart.telemetry,
      });
      const failing = new FailingRedisCommands(fault, bounds.commandTimeoutMs, clock);
      const lost = new RedisCacheStore({ ...storeParts, near: borrowed, commands: failing, logger: apart.logger });
      return { store: lost, close: () => lost.stop() };
    },
    async close() {
      recent.stop();
      hearing.stop();
      await invalidations.stop();
      store.stop();
      connection.close();
    },
  };
}

/** A listener that passes on what it hears, after it has told whose state was written. */
function watched(
  listener: InvalidationListener,
  environment: string,
  onWritten: (subject: Subject) => void,
): InvalidationListener {
  return {
    coherent: () => listener.coherent(),
    incoherent: () => listener.incoherent(),
    invalidatedAll: () => listener.invalidatedAll(),
    invalidated(key) {
      // A key may be that of several subjects; the first is as likely as any.
      const [subject] = subjectsOfKey(environment, key);
      if (subject !== undefined) onWritten(subject);
      listener.invalidated(key);
    },
  };
}
