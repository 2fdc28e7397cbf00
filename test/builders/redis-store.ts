import { EventEmitter, once } from "node:events";
import { MemoryCache } from "../../src/adapters/cache/memory/memory-cache.js";
import type { InvalidationListener, Invalidations } from "../../src/adapters/cache/redis/coherence/coherence.js";
import { RedisCacheStore } from "../../src/adapters/cache/redis/store/redis-cache-store.js";
import type { RedisCommands } from "../../src/adapters/cache/redis/store/redis-commands.js";
import { trackedPrefixes } from "../../src/adapters/cache/redis/store/redis-keys.js";
import type { RedisTarget } from "../../src/adapters/cache/redis-client/link/redis-target.js";
import { openRedis, type RedisConnection } from "../../src/adapters/cache/redis-client/open-redis.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import type { Clock } from "../../src/ports/clock.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { RecordingLogger } from "../fakes/recording-logger.js";

export interface RedisStoreOptions {
  readonly target: RedisTarget;
  /** States of one environment do not meet those of another. */
  readonly environment: string;
  /** Another connection to Redis for notices of writes. */
  readonly changesFrom?: RedisTarget;
  /** What the store takes for now, and for Redis: connections keep to real time. */
  readonly clock?: Clock;
  readonly commands?: (real: RedisCommands) => RedisCommands;
  readonly ttlMs?: number;
  readonly maxRemembered?: number;
}

/** What one sidecar has of Redis: its own connections, its own cached states. */
export class RedisStore {
  readonly store: RedisCacheStore;
  readonly environment: string;
  readonly connection: RedisConnection;
  readonly logger = new RecordingLogger();
  readonly #changesConnection: RedisConnection;
  readonly #invalidations: Invalidations;
  readonly #changed = new EventEmitter();
  readonly #awaited = new Map<string, (() => void)[]>();
  /** Notices of single writes are lost, as while a connection is being made. */
  isDeaf = false;
  #isCoherent = false;

  constructor({
    target,
    environment,
    changesFrom = target,
    commands = (real) => real,
    ttlMs = 600_000,
    maxRemembered,
    ...rest
  }: RedisStoreOptions) {
    this.environment = environment;
    const telemetry = newTelemetry();
    const options = { keysTtlSecs: 600, commandTimeoutMs: 2_000 };
    const dependencies = {
      clock: new SystemClock(),
      logger: this.logger,
      telemetry,
      timing: { connectTimeoutMs: 5_000 },
    };
    this.connection = openRedis({ ...options, target }, dependencies);
    this.#changesConnection =
      changesFrom === target ? this.connection : openRedis({ ...options, target: changesFrom }, dependencies);
    this.#invalidations = this.#changesConnection.invalidations(...trackedPrefixes(environment));
    this.store = new RedisCacheStore({
      near: new MemoryCache(64 * 1024 * 1024, telemetry),
      commands: commands(this.connection.commands),
      environment,
      clock: rest.clock ?? new SystemClock(),
      logger: this.logger,
      commandTimeoutMs: options.commandTimeoutMs,
      ttlMs,
      maxRemembered,
    });
    this.#invalidations.start(this.#following(this.store.coherence));
  }

  get isCoherent(): boolean {
    return this.#isCoherent;
  }

  /** Resolves once commands reach Redis, and Redis tells of what is written. */
  async ready(): Promise<void> {
    await Promise.all([this.#isCoherent || once(this.#changed, "coherent"), connected(this.connection)]);
  }

  /** Resolves once Redis no longer tells of writes, and the store is notified of that. */
  async notifiedOfIncoherence(): Promise<void> {
    if (this.#isCoherent) await once(this.#changed, "incoherent");
  }

  /** Resolves once the notice of the next write to a key has come from Redis to the store. */
  notifiedOf(key: string): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited.set(key, [...(this.#awaited.get(key) ?? []), resolve]);
    });
  }

  async close(): Promise<void> {
    await this.#invalidations.stop();
    this.store.stop();
    this.connection.close();
    if (this.#changesConnection !== this.connection) this.#changesConnection.close();
  }

  #following(listener: InvalidationListener): InvalidationListener {
    return {
      coherent: () => {
        this.#isCoherent = true;
        listener.coherent();
        this.#changed.emit("coherent");
      },
      incoherent: () => {
        this.#isCoherent = false;
        listener.incoherent();
        this.#changed.emit("incoherent");
      },
      invalidated: (key) => {
        if (!this.isDeaf) listener.invalidated(key);
        const awaited = this.#awaited.get(key) ?? [];
        this.#awaited.delete(key);
        for (const resolve of awaited) resolve();
      },
      invalidatedAll: () => listener.invalidatedAll(),
    };
  }
}

async function connected({ commands }: RedisConnection): Promise<void> {
  if (commands.isConnected) return;
  await new Promise<void>((resolve) => {
    const stop = commands.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      stop();
      resolve();
    });
  });
}
