import type { CallContext } from "../../application/answer.js";
import type { CheckEntitlement } from "../../application/check-entitlement.js";
import type { FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import type { AnswerEncoders, Answers } from "./answers/answer-encoders.js";
import type {
  GetBooleanEntitlementRequest,
  GetEntitlementRequest,
  GetEntitlementV2Request,
  GetEnumEntitlementRequest,
  GetMeteredEntitlementRequest,
  GetNumericEntitlementRequest,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
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

/** The six methods that check one entitlement. */
export function checkCalls<A extends Answers>(check: CheckEntitlement, encode: AnswerEncoders<A>) {
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
      feature(request, readEntitlementQuery(request), call, encode.feature),

    getBooleanEntitlement: (request: GetBooleanEntitlementRequest, call: CallContext) =>
      feature(request, readBooleanQuery(request), call, encode.boolean),

    getNumericEntitlement: (request: GetNumericEntitlementRequest, call: CallContext) =>
      feature(request, readNumericQuery(request), call, encode.numeric),

    getMeteredEntitlement: (request: GetMeteredEntitlementRequest, call: CallContext) =>
      feature(request, readMeteredQuery(request), call, encode.metered),

    getEnumEntitlement: (request: GetEnumEntitlementRequest, call: CallContext) =>
      feature(request, readEnumQuery(request), call, encode.enum),

    getEntitlementV2: (
      request: GetEntitlementV2Request,
      call: CallContext,
    ): Reply<A["getEntitlementV2"]> | Promise<Reply<A["getEntitlementV2"]>> => {
      const { type, query } = readEntitlementV2Query(request);
      if (type === "feature") return feature(request, query, call, encode.featureV2);
      const customerId = requiredId(request.customerId, "customer_id");
      return reply(check.credit(customerId, optionalId(request.resourceId), query, call), encode.creditV2, query);
    },
  };
}
