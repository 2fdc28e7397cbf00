import type { CodedError } from "../../../domain/errors.js";
import type { Peer } from "../exchange/exchange.js";
import type { MethodGroup, ServedMethod } from "./served-method.js";

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
