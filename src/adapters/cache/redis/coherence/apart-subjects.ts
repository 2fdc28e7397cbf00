import { BoundedSubjects, type Subject } from "../../../../domain/subject.js";
import type { Clock } from "../../../../ports/clock.js";

const DEFAULT_MAX_SUBJECTS = 10_000;

/**
 * Subjects whose keys in Redis are taken by another, so that they are cached in this process alone for a while: writes
 * to those keys do not concern them. Bounded: of too many, all are forgotten, and looked up in Redis once more.
 */
export class ApartSubjects {
  readonly #clock: Clock;
  readonly #lastsMs: number;
  readonly #endsAt: BoundedSubjects<number>;

  /** @param lastsMs how long until Redis is looked at again, milliseconds */
  constructor(clock: Clock, lastsMs: number, maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#clock = clock;
    this.#lastsMs = lastsMs;
    this.#endsAt = new BoundedSubjects(maxSubjects);
  }

  add(subject: Subject): void {
    if (!this.#endsAt.hasRoomFor(subject)) this.#endsAt.clear();
    this.#endsAt.set(subject, this.#clock.elapsed() + this.#lastsMs);
  }

  has(subject: Subject): boolean {
    if (this.#endsAt.size === 0) return false;
    const endsAt = this.#endsAt.get(subject);
    if (endsAt === undefined) return false;
    if (this.#clock.elapsed() < endsAt) return true;
    this.#endsAt.delete(subject);
    return false;
  }

  delete(subject: Subject): void {
    if (this.#endsAt.size > 0) this.#endsAt.delete(subject);
  }
}
