import type { Clock } from "../../ports/clock.js";
import type { DecisionLog, LoggedDecision } from "../../ports/decision-log.js";

export interface RecentDenial extends LoggedDecision {
  readonly at: number;
}

/** How many are kept. */
const KEPT = 50;

/** The latest denials, for whoever looks at the service. */
export class RecentDenials implements DecisionLog {
  readonly #clock: Clock;
  readonly #kept: RecentDenial[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(decision: LoggedDecision): undefined {
    this.#kept.push({ ...decision, at: this.#clock.now() });
    if (this.#kept.length > KEPT) this.#kept.shift();
    return undefined;
  }

  /** The latest first. */
  get latest(): readonly RecentDenial[] {
    return [...this.#kept].reverse();
  }
}
