import { BackOff } from "../../../../ports/back-off.js";
import type { CancelTimer } from "../../../../ports/clock.js";
import type { LinkDependencies } from "../link/redis-link.js";
import { connectionTo, type OneServerTarget, type RedisAccess } from "../link/redis-target.js";
import { trackInvalidations } from "./invalidation-session.js";

export interface TrackingListener {
  tracking(): void;
  invalidated(key: string): void;
  invalidatedAll(): void;
  /** The server answers, and will not tell. Notified once, until it does. */
  refused(reason: Error): void;
  /** Not called before the first `tracking`. */
  lost(reason: Error): void;
}

/** Keeps one server telling of writes, until it is stopped. */
export class PersistentTracking {
  readonly #target: OneServerTarget;
  readonly #access: RedisAccess;
  readonly #prefixes: readonly string[];
  readonly #dependencies: LinkDependencies;
  readonly #listener: TrackingListener;
  readonly #backOff: BackOff;
  #trackingSince: number | undefined;
  #isRefused = false;
  #isSilent = false;
  #isStopped = false;
  #endSession: ((reason: Error) => void) | undefined;
  #cancelReconnect: CancelTimer | undefined;

  constructor(
    target: OneServerTarget,
    access: RedisAccess,
    prefixes: readonly string[],
    dependencies: LinkDependencies,
    listener: TrackingListener,
  ) {
    this.#target = target;
    this.#access = access;
    this.#prefixes = prefixes;
    this.#dependencies = dependencies;
    this.#listener = listener;
    this.#backOff = new BackOff(dependencies.timing, dependencies.random);
    this.#track();
  }

  get isTracking(): boolean {
    return this.#trackingSince !== undefined && !this.#isSilent;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelReconnect?.();
    this.#endSession?.(new Error("closed"));
  }

  #track(): void {
    const { clock, timing } = this.#dependencies;
    const options = connectionTo(this.#target, this.#access, timing.connectTimeoutMs);
    this.#endSession = trackInvalidations(options, this.#prefixes, this.#dependencies, {
      tracking: () => {
        this.#trackingSince = clock.now();
        this.#isRefused = false;
        this.#listener.tracking();
      },
      silent: () => {
        this.#isSilent = true;
        this.#listener.lost(new Error("nothing comes from Redis, not even the answer to a ping"));
      },
      heard: () => {
        this.#isSilent = false;
        this.#listener.tracking();
      },
      invalidated: (key) => this.#listener.invalidated(key),
      invalidatedAll: () => this.#listener.invalidatedAll(),
      refused: (reason) => {
        if (this.#isRefused) return;
        this.#isRefused = true;
        this.#listener.refused(reason);
      },
      ended: (reason) => this.#ended(reason),
    });
  }

  #ended(reason: Error): void {
    if (this.#isStopped) return;
    const { clock, telemetry } = this.#dependencies;
    telemetry.redisClientErrors++;
    const since = this.#trackingSince;
    const wasSilent = this.#isSilent;
    this.#trackingSince = undefined;
    this.#isSilent = false;
    this.#cancelReconnect = clock.after(this.#backOff.nextMs(since === undefined ? 0 : clock.now() - since), () =>
      this.#track(),
    );
    if (since !== undefined && !wasSilent) this.#listener.lost(reason);
  }
}
