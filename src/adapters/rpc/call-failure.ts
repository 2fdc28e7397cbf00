import { Code, ConnectError } from "@connectrpc/connect";
import { CodedError, errorCodeOf } from "../../domain/errors.js";
import type { Logger } from "../../ports/logger.js";
import { CONNECT_CODES } from "./connect-codes.js";

/** Messages travel percent-encoded in a header, of which clients take 8 kB and less. */
const MAX_MESSAGE = 800;

/**
 * What is told of a failed call. What was not foreseen is logged, here and only here, and told of in a way
 * that gives nothing away.
 *
 * @param signal the call's own, which knows better than the failure whether time or the caller ran out
 */
export function callFailure(thrown: unknown, signal: AbortSignal, method: string, logger: Logger): ConnectError {
  if (signal.aborted && isAboutTime(thrown, signal)) {
    return signal.reason instanceof ConnectError
      ? signal.reason
      : new ConnectError("the caller went away", Code.Canceled, undefined, undefined, thrown);
  }
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof CodedError) {
    return new ConnectError(headerSafe(thrown.message), CONNECT_CODES[thrown.code], undefined, undefined, thrown);
  }
  logger.error("a call failed in a way that was not foreseen", { method, error: thrown });
  return new ConnectError("internal error: the sidecar's log tells more", Code.Internal, undefined, undefined, thrown);
}

function isAboutTime(thrown: unknown, signal: AbortSignal): boolean {
  const code = errorCodeOf(thrown);
  return thrown === signal.reason || code === "cancelled" || code === "deadline-exceeded";
}

/** Half of a surrogate pair, which upstream's texts may have, cannot be percent-encoded. */
function headerSafe(message: string): string {
  return Buffer.from(message.slice(0, MAX_MESSAGE)).toString();
}
