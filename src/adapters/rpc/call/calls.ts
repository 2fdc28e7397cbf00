import type { ConnectError } from "@connectrpc/connect";
import type { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import type { Tracer } from "../../../ports/tracer.js";
import type { Peer } from "../exchange/exchange.js";
import { callFailure } from "./call-failure.js";
import { CallStatistics } from "./call-statistics.js";
import type { TraceHeaders } from "./call-trace.js";
import type { ServedMethod } from "./served-method.js";

/** Who calls, as the rules of access know it. */
export interface Caller {
  /** The name of its token or certificate, or its address: whose rate is limited. */
  readonly name: string;
  /** Why none of its calls is served. */
  readonly refusal: CodedError | undefined;
  /** Why a call of this method is not. */
  refusalOf(method: ServedMethod): CodedError | undefined;
}

/** What of a request says who calls. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly authority: string | undefined;
  readonly peer: Peer;
}

/** Finds out who calls. */
export interface Identity {
  /** Grows when the answer for known credentials may be another one. */
  readonly generation: number;
  callerOf(credentials: Credentials): Caller;
}

/** Whether a call may be served now. Asked for each call, once it is known by whom it is and of which method. */
export interface AdmissionRule {
  (method: ServedMethod, caller: Caller): CodedError | undefined;
  /** Takes back that the last call of this caller was admitted: it is going to be asked about once more. */
  readonly undo?: (caller: Caller) => void;
}

/**
 * Learns of each call that has ended. On the path of every call: no allocation, no promise.
 *
 * @param protocol an index of PROTOCOLS; code of CALL_CODES; ms how long it took, undefined where it was answered at once
 */
export type CallObserver = (method: ServedMethod, protocol: number, code: number, ms: number | undefined) => void;

export interface CallsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity?: Identity | undefined;
  readonly admission?: readonly AdmissionRule[] | undefined;
  readonly observers?: readonly CallObserver[] | undefined;
  /** Where calls are traced; undefined: nowhere. */
  readonly tracer?: Tracer | undefined;
  /** Takes secrets out of what other systems said, before it is passed on. */
  readonly redact?: ((text: string) => string) | undefined;
}

const ANYONE: Caller = { name: "", refusal: undefined, refusalOf: () => undefined };

/**
 * What every call passes, whatever its protocol and its HTTP version: who calls, whether it is admitted, how its failures read,
 * what is counted of it. The fast path and the general path have no other way to a method.
 */
export class Calls {
  readonly clock: Clock;
  readonly statistics: CallStatistics;
  readonly tracer: Tracer | undefined;
  readonly #logger: Logger;
  readonly #identity: Identity | undefined;
  readonly #admission: readonly AdmissionRule[];
  readonly #observers: readonly CallObserver[];
  readonly #redact: (text: string) => string;

  /** @param methods all that are served, by their indices */
  constructor(
    methods: readonly ServedMethod[],
    { clock, logger, identity, admission = [], observers = [], tracer, redact = (text) => text }: CallsOptions,
  ) {
    this.clock = clock;
    this.statistics = new CallStatistics(methods);
    this.tracer = tracer;
    this.#logger = logger;
    this.#identity = identity;
    this.#admission = admission;
    this.#observers = observers;
    this.#redact = redact;
  }

  /** Of what `callerOf` says: it is asked again when this has changed. */
  get generation(): number {
    return this.#identity === undefined ? 0 : this.#identity.generation;
  }

  callerOf(credentials: Credentials): Caller {
    return this.#identity === undefined ? ANYONE : this.#identity.callerOf(credentials);
  }

  /** @returns why the call is not served; undefined where it is */
  refusalOf(method: ServedMethod, caller: Caller): CodedError | undefined {
    if (caller === ANYONE && this.#admission.length === 0) return undefined;
    const refusal = caller.refusal ?? caller.refusalOf(method);
    if (refusal !== undefined) return refusal;
    for (const admit of this.#admission) {
      const refused = admit(method, caller);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  /** A call that was admitted is left to the general path, which asks again. */
  leftToGeneralPath(caller: Caller): void {
    for (const { undo } of this.#admission) undo?.(caller);
  }

  /** A call goes on after what brought it is read. */
  began(): void {
    this.statistics.began();
  }

  /** @param startedAt of `performance.now()` at `began`; undefined: it was answered at once. @param code a number of CALL_CODES */
  ended(method: ServedMethod, protocol: number, code: number, startedAt: number | undefined): void {
    let ms: number | undefined;
    if (startedAt === undefined) this.statistics.endedInTurn(method.index, protocol, code);
    else {
      ms = performance.now() - startedAt;
      this.statistics.ended(method.index, protocol, code, ms);
    }
    if (this.#observers.length > 0) for (const observe of this.#observers) observe(method, protocol, code, ms);
  }

  /** How a failure reads for its caller. What was not foreseen is logged. See callFailure. */
  failureOf(thrown: unknown, signal: AbortSignal | undefined, method: string, headers?: TraceHeaders): ConnectError {
    return callFailure(thrown, signal, { method, headers }, this.#logger, this.#redact);
  }
}
