import { afterEach } from "@jest/globals";

type CleanUp = () => unknown;

const cleanUps: CleanUp[] = [];

afterEach(async () => {
  const failures: unknown[] = [];
  for (let last = cleanUps.pop(); last !== undefined; last = cleanUps.pop()) {
    try {
      await last();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
});

/** Undoes what the running test did once it has finished, however it did; the latest first. */
export function onTestFinished(cleanUp: CleanUp): void {
  cleanUps.push(cleanUp);
}
