import type { UsageSeries } from "../../domain/outbox/usage-entry.js";

/** How long what upstream refused once is sent alone, milliseconds; and of how many features of subjects that is known. */
const ALONE_MS = 600_000;
const MAX_SERIES = 10_000;

/** Features of subjects that upstream refused lately: in a request with others they would have all of them refused. */
export class RefusedSeries {
  /** Until when, in the order in which they were refused. */
  readonly #until = new Map<string, number>();

  has(series: UsageSeries, now: number): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(keyOf(series));
    return until !== undefined && now < until;
  }

  add(series: UsageSeries, now: number): void {
    const key = keyOf(series);
    this.#until.delete(key);
    this.#until.set(key, now + ALONE_MS);
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size <= MAX_SERIES) break;
      this.#until.delete(oldest);
    }
  }
}

/** A list as JSON is never the same as another list. */
function keyOf({ subject, featureId }: UsageSeries): string {
  return JSON.stringify([subject.customerId, subject.resourceId ?? null, featureId]);
}
