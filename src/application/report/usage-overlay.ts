import type { CustomerState } from "../../domain/customer-state.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { OverlaidState, type PendingUsage, type PendingUsages } from "../../domain/outbox/overlaid-state.js";
import type { PendingAmounts } from "../../domain/outbox/pending-amounts.js";
import type { SharedPending } from "../../ports/shared-cache.js";

const NOTHING: readonly PendingAmounts[] = [];

/** Has checks count what was accepted, here and by others who share the cache, and is not in upstream's usage yet. */
export class UsageOverlay implements PendingUsages {
  readonly #outbox: OutboxState;
  readonly #shared: SharedPending | undefined;

  /** @param shared undefined: nobody shares a cache with this process */
  constructor(outbox: OutboxState, shared?: SharedPending) {
    this.#outbox = outbox;
    this.#shared = shared;
  }

  /** On the path of every check. @param now epoch milliseconds */
  over(state: CustomerState, customerId: string, resourceId: string | undefined, now: number): CustomerState {
    return this.#outbox.filter.mayHaveAny(customerId) || this.#haveOthersAny()
      ? new OverlaidState(state, this, customerId, resourceId, now)
      : state;
  }

  mayHave(customerId: string, featureId: string): boolean {
    return this.#outbox.filter.mayHave(customerId, featureId) || this.#haveOthersAny();
  }

  of(customerId: string, resourceId: string | undefined): PendingUsage {
    return {
      own: this.#outbox.waiting.size > 0 ? this.#outbox.seriesOf({ customerId, resourceId }) : undefined,
      others: this.#shared?.ofOthers(customerId, resourceId) ?? NOTHING,
    };
  }

  #haveOthersAny(): boolean {
    return this.#shared !== undefined && this.#shared.othersSize > 0;
  }
}
