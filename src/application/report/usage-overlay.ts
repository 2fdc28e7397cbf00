import type { CustomerState } from "../../domain/customer-state.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { OverlaidState } from "../../domain/outbox/overlaid-state.js";
import type { PendingAmounts } from "../../domain/outbox/pending-amounts.js";
import type { SharedPending } from "../../ports/shared-pending.js";

const NOTHING: readonly PendingAmounts[] = [];

/** Has checks count what was accepted, here and by others who share the cache, and is not in upstream's usage yet. */
export class UsageOverlay {
  readonly #outbox: OutboxState;
  readonly #shared: SharedPending | undefined;

  /** @param shared undefined: nobody shares a cache with this process */
  constructor(outbox: OutboxState, shared?: SharedPending) {
    this.#outbox = outbox;
    this.#shared = shared;
  }

  /** On the path of every check. @param now epoch milliseconds */
  over(state: CustomerState, customerId: string, resourceId: string | undefined, now: number): CustomerState {
    const hasOwn = this.#outbox.waiting.size > 0;
    const hasOthers = this.#shared !== undefined && this.#shared.othersSize > 0;
    if (!hasOwn && !hasOthers) return state;
    const own = hasOwn ? this.#outbox.seriesOf({ customerId, resourceId }) : undefined;
    const others = hasOthers ? this.#shared.ofOthers(customerId, resourceId) : undefined;
    if (own === undefined && others === undefined) return state;
    return new OverlaidState(state, own, others ?? NOTHING, now);
  }
}
