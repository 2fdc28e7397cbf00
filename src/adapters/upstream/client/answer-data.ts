import { buildCustomerState } from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { parseAccessDeniedReason, saysEntityIsMissing } from "../../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../../domain/errors.js";
import { WordlessRefusalError } from "../../../domain/outbox/report-failure.js";
import { isObject } from "../../../wire/fields.js";
import { codedErrorOf, upstreamErrorsIn } from "../../../wire/upstream-errors.js";
import { ThrottledError } from "../resilience/operation.js";
import type { JsonAnswer } from "./text-answer.js";

/** Whose answer it is. */
export interface Answerer {
  /** How upstream is named in errors that bring no message of their own. */
  readonly name: string;
  /** Whether a status is a refusal of what is asked for, and says nothing of the server. */
  readonly isRefusal: (status: number) => boolean;
  /** Whether usage is told by what is asked: it must not be lost by what somebody between here and upstream says. */
  readonly takesReports?: true;
}

/** 4xx that are not about what is asked for: the key, the pace, a proxy, the connection. */
const NOT_OF_THE_PATH: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 425, 429]);

/** Of a GET that names its subject in the path. */
export function isRefusalOfPath(status: number): boolean {
  return status >= 400 && status < 500 && !NOT_OF_THE_PATH.has(status);
}

const OF_THE_BODY: ReadonlySet<number> = new Set([400, 413, 422]);

/** Of a POST that names its subject in the body: the path is always the same, so that it is not found is no refusal. */
export function isRefusalOfBody(status: number): boolean {
  return OF_THE_BODY.has(status);
}

/** What a proxy, a gateway or a firewall may mean by a status of a POST's content or headers. */
const OF_THE_REQUEST: ReadonlySet<number> = new Set([400, 403, 406, 411, 412, 413, 414, 415, 417, 422, 428, 431, 451]);

/** Of a POST that tells of usage: no refusal of upstream's, which words its own. */
export function isRefusalOfReport(status: number): boolean {
  return OF_THE_REQUEST.has(status);
}

/**
 * The `data` of an answer. Upstream tells of errors by status, by `errors` beside HTTP 200, or both; its own
 * message is kept.
 *
 * @throws CodedError the failure that upstream reported; `invalid-argument` where it refuses what is asked for
 */
export function dataOf(answer: JsonAnswer, answerer: Answerer): unknown {
  const { status } = answer;
  const { name } = answerer;
  const body: { readonly data?: unknown; readonly errors?: unknown } = isObject(answer.body) ? answer.body : {};
  const [error] = upstreamErrorsIn(body.errors);
  if (status === 401) throw new CodedError("unauthenticated", error?.message ?? `${name} refuses the API key`);
  if (status === 429) throw new ThrottledError(error?.message ?? `${name} answered HTTP 429`, answer.retryAfterMs);
  if (status >= 500) throw new CodedError("unavailable", error?.message ?? `${name} answered HTTP ${status}`);
  if (error !== undefined) {
    // Beside data an error is of a part of what was asked: of a report in a bulk, and others of it may count.
    const failure = hasContent(body.data) ? codedErrorOf(error, true) : codedErrorOf(error);
    // Of a code that is not known the status says whether it is about what was asked.
    if (failure.code === "failed-precondition" && NOT_OF_THE_PATH.has(status))
      throw new CodedError(status === 403 ? "permission-denied" : "unavailable", failure.message, { cause: failure });
    throw failure;
  }
  if (status < 200 || status >= 300) throw failureOfStatus(status, answerer);
  return body.data ?? undefined;
}

function hasContent(data: unknown): boolean {
  return isObject(data) && Object.values(data).some((field) => field !== null && field !== undefined);
}

function failureOfStatus(status: number, { name, isRefusal, takesReports }: Answerer): CodedError {
  const message = `${name} answered HTTP ${status}`;
  if (!isRefusal(status)) return new CodedError("unavailable", message);
  return takesReports === true
    ? new WordlessRefusalError(`${message} without a word of its own, as a proxy on the way does`)
    : new CodedError("invalid-argument", message);
}

/**
 * The state that upstream's error tells of: that it does not know a customer, or a resource, is knowledge and
 * not a failure, in whichever of its two ways upstream says so. Undefined for any other error.
 */
export function missingEntityStateOf(error: unknown): CustomerState | undefined {
  if (!(error instanceof CodedError) || error.code !== "not-found" || !isObject(error.cause)) return undefined;
  const { code }: { readonly code?: unknown } = error.cause;
  const reason = typeof code === "string" ? parseAccessDeniedReason(code) : undefined;
  return saysEntityIsMissing(reason) ? buildCustomerState({ accessDeniedReason: reason }) : undefined;
}
