import { BoundedSubjects } from "../../../../domain/bounded-subjects.js";
import type { Subject } from "../../../../domain/subject.js";

const DEFAULT_MAX_SUBJECTS = 10_000;

/**
 * Since when what is in Redis may have changed: this process missed changes of all, or one subject may have
 * changed. What was found to be true after that is fresh. Timestamps are epoch milliseconds.
 */
export class StaleMarkers {
  readonly #bySubject: BoundedSubjects<number>;
  #ofAll = -Infinity;
  #latest = -Infinity;

  constructor(maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#bySubject = new BoundedSubjects(maxSubjects);
  }

  markAllStale(now: number): void {
    this.#ofAll = Math.max(this.#ofAll, now);
  }

  /** A customer's stale marker counts for its resources. Beyond the limit, everything is marked stale. */
  markStale(subject: Subject, now: number): void {
    this.#latest = Math.max(this.#latest, now);
    if (!this.#bySubject.hasRoomFor(subject)) {
      this.#bySubject.clear();
      this.#ofAll = Math.max(this.#ofAll, this.#latest);
      return;
    }
    this.#bySubject.set(subject, now);
  }

  /** @param verifiedAt up to when the state in question is known to have been true */
  isStale({ customerId, resourceId }: Subject, verifiedAt: number): boolean {
    if (verifiedAt < this.#ofAll) return true;
    if (verifiedAt < (this.#bySubject.get({ customerId }) ?? -Infinity)) return true;
    return resourceId !== undefined && verifiedAt < (this.#bySubject.get({ customerId, resourceId }) ?? -Infinity);
  }
}
