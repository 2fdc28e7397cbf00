import { CodedError } from "../../../../domain/errors.js";
import type { Clock } from "../../../../ports/clock.js";

/**
 * What `work` settles to, unless the time ends first. The work itself goes on: others may be waiting for it.
 *
 * @throws CodedError `unavailable` once the time ends
 */
export function waitAtMost<T>(work: Promise<T>, waitMs: number, clock: Clock): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancelTimer = clock.after(Math.max(0, waitMs), () =>
      reject(new CodedError("unavailable", `Redis did not answer within ${Math.round(waitMs)} ms`)),
    );
    work.then(resolve, reject).finally(cancelTimer);
  });
}
