import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { GraphQLError } from "graphql";
import { CodedError, type ErrorCode } from "../../domain/errors.js";
import type { HttpRule, Struck } from "./faults/fault-rules.js";

export interface HttpAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return { status, body: JSON.stringify(value) };
}

export function sendAnswer(response: ServerResponse, { status, body }: HttpAnswer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, headersOf(body));
  response.end(body);
}

/** Announces the whole answer, sends half of it and ends the connection. */
function sendTruncated(response: ServerResponse, { status, body }: HttpAnswer): void {
  response.writeHead(status, headersOf(body));
  response.write(halfOf(body), () => response.destroy());
}

function halfOf(body: string): string {
  return body.slice(0, Math.ceil(body.length / 2));
}

function headersOf(body: string) {
  return {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  };
}

/** Of queries and mutations, and of the WebSocket for subscriptions. */
export const GRAPHQL_PATH = "/graphql";

export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A request's path as it was sent: reading it as a URL would resolve ids that look like "..". */
export function targetOf({ url = "/" }: IncomingMessage): RequestTarget {
  const mark = url.indexOf("?");
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Far above any bulk of reports; a client that sends more has gone wrong. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The text of a request's body; undefined where it is larger than is accepted. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined;
}

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

/** Answers a request, or lets the fault that strikes it have its way. Never rejects on account of the client. */
export async function answerUnderFaults(
  request: IncomingMessage,
  response: ServerResponse,
  struck: Struck<HttpRule> | undefined,
  workOut: () => Promise<HttpAnswer>,
): Promise<void> {
  if (struck === undefined) {
    sendAnswer(response, await workOut());
    return;
  }
  const { rule, off } = struck;
  switch (rule.kind) {
    case "delay": {
      const answer = await workOut();
      await Promise.race([delay(rule.ms, undefined, { ref: false }), off]);
      sendAnswer(response, answer);
      return;
    }
    case "hold": {
      const answer = await workOut();
      await off;
      sendAnswer(response, answer);
      return;
    }
    case "hang":
      return;
    case "status":
      sendAnswer(response, {
        status: rule.status,
        body: rule.body ?? JSON.stringify(errorsBody(apiError(`HTTP ${rule.status}`, "UnexpectedError"))),
      });
      return;
    case "reset":
      if (rule.when === "after-effect") await workOut();
      request.socket.resetAndDestroy();
      return;
    case "malformed": {
      const answer = await workOut();
      sendAnswer(response, { status: 200, body: rule.body ?? halfOf(answer.body) });
      return;
    }
    case "truncated":
      sendTruncated(response, await workOut());
      return;
    case "errors":
      sendAnswer(response, jsonAnswer(200, errorsBody(apiError(rule.message, rule.code))));
      return;
  }
}
