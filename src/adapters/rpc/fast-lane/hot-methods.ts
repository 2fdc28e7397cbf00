import type { MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "../../../application/answer.js";
import type { CheckEntitlement } from "../../../application/check-entitlement.js";
import type { ListEntitlements } from "../../../application/list-entitlements.js";
import type { CheckMethod, Frames } from "../answers/answer-encoders.js";
import { checkCalls } from "../check-calls.js";
import { frameEncoders } from "../gen/answers/frame-encoders.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { listCalls } from "../list-calls.js";
import type { Reply, UnaryCall } from "../unary-call.js";
import { requestReader } from "./request-reader.js";

/** A method that the lane serves. */
export interface HotMethod {
  readonly name: string;
  /**
   * Answers the message that lies in `bytes` from `from` to `to`, without its prefix.
   *
   * @throws UnreadableMessage where it is not what the method takes; CodedError, also by rejection
   */
  answer(bytes: Buffer, from: number, to: number, call: CallContext): Reply<Buffer> | Promise<Reply<Buffer>>;
}

export class UnreadableMessage extends Error {}

type Methods = typeof SidecarService.method;
type HotCalls = { readonly [M in CheckMethod]: UnaryCall<MessageShape<Methods[M]["input"]>, Buffer> };

/** The methods that answer from what is known, by path: "/stigg.sidecar.v1.SidecarService/GetEntitlement" and so on. */
export function hotMethods(check: CheckEntitlement, list: ListEntitlements): ReadonlyMap<string, HotMethod> {
  const encoders = frameEncoders();
  const calls: HotCalls = { ...checkCalls<Frames>(check, encoders), ...listCalls<Frames>(list, encoders) };
  const methods = new Map<string, HotMethod>();
  for (const localName of Object.keys(calls) as CheckMethod[]) {
    const { name, parent } = SidecarService.method[localName];
    methods.set(`/${parent.typeName}/${name}`, hotMethod(calls, localName));
  }
  return methods;
}

function hotMethod(calls: HotCalls, localName: CheckMethod): HotMethod {
  const { name, input } = SidecarService.method[localName];
  const read = requestReader(input);
  const call = calls[localName] as UnaryCall<MessageShape<typeof input>, Buffer>;
  return { name, answer: (bytes, from, to, context) => call(readOrThrow(bytes, from, to), context) };

  function readOrThrow(bytes: Buffer, from: number, to: number): MessageShape<typeof input> {
    try {
      return read(bytes, from, to);
    } catch (cause) {
      throw new UnreadableMessage("the message is not what the method takes", { cause });
    }
  }
}
