import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Readiness } from "../../../application/readiness.js";
import type { Calls } from "../call/calls.js";
import { file_grpc_health_v1_health, Health } from "../gen/grpc/health/v1/health_pb.js";
import { file_grpc_reflection_v1_reflection, ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as ServerReflectionAlpha,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { file_stigg_sidecar_v1_sidecar, SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { JSON_OPTIONS } from "../json-options.js";
import { DescriptorIndex } from "../service/descriptor-index.js";
import { healthService } from "../service/health-service.js";
import { reflectionAlphaService, reflectionService } from "../service/reflection-service.js";
import type { SidecarCallsOptions, UseCases } from "../service/sidecar-calls.js";
import { connectService, serveByConnect } from "./connect-service.js";

export interface RouterOptions extends SidecarCallsOptions {
  /** Ends the streams that callers keep open (health watches, reflection), and no other call. */
  readonly shutdownSignal: AbortSignal;
  /** A larger message is refused with RESOURCE_EXHAUSTED; counted after decompression. */
  readonly maxMessageBytes: number;
  readonly hasReflection: boolean;
}

/** Everything that is served, by path: "/stigg.sidecar.v1.SidecarService/GetEntitlement" and so on. */
export function rpcHandlers(
  useCases: UseCases,
  readiness: Readiness,
  calls: Calls,
  { shutdownSignal, maxMessageBytes, hasReflection, ...options }: RouterOptions,
): ReadonlyMap<string, UniversalHandler> {
  const serve = serveByConnect(calls);
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: maxMessageBytes,
    jsonOptions: JSON_OPTIONS,
  })
    .service(SidecarService, connectService(useCases, options, serve))
    .service(Health, healthService(readiness, serve, shutdownSignal));
  if (hasReflection) {
    const descriptors = new DescriptorIndex([
      file_stigg_sidecar_v1_sidecar,
      file_grpc_health_v1_health,
      file_grpc_reflection_v1_reflection,
      file_grpc_reflection_v1alpha_reflection,
    ]);
    router
      .service(ServerReflection, reflectionService(descriptors, shutdownSignal))
      .service(ServerReflectionAlpha, reflectionAlphaService(descriptors, shutdownSignal));
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}
