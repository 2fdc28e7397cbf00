import { SubjectMap } from "../../../../domain/subject-map.js";
import type { Subject } from "../../../../domain/subject.js";

const DEFAULT_MAX_RESOURCES = 10_000;

/**
 * Remembers, of resources about to be fetched, which state of their customer was in Redis before: what is fetched
 * after that reckons with it, though its own timestamp may be older. Without it, a resource that is older than its
 * customer would be asked for at every check, for ever. Timestamps are epoch milliseconds.
 */
export class CustomerTimestamps {
  readonly #maxResources: number;
  #seen = new SubjectMap<number>();
  #count = 0;

  constructor(maxResources = DEFAULT_MAX_RESOURCES) {
    this.#maxResources = maxResources;
  }

  /** The first one counts: a fetch may already be under way when a later one is seen. */
  see(resource: Subject, globalUpdatedAt: number): void {
    if (this.#seen.get(resource) !== undefined) return;
    if (this.#count++ >= this.#maxResources) {
      // Who is forgotten is asked for once more.
      this.#seen = new SubjectMap();
      this.#count = 1;
    }
    this.#seen.set(resource, globalUpdatedAt);
  }

  take(resource: Subject): number | undefined {
    const seen = this.#seen.get(resource);
    if (seen === undefined) return undefined;
    this.#seen.delete(resource);
    this.#count--;
    return seen;
  }
}
