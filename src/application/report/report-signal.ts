import type { ReportOptions } from "../../ports/upstream-client.js";
import type { CallContext } from "../answer.js";

/**
 * A report stops when its caller goes away; a caller without a signal never does. Each gets a signal of its own: listeners
 * that nobody removes would gather on a shared one for ever. It is made when it is asked for: an upstream that counts at once
 * has no use for it, and it takes as long as counting does.
 */
export function optionsForReport(call: CallContext): ReportOptions {
  return {
    get span() {
      return call.span;
    },
    get signal() {
      return call.signal ?? new AbortController().signal;
    },
    get isAborted() {
      return call.isAborted ?? call.signal?.aborted ?? false;
    },
  };
}
