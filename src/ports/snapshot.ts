import type { Subject } from "../domain/subject.js";

/** Cached states as bytes, for whoever keeps them across the end of a process. What it does is done when a call returns. */
export interface SnapshotStates {
  /** Subjects that are cached, some at a time. What changes meanwhile may be among them or not: see `onChange`. */
  subjects(): Iterable<readonly Subject[]>;
  /** The present states of some subjects, and of those that are not cached any more that they are not. */
  encode(subjects: readonly Subject[]): Buffer;
  /**
   * Caches what `encode` gave, in place of what is cached of its subjects. Nothing of it is vouched for: it serves where
   * nothing newer can be had.
   *
   * @returns how many subjects it tells of
   * @throws CodedError `invalid-argument` where it is not what `encode` gives; then nothing of it is cached
   */
  restore(bytes: Buffer): number;
  /** Calls back for each subject whose state is another, or gone. */
  onChange(listener: (subject: Subject) => void): void;
}
