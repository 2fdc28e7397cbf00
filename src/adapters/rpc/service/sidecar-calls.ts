import type { MessageShape } from "@bufbuild/protobuf";
import type { CheckEntitlement } from "../../../application/check/check-entitlement.js";
import type { ListEntitlements } from "../../../application/check/list-entitlements.js";
import type { Readiness } from "../../../application/readiness.js";
import type { ReloadEntitlements } from "../../../application/refresh/follow-updates.js";
import type { EventReporting, UsageReporting } from "../../../application/report/report-usage.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import type { FastMethod } from "../call/served-method.js";
import { frameEncoders } from "../gen/answers/frame-encoders.js";
import { TEXT_ENCODERS } from "../gen/answers/text-encoders.js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { checkCalls, type CountDecision, listCalls } from "./check-calls.js";
import { healthCheckCall } from "./health-service.js";
import { fastMethod, type UnaryCall } from "./unary-call.js";
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

type LocalName = keyof typeof SidecarService.method;

/** All methods that are unary, by path: those of the service, and Health/Check. */
export function fastMethods(
  useCases: UseCases,
  readiness: Readiness,
  options: SidecarCallsOptions,
): ReadonlyMap<string, FastMethod> {
  const frames = frameEncoders();
  const binaryCalls = sidecarCalls(useCases, frames, options);
  const jsonCalls = sidecarCalls(useCases, TEXT_ENCODERS, options);
  const methods = (Object.keys(SidecarService.method) as LocalName[]).map((name) => {
    const method = SidecarService.method[name];
    const binary = binaryCalls[name] as UnaryCall<MessageShape<typeof method.input>, Buffer>;
    const json = jsonCalls[name] as UnaryCall<MessageShape<typeof method.input>, string>;
    return fastMethod(method, binary, json);
  });
  methods.push(
    fastMethod(Health.method.check, healthCheckCall(readiness, frames), healthCheckCall(readiness, TEXT_ENCODERS)),
  );
  return new Map(methods.map((method) => [method.path, method]));
}
