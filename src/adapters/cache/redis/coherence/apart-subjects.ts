import { SubjectMap } from "../../../../domain/subject-map.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Clock } from "../../../../ports/clock.js";

const DEFAULT_MAX_SUBJECTS = 10_000;

/**
 * Subjects whose keys in Redis are taken by another, so that they are cached in this process alone for a while: writes
 * to those keys do not concern them. Bounded: of too many, all are forgotten, and looked up in Redis once more.
 */
export class ApartSubjects {
  readonly #clock: Clock;
  readonly #lastsMs: number;
  readonly #maxSubjects: number;
  #endsAt = new SubjectMap<number>();
  #count = 0;

  /** @param lastsMs how long until Redis is looked at again, milliseconds */
  constructor(clock: Clock, lastsMs: number, maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#clock = clock;
    this.#lastsMs = lastsMs;
    this.#maxSubjects = maxSubjects;
  }

  add(subject: Subject): void {
    if (this.#endsAt.get(subject) === undefined && this.#count++ >= this.#maxSubjects) {
      this.#endsAt = new SubjectMap();
      this.#count = 1;
    }
    this.#endsAt.set(subject, this.#clock.now() + this.#lastsMs);
  }

  has(subject: Subject): boolean {
    if (this.#count === 0) return false;
    const endsAt = this.#endsAt.get(subject);
    if (endsAt === undefined) return false;
    if (this.#clock.now() < endsAt) return true;
    this.delete(subject);
    return false;
  }

  delete(subject: Subject): void {
    if (this.#count === 0 || this.#endsAt.get(subject) === undefined) return;
    this.#endsAt.delete(subject);
    this.#count--;
  }
}
