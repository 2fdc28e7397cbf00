import { CodedError, type ErrorCode } from "../../domain/errors.js";
import { isObject } from "../../wire/fields.js";
import { codedErrorOf, upstreamErrorsIn } from "../../wire/upstream-errors.js";
import type { JsonAnswer } from "./http-json.js";

/**
 * The `data` of an answer. Upstream tells of errors by status, by `errors` beside HTTP 200, or both; its own
 * message is kept.
 *
 * @param name how upstream is named in errors that bring no message of their own
 * @throws CodedError the failure that upstream told of
 */
export function dataOf(answer: JsonAnswer, name: string): unknown {
  const { status } = answer;
  const body: { readonly data?: unknown; readonly errors?: unknown } = isObject(answer.body) ? answer.body : {};
  const [error] = upstreamErrorsIn(body.errors);
  if (status === 401) throw new CodedError("unauthenticated", error?.message ?? `${name} refuses the API key`);
  if (status >= 500 || status === 429) throw new CodedError(codeOfStatus(status), error?.message ?? `${name} answered HTTP ${status}`);
  if (error !== undefined) throw codedErrorOf(error);
  if (status < 200 || status >= 300) throw new CodedError(codeOfStatus(status), `${name} answered HTTP ${status}`);
  return body.data ?? undefined;
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 400) return "invalid-argument";
  return status === 429 ? "resource-exhausted" : "unavailable";
}
