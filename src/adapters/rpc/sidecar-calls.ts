import type { MessageShape } from "@bufbuild/protobuf";
import type { CheckEntitlement } from "../../application/check-entitlement.js";
import type { ListEntitlements } from "../../application/list-entitlements.js";
import type { ReloadEntitlements } from "../../application/reload-entitlements.js";
import type { ReportEvents } from "../../application/report-events.js";
import type { ReportUsage } from "../../application/report-usage.js";
import type { Messages } from "./answers/answer-encoders.js";
import { MESSAGE_ENCODERS } from "./answers/message-encoders.js";
import { checkCalls } from "./check-calls.js";
import type { SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { listCalls } from "./list-calls.js";
import type { UnaryCall } from "./unary-call.js";
import { writeCalls } from "./write-calls.js";

/** What the service can do. */
export interface UseCases {
  readonly check: CheckEntitlement;
  readonly list: ListEntitlements;
  readonly reload: ReloadEntitlements;
  readonly reportUsage: ReportUsage;
  readonly reportEvents: ReportEvents;
}

type Methods = typeof SidecarService.method;

/** Every method of the service by its local name; the compiler misses none. */
export type SidecarCalls = {
  readonly [M in keyof Methods]: UnaryCall<MessageShape<Methods[M]["input"]>, MessageShape<Methods[M]["output"]>>;
};

export function sidecarCalls(useCases: UseCases): SidecarCalls {
  return {
    ...checkCalls<Messages>(useCases.check, MESSAGE_ENCODERS),
    ...listCalls<Messages>(useCases.list, MESSAGE_ENCODERS),
    ...writeCalls<Messages>(useCases.reportUsage, useCases.reportEvents, useCases.reload, MESSAGE_ENCODERS),
  };
}
