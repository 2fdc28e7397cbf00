/**
 * What ends a program. Imports nothing, and is loaded and run before anything else is: the kernel drops a signal that the
 * first process of a container has no handler for yet, and loading the rest takes most of a start.
 */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

export type EndSignal = keyof typeof SIGNALS;

let onHangUp: (() => void) | undefined;

let onSignal: ((signal: EndSignal) => void) | undefined;

/** @param isService also outlives the terminal that it was started from, and a signal before it has begun is a normal end */
export function obeySignals(isService: boolean): void {
  let isEnding = false;
  for (const [signal, number] of Object.entries(SIGNALS) as [EndSignal, number][]) {
    process.on(signal, () => {
      if (isEnding) process.exit(128 + number);
      if (onSignal === undefined) process.exit(isService ? 0 : 128 + number);
      isEnding = true;
      onSignal(signal);
    });
  }
  if (isService) process.on("SIGHUP", () => onHangUp?.());
}

/** Has SIGHUP, which never ends a service, call back. */
export function reloadOnHangUp(reload: () => void): void {
  onHangUp = reload;
}

/**
 * Has the first signal end a service, once it has started; the second one ends the process at once.
 *
 * @param started may have begun only just: until it is settled nothing is lost by waiting, and afterwards there is something to end
 */
export function endOnSignal<T>(
  started: Promise<T>,
  end: (running: T) => Promise<void>,
  log: (signal: EndSignal) => void,
): void {
  onSignal = (signal) => {
    log(signal);
    void started.then(end, () => undefined);
  };
}
