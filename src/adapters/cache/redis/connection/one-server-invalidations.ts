import type { CancelTimer } from "../../../../ports/clock.js";
import type { InvalidationListener, Invalidations } from "../invalidations.js";
import { trackInvalidations } from "./invalidation-session.js";
import { ReconnectDelay } from "./link-timing.js";
import { reasonOf } from "./redis-failure.js";
import type { LinkDependencies } from "./redis-link.js";
import { connectionTo, nameOf, type OneServerTarget, type RedisAccess } from "./redis-target.js";

/** News of writes from one server, or from whoever is the master that Sentinels know. */
export class OneServerInvalidations implements Invalidations {
  readonly #target: OneServerTarget;
  readonly #access: RedisAccess;
  readonly #prefix: string;
  readonly #dependencies: LinkDependencies;
  readonly #delay: ReconnectDelay;
  #listener: InvalidationListener | undefined;
  #endSession: ((reason: Error) => void) | undefined;
  #cancelReconnect: CancelTimer | undefined;
  #trackingSince: number | undefined;

  constructor(target: OneServerTarget, access: RedisAccess, prefix: string, dependencies: LinkDependencies) {
    this.#target = target;
    this.#access = access;
    this.#prefix = prefix;
    this.#dependencies = dependencies;
    this.#delay = new ReconnectDelay(dependencies.timing, dependencies.random);
  }

  start(listener: InvalidationListener): void {
    this.#listener = listener;
    this.#track();
  }

  stop(): Promise<void> {
    this.#listener = undefined;
    this.#cancelReconnect?.();
    this.#endSession?.(new Error("closed"));
    return Promise.resolve();
  }

  #track(): void {
    const { clock, logger, timing } = this.#dependencies;
    const options = connectionTo(this.#target, this.#access, timing.connectTimeoutMs);
    this.#endSession = trackInvalidations(options, this.#prefix, this.#dependencies, {
      tracking: () => {
        this.#trackingSince = clock.now();
        logger.info("Redis tells of writes", { redis: nameOf(this.#target) });
        this.#listener?.coherent();
      },
      invalidated: (key) => this.#listener?.invalidated(key),
      invalidatedAll: () => this.#listener?.invalidatedAll(),
      ended: (reason) => this.#ended(reason),
    });
  }

  #ended(reason: Error): void {
    if (this.#listener === undefined) return;
    const { clock, logger, telemetry } = this.#dependencies;
    telemetry.redisClientErrors++;
    const since = this.#trackingSince;
    this.#trackingSince = undefined;
    this.#cancelReconnect = clock.after(this.#delay.nextMs(since === undefined ? 0 : clock.now() - since), () => this.#track());
    if (since === undefined) return;
    logger.warn("Redis tells of no writes: what is held in memory is in doubt", { redis: nameOf(this.#target), reason: reasonOf(reason) });
    this.#listener.incoherent();
  }
}
