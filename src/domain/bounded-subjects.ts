import type { Subject } from "./subject.js";
import { SubjectMap } from "./subject-map.js";

interface Entry<V> {
  readonly subject: Subject;
  readonly value: V;
}

/**
 * Values by subject, in the order in which they were set, of a bounded number. What becomes of one too many is for its
 * holder to say: `hasRoomFor` before it is set, `clear` to begin anew, or `takeOldest` after it was.
 */
export class BoundedSubjects<V> {
  readonly #maxCount: number;
  #bySubject = new SubjectMap<Entry<V>>();
  readonly #oldestFirst = new Set<Entry<V>>();
  /** Stands behind what was taken out: a new one would have to pass by all that is gone. */
  #oldest = this.#oldestFirst.values();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get size(): number {
    return this.#oldestFirst.size;
  }

  /** Whether more are held than may be. */
  get isOverfull(): boolean {
    return this.size > this.#maxCount;
  }

  hasRoomFor(subject: Subject): boolean {
    return this.size < this.#maxCount || this.has(subject);
  }

  has(subject: Subject): boolean {
    return this.#bySubject.get(subject) !== undefined;
  }

  get(subject: Subject): V | undefined {
    return this.#bySubject.get(subject)?.value;
  }

  /** The last to be the oldest from now on, whether it was held before or not. */
  set(subject: Subject, value: V): void {
    this.delete(subject);
    const entry = { subject, value };
    this.#bySubject.set(subject, entry);
    this.#oldestFirst.add(entry);
  }

  delete(subject: Subject): void {
    const entry = this.#bySubject.get(subject);
    if (entry === undefined) return;
    this.#bySubject.delete(subject);
    this.#oldestFirst.delete(entry);
  }

  clear(): void {
    this.#bySubject = new SubjectMap();
    this.#oldestFirst.clear();
    this.#oldest = this.#oldestFirst.values();
  }

  /** Takes out what was set longest ago. */
  takeOldest(): Entry<V> | undefined {
    let next = this.#oldest.next();
    if (next.done === true) next = (this.#oldest = this.#oldestFirst.values()).next();
    if (next.done === true) return undefined;
    this.delete(next.value.subject);
    return next.value;
  }

  /** The one that was set longest ago first. */
  *values(): Iterable<V> {
    for (const { value } of this.#oldestFirst) yield value;
  }
}
