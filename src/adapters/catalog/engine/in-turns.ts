/** How long the work of one turn of the event loop may take, milliseconds: what waits behind it does not notice. */
const TURN_MS = 3;

const MAX_STEPS = 4_096;

/**
 * Does work of many steps a few at a time, so that whatever else the process does goes on between them. The first few
 * are done at once.
 *
 * @param isEnded looked at before each turn: what is left is then not done
 * @returns what the work returns, or undefined where it was ended
 */
export function inTurns<R>(work: Iterator<unknown, R>, isEnded: () => boolean): Promise<R | undefined> {
  let steps = 8;
  let startedAt = 0;
  let result: { readonly value: R | undefined } | undefined;
  let failure: Error | undefined;

  async function turn(): Promise<void> {
    startedAt = performance.now();
    try {
      for (let step = 0; step < steps && performance.now() - startedAt < TURN_MS; step++) {
        const next = work.next();
        if (next.done === true) {
          result = { value: next.value };
          return;
        }
        // What a step sets off without waiting belongs to its cost.
        await Promise.resolve();
      }
    } catch (error) {
      failure = error as Error;
    }
  }

  return new Promise((resolve, reject) => {
    const settle = () => {
      if (failure !== undefined) reject(failure);
      else if (result !== undefined) resolve(result.value);
      else if (isEnded()) resolve(undefined);
      else return false;
      return true;
    };
    const next = () => {
      if (settle()) return;
      setImmediate(() => void turn());
      // Runs right after the turn and all that it set off, and before anything else: so much did it take.
      setImmediate(() => {
        steps = performance.now() - startedAt > 2 * TURN_MS ? Math.max(1, steps >> 1) : Math.min(MAX_STEPS, steps * 2);
        next();
      });
    };
    void turn().then(next);
  });
}
