import type { Emulator } from "../../src/adapters/emulator/start-emulator.js";
import type { SubscriptionField } from "../../src/adapters/emulator/subscriptions/event-feeds.js";

/** What a check of a customer's seats was answered. */
export interface SeatsAnswer {
  readonly limit: number | undefined;
  readonly usage: number | undefined;
  readonly isFallback: boolean;
}

/** A client of the vendor's API, whichever it is, under the same faults as the other one. */
export interface Contestant {
  /** What it subscribes to. */
  readonly subscriptions: readonly SubscriptionField[];
  /** @throws Error where it can no longer be asked: its process has died */
  seats(customerId: string, resourceId?: string): Promise<SeatsAnswer>;
  /** Reports one more seat of acme's. @throws Error where it says that it failed */
  reportSeat(): Promise<void>;
  stop(): Promise<void>;
}

export interface ContestantOptions {
  /** Bound of its cache. */
  readonly cacheMaxBytes?: number | undefined;
  /** Where states are kept, in place of its memory alone. */
  readonly redis?: { readonly host: string; readonly port: number } | undefined;
}

/** What names the environment in Redis keys. */
export const REDIS_ENVIRONMENT = "bench";

export type StartContestant = (emulator: Emulator, options: ContestantOptions) => Promise<Contestant>;
