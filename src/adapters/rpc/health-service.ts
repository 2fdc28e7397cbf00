import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Readiness } from "../../application/readiness.js";
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  type Health,
  type HealthCheckRequest,
} from "./gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { quoted } from "./invalid-argument.js";
import { shuttingDown } from "./shutting-down.js";

/** "" is the server as a whole. */
const SERVICES: readonly string[] = ["", SidecarService.typeName];

/** @param shutdownSignal ends every Watch, which else would hold the server open for ever */
export function healthService(readiness: Readiness, shutdownSignal: AbortSignal): ServiceImpl<typeof Health> {
  function statusOf(service: string): ServingStatus {
    if (!SERVICES.includes(service)) return ServingStatus.SERVICE_UNKNOWN;
    return readiness.isReady ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  async function* watch({ service }: HealthCheckRequest, { signal }: HandlerContext) {
    let wake: () => void = () => undefined;
    const onEvent = () => wake();
    const unsubscribe = readiness.onChange(onEvent);
    signal.addEventListener("abort", onEvent);
    shutdownSignal.addEventListener("abort", onEvent);
    try {
      let told: ServingStatus | undefined;
      while (!signal.aborted) {
        const status = statusOf(service);
        if (status !== told) {
          told = status;
          yield { status };
          continue;
        }
        if (shutdownSignal.aborted) throw shuttingDown();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", onEvent);
      shutdownSignal.removeEventListener("abort", onEvent);
    }
  }

  return {
    check({ service }) {
      const status = statusOf(service);
      if (status === ServingStatus.SERVICE_UNKNOWN) {
        throw new ConnectError(
          `there is no service ${quoted(service)}: ask for "" or ${quoted(SidecarService.typeName)}`,
          Code.NotFound,
        );
      }
      return { status };
    },
    watch,
    list: () => ({ statuses: Object.fromEntries(SERVICES.map((name) => [name, { status: statusOf(name) }])) }),
  };
}
