import type { RedisSecrets } from "../../adapters/cache/redis-client/open-redis.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { CrossProcessSingleFlight } from "../../ports/cross-process-single-flight.js";
import type { SharedPending } from "../../ports/shared-pending.js";

/** Where states are kept outside of this process. */
export interface CacheLayer {
  readonly store: CacheStore;
  /** What of them is cached in this process. */
  readonly near: CacheStore;
  readonly singleFlight: CrossProcessSingleFlight;
  /** What waits in the outboxes of all who share the states. @param outboxId of this process */
  pending(outboxId: string): SharedPending;
  /** For the start message: where states are kept. */
  readonly description: string;
  /** Begins to connect. Returns at once and never throws: without it the service answers from upstream. */
  start(): void;
  /** Passwords that are given as files may be others while the service runs. */
  useSecrets(secrets: RedisSecrets): void;
  close(): Promise<void>;
}
