import type { CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { ListEntitlements } from "../../../application/check/list-entitlements.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import type { FallbackValues } from "../../../domain/decision/fallback.js";
import type { Subject } from "../../../domain/subject.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import type { Reply } from "../call/served-method.js";
import type {
  GetBooleanEntitlementRequest,
  GetEntitlementFallback,
  GetEntitlementOptions,
  GetEntitlementRequest,
  GetEntitlementsRequest,
  GetEntitlementsStateV2Request,
  GetEntitlementV2Request,
  GetEnumEntitlementRequest,
  GetMeteredEntitlementRequest,
  GetNumericEntitlementRequest,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { invalidArgument, optionalFinite, optionalId, optionalRequestedUsage, requiredId } from "./request-reader.js";
import { reply } from "./unary-call.js";

interface NamesSubject {
  readonly customerId: string;
  readonly resourceId?: string | undefined;
}

/** Counts a decision. */
export type CountDecision = (decision: FeatureDecision | CreditDecision) => void;

/** The six methods that check one entitlement. */
export function checkCalls<A extends Answers>(
  check: Pick<CheckEntitlement, "feature" | "credit">,
  encode: AnswerEncoders<A>,
  count: CountDecision,
  maxIdBytes: number,
) {
  /** Counts what it encodes: it is made once for each method, not for each call. */
  function counting<D extends FeatureDecision | CreditDecision, Q, O>(
    encoder: (decision: D, query: Q) => O,
  ): (decision: D, query: Q) => O {
    return (decision, query) => {
      count(decision);
      return encoder(decision, query);
    };
  }

  const encodeAny = counting(encode.feature);
  const encodeBoolean = counting(encode.boolean);
  const encodeNumeric = counting(encode.numeric);
  const encodeMetered = counting(encode.metered);
  const encodeEnum = counting(encode.enum);
  const encodeV2 = counting(encode.featureV2);
  const encodeCreditV2 = counting<CreditDecision, CreditQuery, A["getEntitlementV2"]>(encode.creditV2);

  function feature<O>(
    { customerId, resourceId }: NamesSubject,
    query: FeatureQuery,
    call: CallContext,
    encoder: (decision: FeatureDecision, query: FeatureQuery) => O,
  ): Reply<O> | Promise<Reply<O>> {
    const customer = requiredId(customerId, "customer_id", maxIdBytes);
    return reply(
      check.feature(customer, optionalId(resourceId, "resource_id", maxIdBytes), query, call),
      encoder,
      query,
    );
  }

  return {
    getEntitlement: (request: GetEntitlementRequest, call: CallContext) =>
      feature(request, readEntitlementQuery(request, maxIdBytes), call, encodeAny),

    getBooleanEntitlement: (request: GetBooleanEntitlementRequest, call: CallContext) =>
      feature(request, readBooleanQuery(request, maxIdBytes), call, encodeBoolean),

    getNumericEntitlement: (request: GetNumericEntitlementRequest, call: CallContext) =>
      feature(request, readNumericQuery(request, maxIdBytes), call, encodeNumeric),

    getMeteredEntitlement: (request: GetMeteredEntitlementRequest, call: CallContext) =>
      feature(request, readMeteredQuery(request, maxIdBytes), call, encodeMetered),

    getEnumEntitlement: (request: GetEnumEntitlementRequest, call: CallContext) =>
      feature(request, readEnumQuery(request, maxIdBytes), call, encodeEnum),

    getEntitlementV2: (
      request: GetEntitlementV2Request,
      call: CallContext,
    ): Reply<A["getEntitlementV2"]> | Promise<Reply<A["getEntitlementV2"]>> => {
      const { type, query } = readEntitlementV2Query(request, maxIdBytes);
      if (type === "feature") return feature(request, query, call, encodeV2);
      const { customerId, resourceId } = subjectOf(request, maxIdBytes);
      return reply(check.credit(customerId, resourceId, query, call), encodeCreditV2, query);
    },
  };
}

/** The two methods that list all entitlements. */
export function listCalls<A extends Answers>(list: ListEntitlements, encode: AnswerEncoders<A>, maxIdBytes: number) {
  return {
    getEntitlements: (request: GetEntitlementsRequest, call: CallContext) =>
      reply(list.listFeatures(subjectOf(request, maxIdBytes), call), encode.list, undefined),

    getEntitlementsStateV2: (request: GetEntitlementsStateV2Request, call: CallContext) =>
      reply(list.list(subjectOf(request, maxIdBytes), call), encode.listV2, undefined),
  };
}

function subjectOf({ customerId, resourceId }: NamesSubject, maxIdBytes: number): Subject {
  return {
    customerId: requiredId(customerId, "customer_id", maxIdBytes),
    resourceId: optionalId(resourceId, "resource_id", maxIdBytes),
  };
}

const NO_VALUES: readonly string[] = [];

/** All of these: @throws CodedError `invalid-argument` naming the field. */
export function readBooleanQuery(
  { featureId, options }: GetBooleanEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "boolean",
    requestedUsage: undefined,
    requestedValues: NO_VALUES,
    fallback: options?.fallback && { hasAccess: options.fallback.hasAccess },
    fallbackWhenUnknown: false,
  };
}

export function readNumericQuery(
  { featureId, options }: GetNumericEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "numeric",
    requestedUsage: undefined,
    requestedValues: NO_VALUES,
    fallback: fallback && { hasAccess: fallback.hasAccess, value: fallback.value, isUnlimited: fallback.isUnlimited },
    fallbackWhenUnknown: false,
  };
}

