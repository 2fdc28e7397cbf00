import { SubjectMap } from "../../domain/subject-map.js";
import type { Subject } from "../../domain/subject.js";

const DEFAULT_MAX_COUNT = 10_000;

/** Subjects of which only a cache of upstream's could tell when more was needed. Bounded, and forgets none by itself. */
export class LaggingSubjects {
  readonly #known = new SubjectMap<true>();
  readonly #maxCount: number;
  #count = 0;

  constructor(maxCount = DEFAULT_MAX_COUNT) {
    this.#maxCount = maxCount;
  }

  has(subject: Subject): boolean {
    return this.#known.get(subject) === true;
  }

  /** @returns false where there are too many already */
  add(subject: Subject): boolean {
    if (this.has(subject)) return true;
    if (this.#count >= this.#maxCount) return false;
    this.#known.set(subject, true);
    this.#count++;
    return true;
  }

  delete(subject: Subject): void {
    if (!this.has(subject)) return;
    this.#known.delete(subject);
    this.#count--;
  }
}
