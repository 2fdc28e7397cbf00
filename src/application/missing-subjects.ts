import { saysEntityIsMissing } from "../domain/access-denied-reason.js";
import { CodedError } from "../domain/errors.js";
import { SubjectMap } from "../domain/subject-map.js";
import type { Subject } from "../domain/subject.js";
import type { CacheStore } from "../ports/cache-store.js";

/**
 * Bounds how many subjects are remembered for not being known upstream: whoever asks for ids that do not exist
 * must not drive those that do out of the cache.
 */
export class MissingSubjects {
  readonly #cache: CacheStore;
  readonly #maxCount: number;
  readonly #oldestFirst = new Set<Subject>();
  readonly #known = new SubjectMap<true>();

  constructor(cache: CacheStore, maxCount: number) {
    this.#cache = cache;
    this.#maxCount = maxCount;
  }

  /** Remembers one more, and has the cache forget the one remembered longest where they are too many. */
  remember(subject: Subject): void {
    if (this.#known.get(subject) === true) return;
    this.#known.set(subject, true);
    this.#oldestFirst.add(subject);
    if (this.#oldestFirst.size <= this.#maxCount) return;
    for (const oldest of this.#oldestFirst) {
      this.#oldestFirst.delete(oldest);
      this.#known.delete(oldest);
      void this.#forget(oldest);
      return;
    }
  }

  async #forget(subject: Subject): Promise<void> {
    try {
      const held = await this.#cache.load(subject);
      // It may have come into being since.
      if (saysEntityIsMissing(held?.state.accessDeniedReason)) await this.#cache.forget(subject);
    } catch (error) {
      // A store out of reach has a bound of its own: what it keeps there expires.
      if (!(error instanceof CodedError)) throw error;
    }
  }
}
