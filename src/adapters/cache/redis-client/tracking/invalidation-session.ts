import { type RedisOptions, ReplyError } from "ioredis";
import type { Clock } from "../../../../ports/clock.js";
import type { LinkTiming } from "../link/link-timing.js";
import { Session } from "../link/session.js";

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
export function trackInvalidations(
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
