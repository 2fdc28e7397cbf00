import type { CallContext } from "../../../application/answer.js";
import type { Reply } from "../service/unary-call.js";

/** What an access rule may allow apart from the others. */
export const METHOD_GROUPS = ["check", "report", "reload", "health", "reflection"] as const;

export type MethodGroup = (typeof METHOD_GROUPS)[number];

/** A method that the port serves, as rules and counters know it. */
export interface ServedMethod {
  /** Its place among all of them. */
  readonly index: number;
  /** For logs and metrics: "GetEntitlement", "Health/Check". */
  readonly name: string;
  /** "/stigg.sidecar.v1.SidecarService/GetEntitlement" */
  readonly path: string;
  readonly group: MethodGroup;
}

/** The protocols of the one port, in the order of their counters. "other" is what names none of them. */
export const PROTOCOLS = ["grpc", "grpc-web", "grpc-web-text", "connect", "connect-stream", "ofrep", "other"] as const;

export type Protocol = (typeof PROTOCOLS)[number];

const PROTOCOL_INDEX: ReadonlyMap<Protocol, number> = new Map(PROTOCOLS.map((protocol, index) => [protocol, index]));

export function protocolIndex(protocol: Protocol): number {
  return PROTOCOL_INDEX.get(protocol) ?? 0;
}

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
