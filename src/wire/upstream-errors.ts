import { CodedError, type ErrorCode } from "../domain/errors.js";
import { isObject } from "./fields.js";

/** One of the `errors` that upstream answers with, over HTTP and over the update stream alike. */
export interface UpstreamError {
  readonly message: string;
  /** Upstream's own code, an open set. */
  readonly code: string | undefined;
  readonly traceId: string | undefined;
}

/** What upstream's codes mean here. A code that is not listed is upstream's refusal of the request as it is. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ["Unauthenticated", "unauthenticated"],
  ["UNAUTHENTICATED", "unauthenticated"],
  ["Forbidden", "permission-denied"],
  ["FORBIDDEN", "permission-denied"],
  ["BadUserInput", "invalid-argument"],
  ["BAD_USER_INPUT", "invalid-argument"],
  ["InvalidArgumentError", "invalid-argument"],
  ["InvalidMetadataError", "invalid-argument"],
  ["MissingEntityIdError", "invalid-argument"],
  ["UnsupportedParameter", "invalid-argument"],
  ["EntitlementUsageOutOfRangeError", "invalid-argument"],
  ["UsageMeasurementDiffOutOfRangeError", "invalid-argument"],
  ["CustomerNotFound", "not-found"],
  ["CustomerResourceNotFound", "not-found"],
  ["FeatureNotFound", "not-found"],
  ["CustomCurrencyNotFound", "not-found"],
  ["EnvironmentMissing", "not-found"],
  ["RateLimitExceeded", "resource-exhausted"],
  ["UnexpectedError", "unavailable"],
  ["INTERNAL_SERVER_ERROR", "unavailable"],
  ["GRAPHQL_VALIDATION_FAILED", "internal"],
  ["GRAPHQL_PARSE_FAILED", "internal"],
]);

const INVALID_API_KEY = /invalid api key/i;

/** The errors in an answer; none where there are none, however that is spelled. */
export function upstreamErrorsIn(errors: unknown): readonly UpstreamError[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((error: unknown) => {
    const { message, extensions } = asPartial<{ message: unknown; extensions: unknown }>(error);
    const { code, traceId } = asPartial<{ code: unknown; traceId: unknown }>(extensions);
    return { message: textOf(message) ?? "upstream gave no message", code: textOf(code), traceId: textOf(traceId) };
  });
}

/** The failure that upstream's error is, with upstream's own message. @param mayCount see CodedError */
export function codedErrorOf(error: UpstreamError, mayCount?: true): CodedError {
  const cause = { code: error.code, traceId: error.traceId };
  return new CodedError(errorCodeFor(error), error.message, mayCount === undefined ? { cause } : { cause, mayCount });
}

function errorCodeFor({ code, message }: UpstreamError): ErrorCode {
  if (saysInvalidApiKey(message)) return "unauthenticated";
  if (saysThrottled(message)) return "resource-exhausted";
  if (code === undefined) return "unavailable";
  return CODES.get(code) ?? "failed-precondition";
}

export function saysInvalidApiKey(text: string): boolean {
  return INVALID_API_KEY.test(text);
}

export function saysThrottled(text: string): boolean {
  return text.includes("ThrottlerException");
}

function asPartial<T extends object>(value: unknown): Partial<T> {
  return isObject(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
