import type { CustomerState } from "../../../domain/customer-state.js";
import { SubjectMap } from "../../../domain/subject-map.js";
import type { Subject } from "../../../domain/subject.js";
import type { Clock } from "../../../ports/clock.js";
import type { Operation } from "./operation.js";
import { isRefusal } from "./upstream-failure.js";

export interface RefusalMemoryOptions {
  /** How long upstream is not asked again for a subject that it refused, milliseconds. */
  readonly forMs: number;
  /** How many subjects are remembered; beyond it the one refused longest ago is asked for again. */
  readonly maxSubjects: number;
  /** Called for each refusal of upstream's, not for those repeated from memory. */
  readonly onRefused: (error: unknown) => void;
}

interface Refusal {
  readonly subject: Subject;
  readonly error: unknown;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Repeats upstream's refusal of a subject for a while, so that whoever asks for it again and again costs upstream nothing. */
export function withRefusalMemory(
  operation: Operation<Subject, CustomerState>,
  { forMs, maxSubjects, onRefused }: RefusalMemoryOptions,
  clock: Clock,
): Operation<Subject, CustomerState> {
  const bySubject = new SubjectMap<Refusal>();
  const oldestFirst = new Set<Refusal>();

  const forget = (refusal: Refusal) => {
    oldestFirst.delete(refusal);
    if (bySubject.get(refusal.subject) === refusal) bySubject.delete(refusal.subject);
  };
  const remember = (subject: Subject, error: unknown) => {
    const known = bySubject.get(subject);
    if (known !== undefined) forget(known);
    const refusal = { subject, error, until: clock.now() + forMs };
    bySubject.set(subject, refusal);
    oldestFirst.add(refusal);
    if (oldestFirst.size <= maxSubjects) return;
    for (const oldest of oldestFirst) {
      forget(oldest);
      return;
    }
  };

  return async (subject, signal) => {
    const known = bySubject.get(subject);
    if (known !== undefined) {
      if (clock.now() < known.until) throw known.error;
      forget(known);
    }
    try {
      return await operation(subject, signal);
    } catch (error) {
      if (isRefusal(error)) {
        remember(subject, error);
        onRefused(error);
      }
      throw error;
    }
  };
}
