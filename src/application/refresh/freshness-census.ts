import { type StaleReason, staleReason, type StreamStatus } from "../../domain/freshness/freshness.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";

export interface FreshnessCounts {
  readonly fresh: number;
  readonly stale: Readonly<Record<StaleReason, number>>;
  /** Up to when the state is known to have been true that was verified longest ago, epoch milliseconds; undefined: nothing is cached. */
  readonly oldestVerifiedAt: number | undefined;
}

/** States looked at in one turn of the event loop: some tenths of a millisecond. */
const SLICE = 1_000;
/** For how long a count serves, milliseconds: a million states take a second of turns. */
const COUNT_SERVES_MS = 5_000;

/** Counts cached states by their freshness, a slice in each turn of the event loop, however many there are. */
export class FreshnessCensus {
  readonly #cache: Pick<CacheStore, "holdings">;
  readonly #stream: StreamStatus;
  readonly #clock: Clock;
  #running: Promise<FreshnessCounts> | undefined;
  #latest: { readonly counts: FreshnessCounts; readonly at: number } | undefined;

  constructor(cache: Pick<CacheStore, "holdings">, stream: StreamStatus, clock: Clock) {
    this.#cache = cache;
    this.#stream = stream;
    this.#clock = clock;
  }

  /** Never rejects. As of now, or of some seconds ago. */
  count(): Promise<FreshnessCounts> {
    const latest = this.#latest;
    if (latest !== undefined && Math.abs(this.#clock.now() - latest.at) < servesMs(latest.counts))
      return Promise.resolve(latest.counts);
    return (this.#running ??= this.#take().finally(() => (this.#running = undefined)));
  }

  async #take(): Promise<FreshnessCounts> {
    const stale: Record<StaleReason, number> = { changed: 0, due: 0, stream_lost: 0, too_old: 0 };
    let fresh = 0;
    let oldest = Infinity;
    let left = SLICE;
    for (const holding of this.#cache.holdings()) {
      const reason = staleReason(holding, this.#stream, this.#clock.now());
      if (reason === undefined) fresh++;
      else stale[reason]++;
      if (holding.verifiedAt < oldest) oldest = holding.verifiedAt;
      if (--left > 0) continue;
      left = SLICE;
      await nextTurn();
    }
    const counts = { fresh, stale, oldestVerifiedAt: oldest === Infinity ? undefined : oldest };
    this.#latest = { counts, at: this.#clock.now() };
    return counts;
  }
}

/** A count of few costs nothing, and is as of now. */
function servesMs({ fresh, stale }: FreshnessCounts): number {
  return fresh + stale.changed + stale.due + stale.stream_lost + stale.too_old <= SLICE ? 0 : COUNT_SERVES_MS;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
