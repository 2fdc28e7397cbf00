import type { Clock } from "../../ports/clock.js";
import type { DecisionLog, LoggedDecision } from "../../ports/decision-log.js";
import { Latest } from "./latest.js";

export interface RecentDenial extends LoggedDecision {
  readonly at: number;
}

/** The latest denials, for whoever looks at the service. */
export class RecentDenials implements DecisionLog {
  readonly #denials: Latest<LoggedDecision>;

  constructor(clock: Clock) {
    this.#denials = new Latest(clock);
  }

  write(decision: LoggedDecision): undefined {
    this.#denials.add(decision);
    return undefined;
  }

  /** The latest first. */
  get latest(): readonly RecentDenial[] {
    return this.#denials.all;
  }
}
