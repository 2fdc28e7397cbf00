import { isEmptyState, type CustomerState } from "../domain/customer-state.js";
import { CodedError } from "../domain/errors.js";
import type { Subject } from "../domain/subject.js";
import type { CachedState, CacheStore } from "../ports/cache-store.js";
import type { Clock } from "../ports/clock.js";
import type { UpstreamClient } from "../ports/upstream-client.js";
import { SubjectMap } from "./subject-map.js";

interface Flight {
  readonly result: Promise<CachedState | undefined>;
  /** A change of the subject arrived since the flight began: what it brings may be from before it. */
  overtaken: boolean;
}

export interface LoadStateOptions {
  /** How long one fetch may take, milliseconds. */
  readonly fetchTimeoutMs: number;
  /** How long an answer that may not last is believed ("no such customer", or a trial that is over), milliseconds. */
  readonly recheckAfterMs: number;
}

/**
 * Asks upstream for a subject's state and stores it. However many ask at the same time, upstream is asked
 * once; those who stop waiting do not stop the fetch.
 */
export class LoadState {
  readonly #cache: CacheStore;
  readonly #upstream: UpstreamClient;
  readonly #clock: Clock;
  readonly #options: LoadStateOptions;
  readonly #flights = new SubjectMap<Flight>();

  constructor(cache: CacheStore, upstream: UpstreamClient, clock: Clock, options: LoadStateOptions) {
    this.#cache = cache;
    this.#upstream = upstream;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * @returns what is known once upstream has answered, or undefined where there is no upstream to ask
   * @throws CodedError as UpstreamClient.fetchState does, and `deadline-exceeded` after the fetch timeout
   */
  load(subject: Subject): Promise<CachedState | undefined> {
    const flying = this.#flights.get(subject);
    if (flying !== undefined && !flying.overtaken) return flying.result;
    return this.#takeOff(subject, false);
  }

  /** Always asks anew, past upstream's own caches: for a caller who knows that something has changed. */
  reload(subject: Subject): Promise<CachedState | undefined> {
    return this.#takeOff(subject, true);
  }

  /** Tells that a subject changed, and with a customer all its resources: fetches under way may bring what was before. */
  overtake({ customerId, resourceId }: Subject): void {
    if (resourceId === undefined) for (const flight of this.#flights.ofCustomer(customerId)) flight.overtaken = true;
    else {
      const flight = this.#flights.get({ customerId, resourceId });
      if (flight !== undefined) flight.overtaken = true;
    }
  }

  overtakeAll(): void {
    for (const flight of this.#flights.values()) flight.overtaken = true;
  }

  #takeOff(subject: Subject, latest: boolean): Promise<CachedState | undefined> {
    const flight: Flight = {
      result: Promise.resolve().then(() => this.#fetchAndStore(subject, latest, flight)).finally(() => {
        if (this.#flights.get(subject) === flight) this.#flights.delete(subject);
      }),
      overtaken: false,
    };
    this.#flights.set(subject, flight);
    return flight.result;
  }

  async #fetchAndStore(subject: Subject, latest: boolean, flight: Flight): Promise<CachedState | undefined> {
    const askedAt = this.#clock.now();
    const state = await this.#fetch(subject, latest);
    if (state === undefined) return undefined;
    return this.#cache.put(subject, {
      state,
      verifiedAt: askedAt,
      recheckAt: this.#recheckAt(state, askedAt),
      isVerified: !flight.overtaken,
    });
  }

  async #fetch(subject: Subject, latest: boolean): Promise<CustomerState | undefined> {
    const abort = new AbortController();
    const { fetchTimeoutMs } = this.#options;
    const cancelTimer = this.#clock.after(fetchTimeoutMs, () => abort.abort());
    try {
      return await this.#upstream.fetchState(subject, { signal: abort.signal, latest });
    } catch (error) {
      if (abort.signal.aborted) throw new CodedError("deadline-exceeded", `upstream did not answer within ${fetchTimeoutMs} ms`, { cause: error });
      throw error;
    } finally {
      cancelTimer();
    }
  }

  #recheckAt(state: CustomerState, now: number): number {
    // What upstream still says after its end is believed for a while, or every check would ask again.
    if (!isEmptyState(state) && state.validUntil > now) return state.validUntil;
    // Spread out, so that what was learnt together is not asked again together.
    return now + this.#options.recheckAfterMs * (0.75 + Math.random() / 2);
  }
}
