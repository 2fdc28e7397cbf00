import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { CallContext } from "../../application/answer.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { callFailure } from "./call-failure.js";
import type { SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { AGE_HEADER, ageMs, DETAIL_HEADER, SOURCE_HEADER } from "./provenance-headers.js";
import type { SidecarCalls } from "./sidecar-calls.js";
import type { Reply, UnaryCall } from "./unary-call.js";
import { unlessAborted } from "./unless-aborted.js";

/** The service as Connect's router takes it. */
export function connectService(calls: SidecarCalls, clock: Clock, logger: Logger): ServiceImpl<typeof SidecarService> {
  function serve<I, O>(call: UnaryCall<I, O>): (request: I, context: HandlerContext) => O | Promise<O> {
    return (request, context) => {
      try {
        const replied = call(request, callContext(context));
        if (replied instanceof Promise) return settle(replied, context);
        return deliver(replied, context);
      } catch (error) {
        throw callFailure(error, context.signal, context.method.name, logger);
      }
    };
  }

  async function settle<O>(replied: Promise<Reply<O>>, context: HandlerContext): Promise<O> {
    try {
      return deliver(await unlessAborted(replied, context.signal), context);
    } catch (error) {
      throw callFailure(error, context.signal, context.method.name, logger);
    }
  }

  function callContext(context: HandlerContext): CallContext {
    const timeoutMs = context.timeoutMs();
    return { deadlineAt: timeoutMs === undefined ? undefined : clock.now() + timeoutMs, signal: context.signal };
  }

  function deliver<O>(reply: Reply<O>, context: HandlerContext): O {
    if (reply.source === undefined) return reply.message;
    context.responseHeader.set(SOURCE_HEADER, reply.source);
    if (context.requestHeader.get(DETAIL_HEADER) === "1") {
      const age = ageMs(reply, clock.now());
      if (age !== undefined) context.responseHeader.set(AGE_HEADER, String(age));
    }
    return reply.message;
  }

  return {
    getEntitlements: serve(calls.getEntitlements),
    getEntitlement: serve(calls.getEntitlement),
    getBooleanEntitlement: serve(calls.getBooleanEntitlement),
    getNumericEntitlement: serve(calls.getNumericEntitlement),
    getMeteredEntitlement: serve(calls.getMeteredEntitlement),
    getEnumEntitlement: serve(calls.getEnumEntitlement),
    reportUsage: serve(calls.reportUsage),
    reportEvents: serve(calls.reportEvents),
    reloadEntitlements: serve(calls.reloadEntitlements),
    reportUsageBulk: serve(calls.reportUsageBulk),
    getEntitlementV2: serve(calls.getEntitlementV2),
    getEntitlementsStateV2: serve(calls.getEntitlementsStateV2),
  };
}
