import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Reply } from "../call/served-method.js";
import type { HeaderField } from "../exchange/exchange.js";

/** Metadata of an answer: where it came from. */
export const SOURCE_HEADER = "x-entitlement-source";

/** Metadata of the answer to a report: how far it has come. */
export const USAGE_STATE_HEADER = "x-usage-state";

/** Metadata of an answer, for a request with DETAIL_HEADER "1": how old what it says may be, milliseconds. */
export const AGE_HEADER = "x-entitlement-age-ms";

/** Metadata of an answer that a failure policy made up: which. */
export const REASON_HEADER = "x-entitlement-reason";

/** Metadata of an answer whose decision is logged: the id under which it is found. */
export const DECISION_HEADER = "x-entitlement-decision";

/** When to ask again, seconds, beside REASON_HEADER. */
const RETRY_HEADER = "retry-after";

/** What of an answer travels beside it. */
export type AnswerOrigin = Pick<Reply<unknown>, "source" | "assumed" | "decisionId">;

/** All of them. */
export const ANSWER_HEADERS: readonly string[] = [
  SOURCE_HEADER,
  AGE_HEADER,
  REASON_HEADER,
  RETRY_HEADER,
  DECISION_HEADER,
  USAGE_STATE_HEADER,
];

/** Where an answer came from, that and why it was made up, and under which id its decision is logged; nothing for what is no answer. */
export function answerFields(reply: AnswerOrigin): readonly HeaderField[] {
  const { source, decisionId } = reply;
  if (source === undefined) return [];
  const fields: HeaderField[] = [[SOURCE_HEADER, source], ...assumedFields(reply)];
  if (decisionId !== undefined) fields.push([DECISION_HEADER, decisionId]);
  return fields;
}

/** What tells that an answer was made up, why, and when to ask again; nothing for any other. */
export function assumedFields({ assumed }: AnswerOrigin): readonly HeaderField[] {
  if (assumed === undefined) return [];
  return [
    [REASON_HEADER, `policy-${assumed.policy}`],
    [RETRY_HEADER, String(Math.ceil(assumed.retryAfterMs / 1_000))],
  ];
}

/**
 * @param now epoch milliseconds
 * @returns milliseconds, never below 0 (clocks differ); undefined for a fallback, which has no age
 */
export function ageMs({ verifiedAt }: Reply<unknown>, now: number): number | undefined {
  return verifiedAt === undefined ? undefined : Math.max(0, now - verifiedAt);
}

const MESSAGE_TRAILER = "grpc-message";

/** Printable ASCII but for the percent sign itself. */
const NEEDLESS_ESCAPE = /%(?!25|7F)[2-7][0-9A-F]/g;

/**
 * A status message as gRPC has it on the wire, with no more escaped than has to be: @grpc/grpc-js shows
 * "%3A" to its user where a colon was escaped.
 */
export function encodeGrpcMessage(message: string): string {
  return withoutNeedlessEscapes(encodeURIComponent(message));
}

/** The same for an answer of Connect's, which escapes them all. */
export function withReadableMessage(response: UniversalServerResponse): UniversalServerResponse {
  const { body, trailer } = response;
  return body === undefined || trailer === undefined ? response : { ...response, body: endingIn(body, trailer) };
}

async function* endingIn(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body;
  const message = trailer.get(MESSAGE_TRAILER);
  if (message !== null) trailer.set(MESSAGE_TRAILER, withoutNeedlessEscapes(message));
}

function withoutNeedlessEscapes(encoded: string): string {
  return encoded.replace(NEEDLESS_ESCAPE, decodeURIComponent);
}
