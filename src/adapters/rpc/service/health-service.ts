import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Readiness } from "../../../application/readiness.js";
import { CodedError } from "../../../domain/errors.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import { MESSAGE_ENCODERS } from "../answers/message-encoders.js";
import { shuttingDown } from "../call/call-failure.js";
import {
  type Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { quoted } from "./request-reader.js";
import { plainReply, type UnaryCall } from "./unary-call.js";

/** "" is the server as a whole. */
const SERVICES: readonly string[] = ["", SidecarService.typeName];

function statusOf(readiness: Readiness, service: string): ServingStatus {
  if (!SERVICES.includes(service)) return ServingStatus.SERVICE_UNKNOWN;
  return readiness.isReady ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

/** Health/Check, in one form of answers. */
export function healthCheckCall<A extends Answers>(
  readiness: Readiness,
  encode: AnswerEncoders<A>,
): UnaryCall<HealthCheckRequest, A["check"]> {
  return ({ service }) => {
    const status = statusOf(readiness, service);
    if (status === ServingStatus.SERVICE_UNKNOWN) {
      throw new CodedError(
        "not-found",
        `there is no service ${quoted(service)}: ask for "" or ${quoted(SidecarService.typeName)}`,
      );
    }
    return plainReply(encode.health(status));
  };
}

/** What serves a unary call by way of Connect. */
export type ServeUnary = <I, O>(call: UnaryCall<I, O>) => (request: I, context: HandlerContext) => O | Promise<O>;

/** @param shutdownSignal ends every Watch, which else would hold the server open for ever */
export function healthService(
  readiness: Readiness,
  serve: ServeUnary,
  shutdownSignal: AbortSignal,
): ServiceImpl<typeof Health> {
  async function* watch({ service }: HealthCheckRequest, { signal }: HandlerContext) {
    let wake: () => void = () => undefined;
    const onEvent = () => wake();
    const unsubscribe = readiness.onChange(onEvent);
    signal.addEventListener("abort", onEvent);
    shutdownSignal.addEventListener("abort", onEvent);
    try {
      let sent: ServingStatus | undefined;
      while (!signal.aborted) {
        const status = statusOf(readiness, service);
        if (status !== sent) {
          sent = status;
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
    check: serve(healthCheckCall(readiness, MESSAGE_ENCODERS)),
    watch,
    list: () => ({
      statuses: Object.fromEntries(SERVICES.map((name) => [name, { status: statusOf(readiness, name) }])),
    }),
  };
}
