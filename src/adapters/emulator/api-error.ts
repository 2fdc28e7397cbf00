import { randomUUID } from "node:crypto";
import { GraphQLError } from "graphql";
import { CodedError, type ErrorCode } from "../../domain/errors.js";

/** The API's own names for what went wrong, as far as a code alone tells. */
const API_CODES: Readonly<Record<ErrorCode, string>> = {
  "invalid-argument": "BadUserInput",
  "not-found": "CustomerNotFound",
  "failed-precondition": "NoFeatureEntitlementInSubscription",
  unauthenticated: "Unauthenticated",
  "permission-denied": "Forbidden",
  "resource-exhausted": "RateLimitExceeded",
  "deadline-exceeded": "UnexpectedError",
  cancelled: "UnexpectedError",
  unavailable: "UnexpectedError",
  internal: "UnexpectedError",
};

export const INVALID_KEY_MESSAGE = "Invalid API key";

/** An error as the API's answers carry it. */
export function apiError(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, traceId: randomUUID() } });
}

export const invalidKeyError = (): GraphQLError => apiError(INVALID_KEY_MESSAGE, "Unauthenticated");

/** @param code in place of the one that the failure's own code stands for */
export function apiErrorOf(thrown: unknown, code?: string): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  if (thrown instanceof CodedError) return apiError(thrown.message, code ?? API_CODES[thrown.code]);
  return apiError(
    `the emulator failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    "UnexpectedError",
  );
}

export function errorsBody(...errors: readonly GraphQLError[]) {
  return { errors: errors.map((error) => error.toJSON()) };
}
