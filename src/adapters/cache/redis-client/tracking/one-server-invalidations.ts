import { OutageLog } from "../../../../ports/logger.js";
import { DependencyState } from "../../../../ports/telemetry.js";
import type { InvalidationListener, Invalidations } from "../../redis/coherence/coherence.js";
import { reasonOf } from "../link/redis-failure.js";
import type { LinkDependencies } from "../link/redis-link.js";
import { nameOf, type OneServerTarget, type RedisAccess } from "../link/redis-target.js";
import { PersistentTracking } from "./persistent-tracking.js";

/** How a server that does not tell reads in a log. */
export const REFUSED = "Redis refuses to notify of writes: no state is cached in this process, each check reads Redis";

/** Notices of writes from one server, or from whoever is the master that Sentinels know. */
export class OneServerInvalidations implements Invalidations {
  readonly #target: OneServerTarget;
  readonly #access: RedisAccess;
  readonly #prefixes: readonly string[];
  readonly #dependencies: LinkDependencies;
  #tracking: PersistentTracking | undefined;

  constructor(
    target: OneServerTarget,
    access: RedisAccess,
    prefixes: readonly string[],
    dependencies: LinkDependencies,
  ) {
    this.#target = target;
    this.#access = access;
    this.#prefixes = prefixes;
    this.#dependencies = dependencies;
  }

  start(listener: InvalidationListener): void {
    const { logger, telemetry } = this.#dependencies;
    const outage = new OutageLog(logger, new DependencyState("redis_invalidations", telemetry.dependencies));
    const redis = nameOf(this.#target);
    this.#tracking = new PersistentTracking(this.#target, this.#access, this.#prefixes, this.#dependencies, {
      tracking: () => {
        outage.recovered("Redis tells of writes", { redis });
        listener.coherent();
      },
      invalidated: (key) => listener.invalidated(key),
      invalidatedAll: () => listener.invalidatedAll(),
      refused: (reason) => outage.lost("warn", REFUSED, { redis, reason: reasonOf(reason) }),
      lost: (reason) => {
        outage.lost("warn", "Redis sends no invalidations: what is held in memory may be stale", {
          redis,
          reason: reasonOf(reason),
        });
        listener.incoherent();
      },
    });
  }

  stop(): Promise<void> {
    this.#tracking?.stop();
    return Promise.resolve();
  }
}
