import { type ConnectError, createConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Readiness } from "../../../application/readiness.js";
import { unlessAborted } from "../../../ports/waits.js";
import { JSON_OPTIONS } from "../answers/answer-encoders.js";
import { MESSAGE_ENCODERS } from "../answers/message-encoders.js";
import { GENERAL_TRACE, originOf, tellSource } from "../call/call-trace.js";
import type { Calls } from "../call/calls.js";
import type { Reply, ServiceCallContext } from "../call/served-method.js";
import {
  Authorization,
  type CheckRequest,
  type CheckResponse,
  file_envoy_service_auth_v3_external_auth,
} from "../gen/envoy/service/auth/v3/external_auth_pb.js";
import { file_grpc_health_v1_health, Health } from "../gen/grpc/health/v1/health_pb.js";
import { file_grpc_reflection_v1_reflection, ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as ServerReflectionAlpha,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { file_stigg_sidecar_v1_sidecar, SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { healthService, type ServeUnary } from "../service/health-service.js";
import { DescriptorIndex, reflectionAlphaService, reflectionService } from "../service/reflection-service.js";
import { sidecarCalls, type SidecarCallsOptions, type UseCases } from "../service/sidecar-calls.js";
import type { UnaryCall } from "../service/unary-call.js";
import { AGE_HEADER, ageMs, answerFields, USAGE_STATE_HEADER } from "./answer-headers.js";
import { DETAIL_HEADER, IDEMPOTENCY_KEY_HEADER } from "./fast-path-headers.js";

interface RouterOptions extends SidecarCallsOptions {
  /** Ends the streams that callers keep open (health watches, reflection), and no other call. */
  readonly shutdownSignal: AbortSignal;
  /** A larger message is refused with RESOURCE_EXHAUSTED; counted after decompression. */
  readonly maxMessageBytes: number;
  readonly hasReflection: boolean;
  /** Answers gateways; undefined: they are not served. */
  readonly gate?: UnaryCall<CheckRequest, CheckResponse> | undefined;
}

/** Everything that is served, by path: "/stigg.sidecar.v1.SidecarService/GetEntitlement" and so on. */
export function rpcHandlers(
  useCases: UseCases,
  readiness: Readiness,
  calls: Calls,
  { shutdownSignal, maxMessageBytes, hasReflection, gate, ...options }: RouterOptions,
): ReadonlyMap<string, UniversalHandler> {
  const serve = serveByConnect(calls);
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: maxMessageBytes,
    jsonOptions: JSON_OPTIONS,
  })
    .service(SidecarService, connectService(useCases, options, serve))
    .service(Health, healthService(readiness, serve, shutdownSignal));
  if (gate !== undefined) router.service(Authorization, { check: serve(gate) });
  if (hasReflection) {
    const descriptors = new DescriptorIndex([
      file_stigg_sidecar_v1_sidecar,
      file_grpc_health_v1_health,
      ...(gate === undefined ? [] : [file_envoy_service_auth_v3_external_auth]),
      file_grpc_reflection_v1_reflection,
      file_grpc_reflection_v1alpha_reflection,
    ]);
    router
      .service(ServerReflection, reflectionService(descriptors, shutdownSignal))
      .service(ServerReflectionAlpha, reflectionAlphaService(descriptors, shutdownSignal));
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

/** Serves a call of the service as Connect's router takes it. */
export function serveByConnect(calls: Calls): ServeUnary {
  return <I, O>(call: UnaryCall<I, O>) =>
    (request: I, context: HandlerContext): O | Promise<O> => {
      try {
        const replied = call(request, callContext(context));
        if (replied instanceof Promise) return settle(replied, context);
        return deliver(replied, context);
      } catch (error) {
        throw failureOf(error, context);
      }
    };

  function failureOf(error: unknown, context: HandlerContext): ConnectError {
    return calls.failureOf(error, context.signal, context.method.name, context.values.get(GENERAL_TRACE).headers);
  }

  async function settle<O>(replied: Promise<Reply<O>>, context: HandlerContext): Promise<O> {
    try {
      // Work that others share goes on when one caller's time is up; the caller is answered at once.
      const { signal } = context;
      return deliver(await unlessAborted(replied, signal, () => signal.reason as Error), context);
    } catch (error) {
      throw failureOf(error, context);
    }
  }

  function callContext(context: HandlerContext): ServiceCallContext {
    const timeoutMs = context.timeoutMs();
    const { headers, span } = context.values.get(GENERAL_TRACE);
    return {
      origin: originOf(headers),
      span,
      deadlineAt: timeoutMs === undefined ? undefined : calls.clock.now() + timeoutMs,
      signal: context.signal,
      takeTurn: () => calls.takeTurn(context.signal),
      idempotencyKey: context.requestHeader.get(IDEMPOTENCY_KEY_HEADER) ?? undefined,
    };
  }

  function deliver<O>(reply: Reply<O>, context: HandlerContext): O {
    const { span } = context.values.get(GENERAL_TRACE);
    if (span !== undefined) tellSource(span, reply.source);
    if (reply.usageState !== undefined) context.responseHeader.set(USAGE_STATE_HEADER, reply.usageState);
    for (const [name, value] of answerFields(reply)) context.responseHeader.set(name, value);
    if (context.requestHeader.get(DETAIL_HEADER) === "1") {
      const age = ageMs(reply, calls.clock.now());
      if (age !== undefined) context.responseHeader.set(AGE_HEADER, String(age));
    }
    return reply.message;
  }
}

/** The service as Connect's router takes it. */
export function connectService(
  useCases: UseCases,
  options: SidecarCallsOptions,
  serve: ServeUnary,
): ServiceImpl<typeof SidecarService> {
  const calls = sidecarCalls(useCases, MESSAGE_ENCODERS, options);
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
