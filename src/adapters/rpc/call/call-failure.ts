import { Code, ConnectError } from "@connectrpc/connect";
import type { CallOrigin } from "../../../application/answer.js";
import { CodedError, type ErrorCode, errorCodeOf } from "../../../domain/errors.js";
import type { Logger } from "../../../ports/logger.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { originOf, type TraceHeaders } from "./call-trace.js";

/** How a failure reads on the wire. The numbers of Code are those of gRPC's status codes. */
export const STATUS_CODES: Readonly<Record<ErrorCode, Code>> = {
  "invalid-argument": Code.InvalidArgument,
  "not-found": Code.NotFound,
  "failed-precondition": Code.FailedPrecondition,
  unauthenticated: Code.Unauthenticated,
  "permission-denied": Code.PermissionDenied,
  "resource-exhausted": Code.ResourceExhausted,
  "deadline-exceeded": Code.DeadlineExceeded,
  cancelled: Code.Canceled,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

/** Messages travel percent-encoded in a header, of which clients take 8 kB and less. */
const MAX_MESSAGE = 800;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/**
 * How a failed call reads for its caller. What was not foreseen is logged, here and only here, and reads in a way that gives
 * nothing away.
 *
 * @param signal the call's own, which knows better than the failure whether time or the caller ran out
 * @param redact takes secrets out: messages may be another system's
 */
export function callFailure(
  thrown: unknown,
  signal: CancelSignal | undefined,
  call: FailedCall,
  logger: Logger,
  redact: (text: string) => string = (text) => text,
): ConnectError {
  if (signal?.aborted === true && isAboutTime(thrown, signal)) {
    return signal.reason instanceof ConnectError ? signal.reason : withoutStack("the caller went away", Code.Canceled);
  }
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof CodedError) return withoutStack(cleaned(thrown.message, redact), STATUS_CODES[thrown.code]);
  const origin = call.headers && originOf(call.headers);
  logger.error("unexpected error", { method: call.method, ...origin, error: thrown });
  const named = origin === undefined ? "" : ` (${originText(origin)})`;
  return withoutStack(`internal error: see the sidecar's log${named}`, Code.Internal);
}

/** Whose failure it is, as the log tells of it. */
export interface FailedCall {
  readonly method: string;
  readonly headers?: TraceHeaders | undefined;
}

function originText({ requestId, traceId }: CallOrigin): string {
  return requestId === undefined ? `trace ${traceId ?? ""}` : `request ${requestId}`;
}

export function deadlineExceeded(): ConnectError {
  return withoutStack("the operation timed out", Code.DeadlineExceeded);
}

export function lateRequest(timeoutMs: number): ConnectError {
  return withoutStack(`the request was incomplete after ${timeoutMs} ms: send it at once`, Code.DeadlineExceeded);
}

/** What ends a stream that its caller would keep open: callers open it again, elsewhere. */
export function shuttingDown(): ConnectError {
  return withoutStack("the sidecar is shutting down: call again, another will answer", Code.Unavailable);
}

/** A stack costs more than all else of a refused call, and says nothing of what its caller did. */
function withoutStack(message: string, code: Code): ConnectError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new ConnectError(message, code);
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

function isAboutTime(thrown: unknown, signal: CancelSignal): boolean {
  const code = errorCodeOf(thrown);
  return thrown === signal.reason || code === "cancelled" || code === "deadline-exceeded";
}

/** Secrets first: the cut must not leave a part of one. Half of a surrogate pair cannot be percent-encoded. */
function cleaned(message: string, redact: (text: string) => string): string {
  return Buffer.from(redact(message).replace(CONTROL_CHARACTERS, " ").slice(0, MAX_MESSAGE)).toString();
}
