/** Resolves once everything that promises have set going without waiting for the outside is done. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
