import { BoundedSubjects } from "../../../domain/bounded-subjects.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import type { Clock } from "../../../ports/clock.js";
import type { Operation } from "./operation.js";
import { isRefusal, isUnreadable } from "./upstream-failure.js";

export interface RefusalMemoryOptions {
  /** How long upstream is not asked again for a subject that it refused, or answered for what cannot be read, milliseconds. */
  readonly forMs: number;
  /** How many subjects are remembered; beyond it the one refused longest ago is asked for again. */
  readonly maxSubjects: number;
  /** Called for each such answer of upstream's, not for those repeated from memory. */
  readonly onRefused: (error: unknown) => void;
}

interface Refusal {
  readonly error: unknown;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Repeats upstream's refusal of a subject for a while, and what it said of one that cannot be read, so that whoever asks for it again and again costs upstream nothing. */
export function withRefusalMemory(
  operation: Operation<Subject, CustomerState>,
  { forMs, maxSubjects, onRefused }: RefusalMemoryOptions,
  clock: Clock,
): Operation<Subject, CustomerState> {
  const refusals = new BoundedSubjects<Refusal>(maxSubjects);
  return async (subject, signal) => {
    const known = refusals.get(subject);
    if (known !== undefined) {
      if (clock.now() < known.until) throw known.error;
      refusals.delete(subject);
    }
    try {
      return await operation(subject, signal);
    } catch (error) {
      if (isRefusal(error) || isUnreadable(error)) {
        // Without what else is handed through with it.
        const { customerId, resourceId } = subject;
        refusals.set({ customerId, resourceId }, { error, until: clock.now() + forMs });
        if (refusals.isOverfull) refusals.takeOldest();
        onRefused(error);
      }
      throw error;
    }
  };
}
