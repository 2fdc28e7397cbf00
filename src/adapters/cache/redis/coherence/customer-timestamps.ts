import { BoundedSubjects, type Subject } from "../../../../domain/subject.js";

const DEFAULT_MAX_RESOURCES = 10_000;

/**
 * Remembers, of resources about to be fetched, which state of their customer was in Redis before: what is fetched
 * after that reckons with it, though its own timestamp may be older. Without it, a resource that is older than its
 * customer would be asked for at every check, for ever. Timestamps are epoch milliseconds.
 */
export class CustomerTimestamps {
  readonly #seen: BoundedSubjects<number>;

  constructor(maxResources = DEFAULT_MAX_RESOURCES) {
    this.#seen = new BoundedSubjects(maxResources);
  }

  /** The first one counts: a fetch may already be under way when a later one is seen. */
  see(resource: Subject, globalUpdatedAt: number): void {
    if (this.#seen.has(resource)) return;
    // Who is forgotten is asked for once more.
    if (!this.#seen.hasRoomFor(resource)) this.#seen.clear();
    this.#seen.set(resource, globalUpdatedAt);
  }

  take(resource: Subject): number | undefined {
    const seen = this.#seen.get(resource);
    if (seen !== undefined) this.#seen.delete(resource);
    return seen;
  }
}
