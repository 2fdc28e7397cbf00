import { USAGE_STATES, type UsageState } from "../../../domain/usage/usage-report.js";
import { ANSWER_SOURCES, type AnswerSource } from "../../../ports/telemetry.js";
import { type HeaderField, ResponseHeaders } from "../exchange/exchange.js";
import type { Reply } from "../service/unary-call.js";

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
function assumedFields({ assumed }: AnswerOrigin): readonly HeaderField[] {
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

/** The headers of a protocol's responses, by the source of what they say: made once. */
export class SourceHeaders {
  /** Of a response that says nothing of a state. */
  readonly plain: ResponseHeaders;
  readonly #bySource: Readonly<Record<AnswerSource, ResponseHeaders>>;
  readonly #byUsageState: Readonly<Record<UsageState, ResponseHeaders>>;

  constructor(contentType: string) {
    const fields = [["content-type", contentType]] as const;
    this.plain = new ResponseHeaders(200, fields);
    this.#bySource = Object.fromEntries(
      ANSWER_SOURCES.map((source) => [source, new ResponseHeaders(200, [...fields, [SOURCE_HEADER, source]])]),
    ) as Record<AnswerSource, ResponseHeaders>;
    this.#byUsageState = Object.fromEntries(
      USAGE_STATES.map((state) => [state, new ResponseHeaders(200, [...fields, [USAGE_STATE_HEADER, state]])]),
    ) as Record<UsageState, ResponseHeaders>;
  }

  of(reply: Reply<unknown>): ResponseHeaders {
    const { source, decisionId, usageState } = reply;
    if (source === undefined) return usageState === undefined ? this.plain : this.#byUsageState[usageState];
    let headers = this.#bySource[source];
    if (source === "assumed") headers = headers.and(...assumedFields(reply));
    return decisionId === undefined ? headers : headers.and([DECISION_HEADER, decisionId]);
  }

  /** The same with the age of what the answer says, for a request that asks for it. */
  detailed(reply: Reply<unknown>, now: number): ResponseHeaders {
    const age = ageMs(reply, now);
    return age === undefined ? this.of(reply) : this.of(reply).and([AGE_HEADER, String(age)]);
  }
}
