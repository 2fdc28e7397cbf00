import type { Subject } from "../../domain/subject.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { CrossProcessSingleFlight, SharedHearing, SharedPending } from "../../ports/shared-cache.js";
import type { ReplaceableSecret } from "../process/follow-file-settings.js";
import type { Services } from "../source/source.js";

/** What commands are made to suffer: they fail at once, or no answer ever comes. */
export type RedisFault = "reset" | "hang";

export interface ApartStore {
  readonly store: CacheStore;
  close(): void;
}

/** Where states are kept outside of this process. */
export interface CacheLayer {
  readonly store: CacheStore;
  /** What of them is cached in this process. */
  readonly near: CacheStore;
  readonly singleFlight: CrossProcessSingleFlight;
  /** Notified of what this process hears of changes, for those who hear none. */
  readonly hearing: SharedHearing;
  /** What waits in the outboxes of all who share the states. @param outboxId of this process */
  pending(outboxId: string): SharedPending;
  /** For the start message: where states are kept. */
  readonly description: string;
  /**
   * Begins to connect. Returns at once and never throws: without it the service answers from upstream.
   *
   * @param onWritten learns of each subject whose state somebody wrote; must not throw
   */
  start(onWritten?: (subject: Subject) => void): void;
  /** What it is opened with, and that may be another while the service runs. */
  readonly replaceable: readonly ReplaceableSecret[];
  /** What of it is given as files that are followed beside those of settings, by the variable that each would be a value of. */
  readonly files: Readonly<Record<string, string>>;
  /** Has states cached that others who share them were asked for lately, as many as there is time for. Never fails. */
  warm(): Promise<void>;
  /** The same store as it is while Redis cannot be reached, over what is cached in this process by now. */
  withoutRedis(services: Services, fault: RedisFault): ApartStore;
  close(): Promise<void>;
}
