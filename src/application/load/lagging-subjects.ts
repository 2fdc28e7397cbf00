import { BoundedSubjects } from "../../domain/bounded-subjects.js";
import type { Subject } from "../../domain/subject.js";

const DEFAULT_MAX_COUNT = 10_000;

/** Subjects of which only a cache of upstream's could tell when more was needed. Bounded, and forgets none by itself. */
export class LaggingSubjects {
  readonly #known: BoundedSubjects<true>;

  constructor(maxCount = DEFAULT_MAX_COUNT) {
    this.#known = new BoundedSubjects(maxCount);
  }

  has(subject: Subject): boolean {
    return this.#known.has(subject);
  }

  /** @returns false where there are too many already */
  add(subject: Subject): boolean {
    if (!this.#known.hasRoomFor(subject)) return false;
    this.#known.set(subject, true);
    return true;
  }

  delete(subject: Subject): void {
    this.#known.delete(subject);
  }
}
