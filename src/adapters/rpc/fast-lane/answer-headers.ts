import type { OutgoingHttpHeaders } from "node:http2";
import type { AnswerSource } from "../../../ports/telemetry.js";
import { AGE_HEADER, ageMs, SOURCE_HEADER } from "../provenance-headers.js";
import type { Reply } from "../unary-call.js";

/** What every answer begins with. */
export const ANSWER_HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc+proto" };

/** Made once: Node copies them. */
const HEADERS_BY_SOURCE: Readonly<Record<AnswerSource, OutgoingHttpHeaders>> = {
  memory: { ...ANSWER_HEADERS, [SOURCE_HEADER]: "memory" },
  redis: { ...ANSWER_HEADERS, [SOURCE_HEADER]: "redis" },
  upstream: { ...ANSWER_HEADERS, [SOURCE_HEADER]: "upstream" },
  stale: { ...ANSWER_HEADERS, [SOURCE_HEADER]: "stale" },
  fallback: { ...ANSWER_HEADERS, [SOURCE_HEADER]: "fallback" },
};

export function headersOf({ source }: Reply<unknown>): OutgoingHttpHeaders {
  return source === undefined ? ANSWER_HEADERS : HEADERS_BY_SOURCE[source];
}

/** The same with the age of what the answer says, for a request that asks for it. */
export function detailedHeadersOf(reply: Reply<unknown>, now: number): OutgoingHttpHeaders {
  const age = ageMs(reply, now);
  return age === undefined ? headersOf(reply) : { ...headersOf(reply), [AGE_HEADER]: String(age) };
}
