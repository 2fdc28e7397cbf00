import type { AnswerSource } from "../../../ports/telemetry.js";
import { AnswerHeaders } from "../http2/answer-headers.js";
import { AGE_HEADER, ageMs, SOURCE_HEADER } from "../provenance-headers.js";
import type { Reply } from "../unary-call.js";

const BEGINNING = [
  [":status", "200"],
  ["content-type", "application/grpc+proto"],
] as const;

/** What every answer begins with. */
export const ANSWER_HEADERS = new AnswerHeaders(BEGINNING);
export const OK_TRAILERS = new AnswerHeaders([["grpc-status", "0"]]);
export const NO_TRAILERS = new AnswerHeaders([]);

const HEADERS_BY_SOURCE: Readonly<Record<AnswerSource, AnswerHeaders>> = {
  memory: answerFrom("memory"),
  redis: answerFrom("redis"),
  upstream: answerFrom("upstream"),
  stale: answerFrom("stale"),
  fallback: answerFrom("fallback"),
};

export function headersOf({ source }: Reply<unknown>): AnswerHeaders {
  return source === undefined ? ANSWER_HEADERS : HEADERS_BY_SOURCE[source];
}

/** The same with the age of what the answer says, for a request that asks for it. */
export function detailedHeadersOf(reply: Reply<unknown>, now: number): AnswerHeaders {
  const age = ageMs(reply, now);
  return age === undefined ? headersOf(reply) : headersOf(reply).and([AGE_HEADER, String(age)]);
}

function answerFrom(source: AnswerSource): AnswerHeaders {
  return new AnswerHeaders([...BEGINNING, [SOURCE_HEADER, source]]);
}
