import { IMMEDIATES, type SimProcess, TIMERS } from "./sim-process.js";
import { theWorld } from "./world.js";

/**
 * What stands in for the machine's own time and chance in the code under simulation: bundled into it in place of the
 * globals of these names.
 */
interface Timer {
  cancel: () => void;
  unref(): Timer;
  ref(): Timer;
}

function timer(delayMs: number, run: () => void): Timer {
  const { scheduler } = theWorld();
  const made: Timer = {
    cancel: scheduler.after(
      Math.max(1, Number.isFinite(delayMs) ? delayMs : 1) * 1_000,
      scheduler.current,
      run,
      TIMERS,
    ),
    unref: () => made,
    ref: () => made,
  };
  return made;
}

export const simSetTimeout = (callback: (...args: unknown[]) => void, delayMs = 1, ...args: unknown[]): Timer =>
  timer(delayMs, () => callback(...args));

export const simClearTimeout = (cleared: Timer | undefined): void => cleared?.cancel();

export const simSetInterval = (callback: () => void, delayMs = 1): Timer => {
  const made = timer(delayMs, again);
  function again(): void {
    callback();
    made.cancel = timer(delayMs, again).cancel;
  }
  return made;
};

export const simSetImmediate = (callback: (...args: unknown[]) => void, ...args: unknown[]): Timer => {
  const { scheduler } = theWorld();
  const made: Timer = {
    cancel: scheduler.after(0, scheduler.current, () => callback(...args), IMMEDIATES),
    unref: () => made,
    ref: () => made,
  };
  return made;
};

function current(): SimProcess | undefined {
  return theWorld().scheduler.current;
}

export const simPerformance = { now: (): number => theWorld().scheduler.now / 1_000 };

export const simRandom = (): number => theWorld().chance.next();

export const SimDate = new Proxy(globalThis.Date, {
  construct: (target, args: unknown[]) =>
    (args.length === 0 ? new target(theWorld().wallClockOf(current())) : Reflect.construct(target, args)) as object,
  get: (target, name) =>
    name === "now" ? () => theWorld().wallClockOf(current()) : (Reflect.get(target, name) as unknown),
});
