import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import type { Readiness } from "../../../application/readiness.js";
import { type FastMethod, type ServedMethod, UnreadableMessage } from "../call/served-method.js";
import { frameEncoders } from "../gen/answers/frame-encoders.js";
import { TEXT_ENCODERS } from "../gen/answers/text-encoders.js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { healthCheckCall } from "./health-service.js";
import { jsonReader } from "./json-request-reader.js";
import { requestReader } from "./request-reader.js";
import { methodOf } from "./served-methods.js";
import { sidecarCalls, type SidecarCallsOptions, type UseCases } from "./sidecar-calls.js";
import type { UnaryCall } from "./unary-call.js";

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

/** One of them, from its two forms. */
export function fastMethod<I extends DescMessage>(
  descriptor: DescMethod & { readonly input: I },
  binary: UnaryCall<MessageShape<I>, Buffer>,
  json: UnaryCall<MessageShape<I>, string>,
): FastMethod {
  const readBinary = requestReader(descriptor.input);
  const readJson = jsonReader(descriptor.input);
  const served: ServedMethod = methodOf(descriptor);
  return {
    ...served,
    binary(bytes, from, to, call) {
      let request: MessageShape<I>;
      try {
        request = readBinary(bytes, from, to);
      } catch (cause) {
        throw new UnreadableMessage("the message is not what the method takes", { cause });
      }
      return binary(request, call);
    },
    json(text, call) {
      let request: MessageShape<I>;
      try {
        request = readJson(text);
      } catch (cause) {
        throw new UnreadableMessage("the text is not what the method takes", { cause });
      }
      return json(request, call);
    },
  };
}
