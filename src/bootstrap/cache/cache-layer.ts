import type { CacheStore } from "../../ports/cache-store.js";
import type { SharedFlights } from "../../ports/shared-flights.js";

/** Where states are kept outside of this process. */
export interface CacheLayer {
  readonly store: CacheStore;
  /** What of them is at hand in this process. */
  readonly near: CacheStore;
  readonly sharedFlights: SharedFlights;
  /** For the start message: where states are kept. */
  readonly description: string;
  /** Begins to connect. Returns at once and never throws: without it the service answers from upstream. */
  start(): void;
  close(): Promise<void>;
}
