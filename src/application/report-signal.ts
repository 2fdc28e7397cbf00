import type { CallContext } from "./answer.js";

const NEVER = new AbortController().signal;

/** A report stops when its caller goes away; a caller without a signal never does. */
export function signalForReport(call: CallContext): AbortSignal {
  return call.signal ?? NEVER;
}