export function readMeteredQuery(
  { featureId, options }: GetMeteredEntitlementRequest,
  maxIdBytes?: number,
): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "metered",
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    requestedValues: NO_VALUES,
    fallback: fallback && {
      hasAccess: fallback.hasAccess,
      usageLimit: optionalFinite(fallback.usageLimit, "options.fallback.usage_limit"),
      isUnlimited: fallback.isUnlimited,
    },
    fallbackWhenUnknown: false,
  };
}

export function readEnumQuery({ featureId, options }: GetEnumEntitlementRequest, maxIdBytes?: number): FeatureQuery {
  const fallback = options?.fallback;
  return {
    featureId: requiredId(featureId, "feature_id", maxIdBytes),
    kind: "enum",
    requestedUsage: undefined,
    requestedValues: options?.requestedValues ?? NO_VALUES,
    fallback: fallback && { hasAccess: fallback.hasAccess, enumValues: fallback.enumValues },
    fallbackWhenUnknown: false,
  };
}

export function readEntitlementQuery({ featureId, options }: GetEntitlementRequest, maxIdBytes?: number): FeatureQuery {
  return featureQuery(requiredId(featureId, "feature_id", maxIdBytes), options, true);
}

/** What a second-generation check asks about. */
export type EntitlementQuery =
  { readonly type: "feature"; readonly query: FeatureQuery } | { readonly type: "credit"; readonly query: CreditQuery };

export function readEntitlementV2Query(request: GetEntitlementV2Request, maxIdBytes?: number): EntitlementQuery {
  const featureId = optionalId(request.featureId, "feature_id", maxIdBytes);
  const currencyId = optionalId(request.currencyId, "currency_id", maxIdBytes);
  if (featureId !== undefined && currencyId !== undefined) {
    throw invalidArgument("feature_id and currency_id were both given: send exactly one of them");
  }
  if (featureId !== undefined) return { type: "feature", query: featureQuery(featureId, request.options, false) };
  if (currencyId !== undefined) return { type: "credit", query: creditQuery(currencyId, request.options) };
  throw invalidArgument("feature_id and currency_id were both empty: send exactly one of them");
}

function featureQuery(
  featureId: string,
  options: GetEntitlementOptions | undefined,
  fallbackWhenUnknown: boolean,
): FeatureQuery {
  return {
    featureId,
    kind: undefined,
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    requestedValues: options?.requestedValues ?? NO_VALUES,
    fallback: readFallback(options?.fallback),
    fallbackWhenUnknown,
  };
}

function creditQuery(currencyId: string, options: GetEntitlementOptions | undefined): CreditQuery {
  return {
    currencyId,
    requestedUsage: optionalRequestedUsage(options?.requestedUsage, "options.requested_usage"),
    fallback: readFallback(options?.fallback),
  };
}

function readFallback(fallback: GetEntitlementFallback | undefined): FallbackValues | undefined {
  return (
    fallback && {
      hasAccess: fallback.hasAccess,
      value: fallback.value,
      isUnlimited: fallback.isUnlimited,
      usageLimit: optionalFinite(fallback.usageLimit, "options.fallback.usage_limit"),
      enumValues: fallback.enumValues,
    }
  );
}
