import type { Logger } from "../ports/logger.js";

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Has the first signal end a service, once it has started; the second one ends the process at once. */
export function endOnSignal(started: Promise<unknown>, end: () => Promise<void>, logger: Logger): void {
  let isEnding = false;
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isEnding) process.exit(128 + number);
      isEnding = true;
      logger.info("ending", { signal });
      void started.then(end, () => undefined);
    });
  }
}
