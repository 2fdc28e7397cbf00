import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import type { Answer } from "../../../application/answer.js";
import type { UsageState } from "../../../domain/usage/usage-report.js";
import {
  type FastMethod,
  type Reply,
  type ServedMethod,
  type ServiceCallContext,
  UnreadableMessage,
} from "../call/served-method.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { jsonReader } from "./json-request-reader.js";
import { requestReader } from "./request-reader.js";
import { methodOf } from "./served-methods.js";

/**
 * One method of the service, whatever protocol it is called by: reads the request, asks a use case, encodes
 * the answer. It answers at once, not by a promise, whenever the use case does.
 *
 * @throws CodedError, also by rejection
 */
export type UnaryCall<I, O> = (request: I, call: ServiceCallContext) => Reply<O> | Promise<Reply<O>>;

/** Encodes an answer when it is there: at once for one that is cached. */
export function reply<Result, Query, O>(
  answer: Answer<Result> | Promise<Answer<Result>>,
  encode: (result: Result, query: Query) => O,
  query: Query,
): Reply<O> | Promise<Reply<O>> {
  if (answer instanceof Promise) return answer.then((settled) => encodeReply(settled, encode, query));
  return encodeReply(answer, encode, query);
}

function encodeReply<Result, Query, O>(
  { result, source, verifiedAt, assumed, decisionId }: Answer<Result>,
  encode: (result: Result, query: Query) => O,
  query: Query,
): Reply<O> {
  return { message: encode(result, query), source, verifiedAt, assumed, decisionId, usageState: undefined };
}

/** A reply that says nothing of a state. */
export function plainReply<O>(message: O, usageState?: UsageState): Reply<O> {
  return { message, source: undefined, verifiedAt: undefined, assumed: undefined, decisionId: undefined, usageState };
}

/** Those that read or answer a list. */
const DEAR: ReadonlySet<DescMethod> = new Set([
  SidecarService.method.getEntitlements,
  SidecarService.method.getEntitlementsStateV2,
  SidecarService.method.reportEvents,
  SidecarService.method.reportUsageBulk,
]);

/** A method of the fast path, from its two forms. */
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
    isDear: DEAR.has(descriptor),
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
