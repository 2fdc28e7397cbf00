import type { CallContext } from "../../../application/answer.js";
import type { Reply } from "../service/unary-call.js";
import type { ServedMethod } from "./served-method.js";

/** What a fast call knows of its caller beside its time. */
export interface FastCallContext extends CallContext {
  readonly idempotencyKey: string | undefined;
}

/** A method that the fast path serves. Both answer at once, not by a promise, whenever the use case does. */
export interface FastMethod extends ServedMethod {
  /**
   * Answers the protobuf message that lies in `bytes` from `from` to `to`, with one behind gRPC's prefix.
   *
   * @throws UnreadableMessage where it is not what the method takes; CodedError, also by rejection
   */
  binary(bytes: Buffer, from: number, to: number, call: FastCallContext): Reply<Buffer> | Promise<Reply<Buffer>>;
  /** The same in JSON. */
  json(text: string, call: FastCallContext): Reply<string> | Promise<Reply<string>>;
}

/** The general path says what is wrong with it. */
export class UnreadableMessage extends Error {}
