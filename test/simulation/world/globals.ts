import type { SimEvent } from "./scheduler.js";
import { type SimProcess, TIMERS } from "./sim-process.js";
import { theWorld } from "./world.js";

/**
 * What stands in for the machine's own time and chance in the code under simulation: bundled into it in place of the
 * globals of these names.
 */
class Timer {
  event: SimEvent;

  constructor(event: SimEvent) {
    this.event = event;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

function timer(delayMs: number, run: () => unknown): SimEvent {
  const { scheduler } = theWorld();
  const us = Math.max(1, Number.isFinite(delayMs) ? delayMs : 1) * 1_000;
  return scheduler.after(us, scheduler.current, run, TIMERS);
}

type Callback = (...args: unknown[]) => void;

const called = (callback: Callback, args: unknown[]) => (args.length === 0 ? callback : () => callback(...args));

export const simSetTimeout = (callback: Callback, delayMs = 1, ...args: unknown[]): Timer =>
  new Timer(timer(delayMs, called(callback, args)));

export const simClearTimeout = (cleared: Timer | undefined): void => cleared?.event.cancel();

export const simSetInterval = (callback: () => void, delayMs = 1): Timer => {
  const made = new Timer(timer(delayMs, again));
  function again(): void {
    callback();
    made.event = timer(delayMs, again);
  }
  return made;
};

export const simSetImmediate = (callback: Callback, ...args: unknown[]): Timer =>
  new Timer(theWorld().scheduler.immediate(called(callback, args)));

function current(): SimProcess | undefined {
  return theWorld().scheduler.current;
}

export const simPerformance = { now: (): number => theWorld().scheduler.now / 1_000 };

export const simRandom = (): number => theWorld().chance.next();

const RealDate = globalThis.Date;
const now = (): number => theWorld().wallClockOf(current());

// No proxy: the product asks for the time in every other line.
function dateOfWorld(...args: readonly unknown[]): Date {
  return args.length === 0 ? new RealDate(now()) : (Reflect.construct(RealDate, args) as Date);
}

export const SimDate = Object.assign(dateOfWorld, {
  prototype: RealDate.prototype,
  UTC: RealDate.UTC,
  parse: RealDate.parse,
  now,
});
