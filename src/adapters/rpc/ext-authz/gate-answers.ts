import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Answer } from "../../../application/answer.js";
import type { FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import { DENY_FALLBACK } from "../../../domain/decision/fallback.js";
import { fitsInto, subtractDecimals, toNumber } from "../../../domain/usage/decimal.js";
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from "../gen/envoy/config/core/v3/base_pb.js";
import { type CheckResponse, CheckResponseSchema } from "../gen/envoy/service/auth/v3/external_auth_pb.js";
import { StatusCode } from "../gen/envoy/type/v3/http_status_pb.js";
import { DECISION_HEADER, REASON_HEADER, SOURCE_HEADER } from "../protocols/answer-headers.js";
import type { GateFault } from "./gated-request.js";

/** Of a request that may pass: how much of a limit is left without it, or "unlimited"; of metered features alone. */
const REMAINING_HEADER = "x-entitlement-remaining";
/** Of one that may not: why. */
const DENIED_HEADER = "x-entitlement-denied-reason";
/** Seconds. */
const RETRY_HEADER = "retry-after";

/** What is told of a request that may pass: whoever sent it cannot have said it. */
const REPORTED_HEADERS = [SOURCE_HEADER, REASON_HEADER, DECISION_HEADER, REMAINING_HEADER] as const;

/** Where nothing is known: as long as after a failure policy's answer, milliseconds. */
const NOTHING_KNOWN_RETRY_MS = 5_000;

/** What a denial may be answered with. */
export type DeniedStatus = "402" | "403" | "404" | "429";

const STATUSES: Readonly<Record<DeniedStatus, StatusCode>> = {
  "402": StatusCode.PaymentRequired,
  "403": StatusCode.Forbidden,
  "404": StatusCode.NotFound,
  "429": StatusCode.TooManyRequests,
};

/** The code of gRPC's beside a status. */
const CODES: Readonly<Partial<Record<StatusCode, Code>>> = {
  [StatusCode.BadRequest]: Code.InvalidArgument,
  [StatusCode.TooManyRequests]: Code.ResourceExhausted,
  [StatusCode.ServiceUnavailable]: Code.Unavailable,
};

type Header = readonly [name: string, value: string];

interface Denial {
  readonly status: StatusCode;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly more?: object | undefined;
}

/**
 * Lets a request pass, or says why not.
 *
 * @param deniedStatus of every denial; undefined: 429 where waiting helps, else 403
 * @param now epoch milliseconds
 */
export function gateAnswer(
  answer: Answer<FeatureDecision>,
  query: FeatureQuery,
  deniedStatus: DeniedStatus | undefined,
  now: number,
): CheckResponse {
  const { result, assumed, decisionId } = answer;
  if (result.hasAccess) return passed(reportedOf(answer));
  if (result.fallback === DENY_FALLBACK)
    return denied({
      status: StatusCode.ServiceUnavailable,
      reason: "Unknown",
      message: "nothing is known of this customer, and upstream cannot be asked: try again",
      retryAfterMs: NOTHING_KNOWN_RETRY_MS,
      more: { featureId: query.featureId, decisionId },
    });
  const reason = result.accessDeniedReason ?? "Unknown";
  const resetsAfterMs = resetAfterMs(result, query, now);
  const byWaiting = resetsAfterMs === undefined ? StatusCode.Forbidden : StatusCode.TooManyRequests;
  const { entitlement, usage } = result;
  const limit = entitlement?.kind === "metered" ? entitlement.usageLimit : undefined;
  return denied({
    status: deniedStatus === undefined ? byWaiting : STATUSES[deniedStatus],
    reason,
    message: `the entitlement of the customer does not let this request pass: ${reason}`,
    retryAfterMs: resetsAfterMs ?? assumed?.retryAfterMs,
    more: {
      featureId: query.featureId,
      usageLimit: limit,
      currentUsage: limit === undefined ? undefined : (usage?.currentUsage ?? 0),
      nextResetDate: resetsAfterMs === undefined ? undefined : new Date(now + resetsAfterMs).toISOString(),
      decisionId,
    },
  });
}

/** Lets a request pass of which nothing was asked. */
export function ungatedAnswer(): CheckResponse {
  return passed([]);
}

/** Denies a request about which nothing could be asked. */
export function faultAnswer({ reason, message }: GateFault): CheckResponse {
  return denied({ status: StatusCode.BadRequest, reason, message });
}

/**
 * After which time the same request would pass, as far as the limit is concerned, milliseconds; undefined where waiting does
 * not help: no period is known, or what is asked for fits into no period.
 */
function resetAfterMs(
  { accessDeniedReason, entitlement, usage }: FeatureDecision,
  { requestedUsage = 0 }: FeatureQuery,
  now: number,
): number | undefined {
  const periodEnd = usage?.periodEnd;
  if (accessDeniedReason !== "RequestedUsageExceedingLimit" || periodEnd === undefined || periodEnd < now)
    return undefined;
  if (Number.isNaN(new Date(periodEnd).valueOf()) || !fitsInto(entitlement?.usageLimit ?? 0, 0, requestedUsage))
    return undefined;
  return periodEnd - now;
}

function reportedOf({ result, source, assumed, decisionId }: Answer<FeatureDecision>): readonly Header[] {
  const reported: Header[] = [[SOURCE_HEADER, source]];
  if (assumed !== undefined) reported.push([REASON_HEADER, `policy-${assumed.policy}`]);
  if (decisionId !== undefined) reported.push([DECISION_HEADER, decisionId]);
  const remaining = remainingOf(result);
  if (remaining !== undefined) reported.push([REMAINING_HEADER, remaining]);
  return reported;
}

function remainingOf({ entitlement, usage }: FeatureDecision): string | undefined {
  if (entitlement?.kind !== "metered") return undefined;
  if (entitlement.hasUnlimitedUsage) return "unlimited";
  return String(Math.max(0, toNumber(subtractDecimals(entitlement.usageLimit ?? 0, usage?.currentUsage ?? 0))));
}

function passed(reported: readonly Header[]): CheckResponse {
  const names = new Set(reported.map(([name]) => name));
  return create(CheckResponseSchema, {
    status: { code: 0 },
    httpResponse: {
      case: "okResponse",
      value: { headers: reported.map(headerOf), headersToRemove: REPORTED_HEADERS.filter((name) => !names.has(name)) },
    },
  });
}

function denied({ status, reason, message, retryAfterMs, more }: Denial): CheckResponse {
  const headers: Header[] = [
    [DENIED_HEADER, reason],
    ["content-type", "application/json"],
  ];
  // At the very end of a period it still reads as before.
  if (retryAfterMs !== undefined) headers.push([RETRY_HEADER, String(Math.floor(retryAfterMs / 1_000) + 1)]);
  return create(CheckResponseSchema, {
    status: { code: CODES[status] ?? Code.PermissionDenied, message },
    httpResponse: {
      case: "deniedResponse",
      value: {
        status: { code: status },
        headers: headers.map(headerOf),
        body: JSON.stringify({ reason, message, ...more }),
      },
    },
  });
}

function headerOf([key, value]: Header): MessageInitShape<typeof HeaderValueOptionSchema> {
  return { header: { key, value }, appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD };
}
