import type { CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check-entitlement.js";
import type { ListEntitlements } from "../../../application/list-entitlements.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../../domain/decision.js";
import type { Subject } from "../../../domain/subject.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import type {
  GetBooleanEntitlementRequest,
  GetEntitlementRequest,
  GetEntitlementsRequest,
  GetEntitlementsStateV2Request,
  GetEntitlementV2Request,
  GetEnumEntitlementRequest,
  GetMeteredEntitlementRequest,
  GetNumericEntitlementRequest,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { optionalId, requiredId } from "./read-fields.js";
import {
  readBooleanQuery,
  readEntitlementQuery,
  readEntitlementV2Query,
  readEnumQuery,
  readMeteredQuery,
  readNumericQuery,
} from "./read-queries.js";
import { reply, type Reply } from "./unary-call.js";

interface NamesSubject {
  readonly customerId: string;
  readonly resourceId?: string | undefined;
}

/** Counts a decision. */
export type CountDecision = (decision: FeatureDecision | CreditDecision) => void;

/** The six methods that check one entitlement. */
export function checkCalls<A extends Answers>(check: CheckEntitlement, encode: AnswerEncoders<A>, count: CountDecision) {
  /** Counts what it encodes: it is made once for each method, not for each call. */
  function counting<D extends FeatureDecision | CreditDecision, Q, O>(encoder: (decision: D, query: Q) => O): (decision: D, query: Q) => O {
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
    return reply(check.feature(requiredId(customerId, "customer_id"), optionalId(resourceId), query, call), encoder, query);
  }

  return {
    getEntitlement: (request: GetEntitlementRequest, call: CallContext) =>
      feature(request, readEntitlementQuery(request), call, encodeAny),

    getBooleanEntitlement: (request: GetBooleanEntitlementRequest, call: CallContext) =>
      feature(request, readBooleanQuery(request), call, encodeBoolean),

    getNumericEntitlement: (request: GetNumericEntitlementRequest, call: CallContext) =>
      feature(request, readNumericQuery(request), call, encodeNumeric),

    getMeteredEntitlement: (request: GetMeteredEntitlementRequest, call: CallContext) =>
      feature(request, readMeteredQuery(request), call, encodeMetered),

    getEnumEntitlement: (request: GetEnumEntitlementRequest, call: CallContext) =>
      feature(request, readEnumQuery(request), call, encodeEnum),

    getEntitlementV2: (
      request: GetEntitlementV2Request,
      call: CallContext,
    ): Reply<A["getEntitlementV2"]> | Promise<Reply<A["getEntitlementV2"]>> => {
      const { type, query } = readEntitlementV2Query(request);
      if (type === "feature") return feature(request, query, call, encodeV2);
      const customerId = requiredId(request.customerId, "customer_id");
      return reply(check.credit(customerId, optionalId(request.resourceId), query, call), encodeCreditV2, query);
    },
  };
}

type ListRequest = GetEntitlementsRequest | GetEntitlementsStateV2Request;

/** The two methods that list all entitlements. */
export function listCalls<A extends Answers>(list: ListEntitlements, encode: AnswerEncoders<A>) {
  return {
    getEntitlements: (request: GetEntitlementsRequest, call: CallContext) =>
      reply(list.listFeatures(subjectOf(request), call), encode.list, undefined),

    getEntitlementsStateV2: (request: GetEntitlementsStateV2Request, call: CallContext) =>
      reply(list.list(subjectOf(request), call), encode.listV2, undefined),
  };
}

function subjectOf(request: ListRequest): Subject {
  return { customerId: requiredId(request.customerId, "customer_id"), resourceId: optionalId(request.resourceId) };
}
