import type { Answer, CallContext } from "../../application/answer.js";
import type { EntitlementsList, ListEntitlements } from "../../application/list-entitlements.js";
import type { AnswerEncoders, Answers } from "./answer-encoders.js";
import type { GetEntitlementsRequest, GetEntitlementsStateV2Request } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { optionalId, requiredId } from "./read-fields.js";
import { reply } from "./unary-call.js";

type ListRequest = GetEntitlementsRequest | GetEntitlementsStateV2Request;

/** The two methods that list all entitlements. */
export function listCalls<A extends Answers>(list: ListEntitlements, encode: AnswerEncoders<A>) {
  function listOf(request: ListRequest, call: CallContext): Answer<EntitlementsList> | Promise<Answer<EntitlementsList>> {
    const customerId = requiredId(request.customerId, "customer_id");
    return list.list({ customerId, resourceId: optionalId(request.resourceId) }, call);
  }

  return {
    getEntitlements: (request: GetEntitlementsRequest, call: CallContext) =>
      reply(listOf(request, call), encode.list, undefined),

    getEntitlementsStateV2: (request: GetEntitlementsStateV2Request, call: CallContext) =>
      reply(listOf(request, call), encode.listV2, undefined),
  };
}
