import type { Assumed, CallContext } from "../../../application/answer.js";
import type { CodedError } from "../../../domain/errors.js";
import type { UsageState } from "../../../domain/usage/usage-report.js";
import type { AnswerSource } from "../../../ports/telemetry.js";
import type { Peer } from "../exchange/exchange.js";

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

/** An answer in the form that goes out, with where what it says came from, which travels beside it as metadata. */
export interface Reply<O> {
  readonly message: O;
  /** Undefined for calls that are no checks. */
  readonly source: AnswerSource | undefined;
  /** Epoch milliseconds; undefined where nothing was known. */
  readonly verifiedAt: number | undefined;
  /** Set exactly where a failure policy made the answer up. */
  readonly assumed?: Assumed | undefined;
  /** See Answer. */
  readonly decisionId: string | undefined;
  /** How far a report has come; undefined for all else. */
  readonly usageState: UsageState | undefined;
}

/** What a call of the service knows of its caller. */
export interface ServiceCallContext extends CallContext {
  /** The caller's own key, under which a report counts once. */
  readonly idempotencyKey: string | undefined;
}

/** A method that the fast path serves. Both answer at once, not by a promise, whenever the use case does. */
export interface FastMethod extends ServedMethod {
  /** Whether it reads or answers a list, so that what it costs has no bound but those of messages. */
  readonly isDear: boolean;
  /**
   * Answers the protobuf message that lies in `bytes` from `from` to `to`, with one behind gRPC's prefix.
   *
   * @throws UnreadableMessage where it is not what the method takes; CodedError, also by rejection
   */
  binary(bytes: Buffer, from: number, to: number, call: ServiceCallContext): Reply<Buffer> | Promise<Reply<Buffer>>;
  /** The same in JSON. */
  json(text: string, call: ServiceCallContext): Reply<string> | Promise<Reply<string>>;
}

/** The general path says what is wrong with it. */
export class UnreadableMessage extends Error {}

/** Who calls, as the rules of access know it. */
export interface Caller {
  /** The name of its token or certificate, or its address: whose rate is limited. */
  readonly name: string;
  /** Why none of its calls is served. */
  readonly refusal: CodedError | undefined;
  /** Why calls of some groups are not; undefined: all groups are. */
  readonly refusals: ReadonlyMap<MethodGroup, CodedError> | undefined;
}

/** What of a request says who calls. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly authority: string | undefined;
  readonly peer: Peer;
}

/** Finds out who calls. */
export interface Identity {
  /** Whose generation grows when the answer for known credentials may be another one; undefined: it never is. */
  readonly changes: { readonly generation: number } | undefined;
  callerOf(credentials: Credentials): Caller;
}

/** Whether a call may be served now. Asked for each call, once it is known by whom it is and of which method. */
export interface AdmissionRule {
  (method: ServedMethod, caller: Caller): CodedError | undefined;
  /** Takes back that the last call of this caller was admitted: it is going to be asked about once more. */
  readonly undo?: (caller: Caller) => void;
}
