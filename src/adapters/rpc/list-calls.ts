import type { CallContext } from "../../application/answer.js";
import type { ListEntitlements } from "../../application/list-entitlements.js";
import type { Subject } from "../../domain/subject.js";
import type { AnswerEncoders, Answers } from "./answers/answer-encoders.js";
import type { GetEntitlementsRequest, GetEntitlementsStateV2Request } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { optionalId, requiredId } from "./read-fields.js";
import { reply } from "./unary-call.js";

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
