import type { Answer, Assumed, CallContext } from "../../../application/answer.js";
import type { UsageState } from "../../../domain/usage/usage-report.js";
import type { AnswerSource } from "../../../ports/telemetry.js";

/** An answer in the form that goes out, with where what it says came from, which travels beside it as metadata. */
export interface Reply<O> {
  readonly message: O;
  /** Undefined for calls that are no checks. */
  readonly source: AnswerSource | undefined;
  /** Epoch milliseconds; undefined where nothing was known. */
  readonly verifiedAt: number | undefined;
  /** Set exactly where a failure policy made the answer up. */
  readonly assumed?: Assumed | undefined;
  /** See Answer. */
  readonly decisionId: string | undefined;
  /** How far a report has come; undefined for all else. */
  readonly usageState: UsageState | undefined;
}

/** What a call of the service knows of its caller. */
export interface ServiceCallContext extends CallContext {
  /** The caller's own key, under which a report counts once. */
  readonly idempotencyKey: string | undefined;
}

/**
 * One method of the service, whatever protocol it is called by: reads the request, asks a use case, encodes
 * the answer. It answers at once, not by a promise, whenever the use case does.
 *
 * @throws CodedError, also by rejection
 */
export type UnaryCall<I, O> = (request: I, call: ServiceCallContext) => Reply<O> | Promise<Reply<O>>;

/** Encodes an answer when it is there: at once for one that is cached. */
export function reply<Result, Query, O>(
  answer: Answer<Result> | Promise<Answer<Result>>,
  encode: (result: Result, query: Query) => O,
  query: Query,
): Reply<O> | Promise<Reply<O>> {
  if (answer instanceof Promise) return answer.then((settled) => encodeReply(settled, encode, query));
  return encodeReply(answer, encode, query);
}

function encodeReply<Result, Query, O>(
  { result, source, verifiedAt, assumed, decisionId }: Answer<Result>,
  encode: (result: Result, query: Query) => O,
  query: Query,
): Reply<O> {
  return { message: encode(result, query), source, verifiedAt, assumed, decisionId, usageState: undefined };
}

/** A reply that says nothing of a state. */
export function plainReply<O>(message: O, usageState?: UsageState): Reply<O> {
  return { message, source: undefined, verifiedAt: undefined, assumed: undefined, decisionId: undefined, usageState };
}
