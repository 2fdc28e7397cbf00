import type { MessageShape } from "@bufbuild/protobuf";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { ListEntitlements } from "../../../application/check/list-entitlements.js";
import type { ReloadEntitlements } from "../../../application/refresh/follow-updates.js";
import type { EventReporting, UsageReporting } from "../../../application/report/report-usage.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import type { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { checkCalls, type CountDecision, listCalls } from "./check-calls.js";
import type { UnaryCall } from "./unary-call.js";
import { writeCalls } from "./write-calls.js";

/** What the service can do. */
export interface UseCases {
  readonly check: Pick<CheckEntitlement, "feature" | "credit">;
  readonly list: ListEntitlements;
  readonly reload: ReloadEntitlements;
  readonly reportUsage: UsageReporting;
  readonly reportEvents: EventReporting;
}

export interface SidecarCallsOptions {
  readonly count: CountDecision;
  /** Usages or events in one request. */
  readonly maxItems: number;
  /** The longest id of a customer, resource, feature or currency, bytes of UTF-8. */
  readonly maxIdBytes: number;
}

type Methods = typeof SidecarService.method;

/** The local name of a method: "getEntitlement" and so on. */
export type SidecarMethod = keyof Methods;

/** Every method of the service by its local name, in one form of answers; the compiler misses none. */
export type SidecarCalls<A extends Answers> = {
  readonly [M in keyof Methods]: UnaryCall<MessageShape<Methods[M]["input"]>, A[M]>;
};

export function sidecarCalls<A extends Answers>(
  useCases: UseCases,
  encode: AnswerEncoders<A>,
  { count, ...bounds }: SidecarCallsOptions,
): SidecarCalls<A> {
  return {
    ...checkCalls(useCases.check, encode, count, bounds.maxIdBytes),
    ...listCalls(useCases.list, encode, bounds.maxIdBytes),
    ...writeCalls(useCases.reportUsage, useCases.reportEvents, useCases.reload, encode, bounds),
  };
}
