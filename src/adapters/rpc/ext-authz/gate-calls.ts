import { toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Answer, CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import type { Clock } from "../../../ports/clock.js";
import { JSON_OPTIONS } from "../answers/answer-encoders.js";
import type { FastMethod, Reply } from "../call/served-method.js";
import {
  Authorization,
  type CheckRequest,
  type CheckResponse,
  CheckResponseSchema,
} from "../gen/envoy/service/auth/v3/external_auth_pb.js";
import type { CountDecision } from "../service/check-calls.js";
import { fastMethod, plainReply, type UnaryCall } from "../service/unary-call.js";
import { type DeniedStatus, faultAnswer, gateAnswer, ungatedAnswer } from "./gate-answers.js";
import { type GateBounds, GateFault, type GateHeaders, readGatedRequest } from "./gated-request.js";

const PREFIX_BYTES = 5;

/** How a gateway's requests are read and answered, as the operator sets it. */
export interface GateSettings {
  readonly headers: GateHeaders;
  readonly deniedStatus: DeniedStatus | undefined;
  /** Whether a request passes that names no feature. One that names no customer never does. */
  readonly passesUngated: boolean;
}

interface GateOptions extends GateSettings, GateBounds {
  readonly count: CountDecision;
  readonly clock: Clock;
}

type GateChecks = Pick<CheckEntitlement, "feature">;

/** Whether a gateway's request may pass. A cached customer is answered at once, not by a promise. */
export function gateCall<O>(
  check: GateChecks,
  encode: (response: CheckResponse) => O,
  options: GateOptions,
): UnaryCall<CheckRequest, O> {
  function answered(answer: Answer<FeatureDecision>, query: FeatureQuery): Reply<O> {
    options.count(answer.result);
    const { source, verifiedAt, assumed, decisionId } = answer;
    const response = gateAnswer(answer, query, options.deniedStatus, options.clock.now());
    return { message: encode(response), source, verifiedAt, assumed, decisionId, usageState: undefined };
  }

  return (request: CheckRequest, call: CallContext) => {
    const gated = readGatedRequest(request, options);
    if (gated instanceof GateFault) {
      const isUngated = gated.reason === "FeatureNotNamed" && options.passesUngated;
      return plainReply(encode(isUngated ? ungatedAnswer() : faultAnswer(gated)));
    }
    const { customerId, resourceId, featureId, requestedUsage } = gated;
    const query: FeatureQuery = {
      featureId,
      kind: undefined,
      requestedUsage,
      requestedValues: [],
      fallback: undefined,
      fallbackWhenUnknown: false,
    };
    const answer = check.feature(customerId, resourceId, query, call);
    return answer instanceof Promise ? answer.then((settled) => answered(settled, query)) : answered(answer, query);
  };
}

/** The same straight from and to frames and JSON. */
export function gateFastMethod(check: GateChecks, options: GateOptions): FastMethod {
  return fastMethod(Authorization.method.check, gateCall(check, framed, options), gateCall(check, textOf, options));
}

function framed(response: CheckResponse): Buffer {
  const message = toBinary(CheckResponseSchema, response);
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

function textOf(response: CheckResponse): string {
  return toJsonString(CheckResponseSchema, response, JSON_OPTIONS);
}
