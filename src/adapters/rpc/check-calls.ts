import type { CallContext } from "../../application/answer.js";
import type { CheckEntitlement } from "../../application/check-entitlement.js";
import type { FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import { encodeCreditDecisionV2, encodeFeatureDecision, encodeFeatureDecisionV2 } from "./encode-decision.js";
import {
  encodeBooleanDecision,
  encodeEnumDecision,
  encodeMeteredDecision,
  encodeNumericDecision,
} from "./encode-typed-decision.js";
import type {
  GetBooleanEntitlementRequest,
  GetEntitlementRequest,
  GetEntitlementV2Request,
  GetEntitlementV2Response,
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
export function checkCalls(check: CheckEntitlement) {
  function feature<O>(
    { customerId, resourceId }: NamesSubject,
    query: FeatureQuery,
    call: CallContext,
    encode: (decision: FeatureDecision, query: FeatureQuery) => O,
  ): Reply<O> | Promise<Reply<O>> {
    return reply(check.feature(requiredId(customerId, "customer_id"), optionalId(resourceId), query, call), encode, query);
  }

  return {
    getEntitlement: (request: GetEntitlementRequest, call: CallContext) =>
      feature(request, readEntitlementQuery(request), call, encodeFeatureDecision),

    getBooleanEntitlement: (request: GetBooleanEntitlementRequest, call: CallContext) =>
      feature(request, readBooleanQuery(request), call, encodeBooleanDecision),

    getNumericEntitlement: (request: GetNumericEntitlementRequest, call: CallContext) =>
      feature(request, readNumericQuery(request), call, encodeNumericDecision),

    getMeteredEntitlement: (request: GetMeteredEntitlementRequest, call: CallContext) =>
      feature(request, readMeteredQuery(request), call, encodeMeteredDecision),

    getEnumEntitlement: (request: GetEnumEntitlementRequest, call: CallContext) =>
      feature(request, readEnumQuery(request), call, encodeEnumDecision),

    getEntitlementV2: (
      request: GetEntitlementV2Request,
      call: CallContext,
    ): Reply<GetEntitlementV2Response> | Promise<Reply<GetEntitlementV2Response>> => {
      const { type, query } = readEntitlementV2Query(request);
      if (type === "feature") return feature(request, query, call, encodeFeatureDecisionV2);
      const customerId = requiredId(request.customerId, "customer_id");
      return reply(check.credit(customerId, optionalId(request.resourceId), query, call), encodeCreditDecisionV2, query);
    },
  };
}
