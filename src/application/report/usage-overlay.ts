import type { CustomerState } from "../../domain/customer-state.js";
import { OverlaidState } from "../../domain/outbox/overlaid-state.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";

/** Has checks count what was accepted and is not in upstream's usage yet. */
export class UsageOverlay {
  readonly #outbox: OutboxState;

  constructor(outbox: OutboxState) {
    this.#outbox = outbox;
  }

  /** On the path of every check. @param now epoch milliseconds */
  over(state: CustomerState, customerId: string, resourceId: string | undefined, now: number): CustomerState {
    if (this.#outbox.waiting.size === 0) return state;
    const series = this.#outbox.seriesOf({ customerId, resourceId });
    return series === undefined ? state : new OverlaidState(state, series, now);
  }
}
