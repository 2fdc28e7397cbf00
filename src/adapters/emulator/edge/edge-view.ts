import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import type { UpstreamClient } from "../../../ports/upstream-client.js";
import { fetchKnownState } from "../fetch-known-state.js";

/** Bounds what a long run remembers. */
const MAX_CUSTOMERS = 20_000;

/**
 * States as Edge tells them: the present ones, or while it lags those that it told last. What it never
 * told before it began to lag stands still from the first time that it is asked.
 */
export class EdgeView {
  readonly #upstream: UpstreamClient;
  readonly #served = new Map<string, Map<string | undefined, CustomerState>>();
  #isLagging = false;

  constructor(upstream: UpstreamClient) {
    this.#upstream = upstream;
  }

  lag(isLagging: boolean): void {
    this.#isLagging = isLagging;
  }

  async fetch(subject: Subject, signal: AbortSignal): Promise<CustomerState> {
    const served = this.#isLagging ? this.#served.get(subject.customerId)?.get(subject.resourceId) : undefined;
    if (served !== undefined) return served;
    const state = await fetchKnownState(this.#upstream, subject, { signal, latest: false });
    this.#remember(subject, state);
    return state;
  }

  #remember({ customerId, resourceId }: Subject, state: CustomerState): void {
    const states = this.#served.get(customerId) ?? new Map<string | undefined, CustomerState>();
    states.set(resourceId, state);
    this.#served.delete(customerId);
    this.#served.set(customerId, states);
    for (const oldest of this.#served.keys()) {
      if (this.#served.size <= MAX_CUSTOMERS) break;
      this.#served.delete(oldest);
    }
  }
}
