import type { MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check-entitlement.js";
import type { ListEntitlements } from "../../../application/list-entitlements.js";
import type { CheckMethod, Texts } from "../answers/answer-encoders.js";
import { checkCalls } from "../check-calls.js";
import { TEXT_ENCODERS } from "../gen/answers/text-encoders.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { listCalls } from "../list-calls.js";
import type { Reply, UnaryCall } from "../unary-call.js";
import { jsonReader } from "./json-reader.js";

/** A method that the lane serves. */
export interface JsonMethod {
  readonly name: string;
  /** @throws Error where the text is not what the method takes; CodedError, also by rejection */
  answer(request: string, call: CallContext): Reply<string> | Promise<Reply<string>>;
}

type Methods = typeof SidecarService.method;
type HotCalls = { readonly [M in CheckMethod]: UnaryCall<MessageShape<Methods[M]["input"]>, string> };

/** The methods that answer from what is known, by path: "/stigg.sidecar.v1.SidecarService/GetEntitlement" and so on. */
export function jsonMethods(check: CheckEntitlement, list: ListEntitlements): ReadonlyMap<string, JsonMethod> {
  const calls: HotCalls = { ...checkCalls<Texts>(check, TEXT_ENCODERS), ...listCalls<Texts>(list, TEXT_ENCODERS) };
  const methods = new Map<string, JsonMethod>();
  for (const localName of Object.keys(calls) as CheckMethod[]) {
    const { name, parent } = SidecarService.method[localName];
    methods.set(`/${parent.typeName}/${name}`, jsonMethod(calls, localName));
  }
  return methods;
}

function jsonMethod(calls: HotCalls, localName: CheckMethod): JsonMethod {
  const { name, input } = SidecarService.method[localName];
  const read = jsonReader(input);
  const call = calls[localName] as UnaryCall<MessageShape<typeof input>, string>;
  return { name, answer: (request, context) => call(read(request), context) };
}
