import type { CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { ListEntitlements } from "../../../application/check/list-entitlements.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
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
import {
  readBooleanQuery,
  readEntitlementQuery,
  readEntitlementV2Query,
  readEnumQuery,
  readMeteredQuery,
  readNumericQuery,
} from "./read-queries.js";
import { optionalId, requiredId } from "./request-reader.js";
import { type Reply, reply } from "./unary-call.js";

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
