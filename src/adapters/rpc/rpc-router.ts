import { createConnectRouter } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Readiness } from "../../application/readiness.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { connectService } from "./connect-service.js";
import { DescriptorIndex } from "./descriptor-index.js";
import { file_grpc_health_v1_health, Health } from "./gen/grpc/health/v1/health_pb.js";
import { file_grpc_reflection_v1_reflection, ServerReflection } from "./gen/grpc/reflection/v1/reflection_pb.js";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as ServerReflectionAlpha,
} from "./gen/grpc/reflection/v1alpha/reflection_pb.js";
import { file_stigg_sidecar_v1_sidecar, SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { healthService } from "./health-service.js";
import { JSON_OPTIONS } from "./json-options.js";
import { reflectionAlphaService, reflectionService } from "./reflection-service.js";
import type { SidecarCalls } from "./sidecar-calls.js";

/** What a client of gRPC takes as well unless told otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export interface RpcOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the streams that callers keep open (health watches, reflection), and no other call. */
  readonly shutdownSignal: AbortSignal;
  /** A larger message is refused with RESOURCE_EXHAUSTED; counted after decompression. Default 4 MiB. */
  readonly maxMessageBytes?: number | undefined;
}

/** Everything that is served, by path: "/stigg.sidecar.v1.SidecarService/GetEntitlement" and so on. */
export function rpcHandlers(
  calls: SidecarCalls,
  readiness: Readiness,
  { clock, logger, shutdownSignal, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES }: RpcOptions,
): ReadonlyMap<string, UniversalHandler> {
  const descriptors = new DescriptorIndex([
    file_stigg_sidecar_v1_sidecar,
    file_grpc_health_v1_health,
    file_grpc_reflection_v1_reflection,
    file_grpc_reflection_v1alpha_reflection,
  ]);
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: maxMessageBytes,
    jsonOptions: JSON_OPTIONS,
  })
    .service(SidecarService, connectService(calls, clock, logger))
    .service(Health, healthService(readiness, shutdownSignal))
    .service(ServerReflection, reflectionService(descriptors, shutdownSignal))
    .service(ServerReflectionAlpha, reflectionAlphaService(descriptors, shutdownSignal));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}
