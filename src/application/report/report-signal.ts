import type { CallContext } from "../answer.js";

/**
 * A report stops when its caller goes away; a caller without a signal never does. Each gets a signal of its
 * own: listeners that nobody removes would gather on a shared one for ever.
 */
export function signalForReport(call: CallContext): AbortSignal {
  return call.signal ?? new AbortController().signal;
}
