import { type RedisOptions, ReplyError } from "ioredis";
import { BackOff, type CancelTimer, type Clock } from "../../../../ports/clock.js";
import type { LinkDependencies } from "../link/redis-link.js";
import { connectionTo, type OneServerTarget, type RedisAccess } from "../link/redis-target.js";
import { type LinkTiming, Session } from "../link/session.js";

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

const CHANNEL = "__redis__:invalidate";

export interface InvalidationSessionListener {
  tracking(): void;
  invalidated(key: string): void;
  invalidatedAll(): void;
  /** Nothing comes for a while: writes may go on that are yet to be reported. */
  silent(): void;
  /** Something came after all, and every write that was held up before it. */
  heard(): void;
  /** The server answers, and will not tell; it ends after that. */
  refused(reason: Error): void;
  /** Called once, at last. */
  ended(reason: Error): void;
}

/**
 * One connection on which one server tells of every write to keys with one of some prefixes. Tracking is redirected to the
 * connection itself, so that what tracks and what delivers end together.
 *
 * @returns what ends it
 */
function trackInvalidations(
  options: RedisOptions,
  prefixes: readonly string[],
  { timing, clock }: { readonly timing: LinkTiming; readonly clock: Clock },
  listener: InvalidationSessionListener,
): (reason: Error) => void {
  let isTracking = false;
  const session: Session = new Session(options, timing, clock, {
    ready: () => {
      track(session, prefixes).then(
        () => {
          if (!session.isReady) return;
          isTracking = true;
          listener.tracking();
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error : new Error("tracking failed");
          if (error instanceof ReplyError) listener.refused(reason);
          session.end(reason);
        },
      );
    },
    silent: () => isTracking && listener.silent(),
    heard: () => isTracking && listener.heard(),
    ended: (reason) => listener.ended(reason),
  });
  session.redis.on("messageBuffer", (channel: Buffer, keys: unknown) => {
    // What an ended session has yet to read is not this listener's any more.
    if (session.isReady && channel.toString() === CHANNEL) pass(keys, listener);
  });
  return (reason) => session.end(reason);
}

async function track({ redis }: Session, prefixes: readonly string[]): Promise<void> {
  const id = await redis.client("ID");
  await redis.call(
    "CLIENT",
    "TRACKING",
    "ON",
    "REDIRECT",
    id,
    "BCAST",
    ...prefixes.flatMap((prefix) => ["PREFIX", prefix]),
  );
  await redis.subscribe(CHANNEL);
}

function pass(keys: unknown, listener: InvalidationSessionListener): void {
  if (Array.isArray(keys)) for (const key of keys) listener.invalidated(String(key));
  // No list of keys: all of them, as after FLUSHALL.
  else listener.invalidatedAll();
}
