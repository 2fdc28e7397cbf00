import { CodedError } from "../domain/errors.js";
import type { Clock } from "../ports/clock.js";

/**
 * What `work` settles to, unless the budget ends or the caller goes away first. The work itself goes on:
 * others may be waiting for it.
 *
 * @throws CodedError `deadline-exceeded` or `cancelled`
 */
export function withinBudget<T>(
  work: Promise<T>,
  budgetMs: number,
  signal: AbortSignal | undefined,
  clock: Clock,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancelTimer = clock.after(Math.max(0, budgetMs), () =>
      settle(() => reject(new CodedError("deadline-exceeded", `no answer within ${budgetMs} ms`))),
    );
    const onAbort = () => settle(() => reject(new CodedError("cancelled", "the caller went away")));
    const settle = (how: () => void) => {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
      how();
    };
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new CodedError("internal", String(error)))),
    );
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort);
  });
}
