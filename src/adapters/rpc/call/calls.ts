import type { ConnectError } from "@connectrpc/connect";
import { ACCESS_DENIED_REASONS, type AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { CodedError } from "../../../domain/errors.js";
import {
  CALL_CODES,
  type CallCount,
  type CallLatency,
  type DecisionCount,
  LATENCY_BUCKETS_MS,
} from "../../../ports/call-telemetry.js";
import { type Clock, Deadlines } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import type { Tracer } from "../../../ports/tracer.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { FairQueue } from "../exchange/fair-queue.js";
import { callFailure } from "./call-failure.js";
import type { TraceHeaders } from "./call-trace.js";
import {
  type AdmissionRule,
  type Caller,
  type Credentials,
  type Identity,
  PROTOCOLS,
  type ServedMethod,
} from "./served-method.js";

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

const ANYONE: Caller = { name: "", refusal: undefined, refusals: undefined };

/**
 * What every call passes, whatever its protocol and its HTTP version: who calls, whether it is admitted, how its failures read,
 * what is counted of it. The fast path and the general path have no other way to a method.
 */
export class Calls {
  readonly clock: Clock;
  /** Of calls that wait for their use cases. */
  readonly deadlines: Deadlines;
  readonly #turns = new FairQueue();
  readonly statistics: CallStatistics;
  readonly tracer: Tracer | undefined;
  readonly #logger: Logger;
  readonly #identity: Identity | undefined;
  readonly #identityChanges: Identity["changes"];
  readonly #admission: readonly AdmissionRule[];
  readonly #observers: readonly CallObserver[];
  readonly #redact: (text: string) => string;

  /** @param methods all that are served, by their indices */
  constructor(
    methods: readonly ServedMethod[],
    { clock, logger, identity, admission = [], observers = [], tracer, redact = (text) => text }: CallsOptions,
  ) {
    this.clock = clock;
    this.deadlines = new Deadlines(clock);
    this.statistics = new CallStatistics(methods);
    this.tracer = tracer;
    this.#logger = logger;
    this.#identity = identity;
    this.#identityChanges = identity?.changes;
    this.#admission = admission;
    this.#observers = observers;
    this.#redact = redact;
  }

  /** Of what `callerOf` says: it is asked again when this has changed. */
  get generation(): number {
    return this.#identityChanges === undefined ? 0 : this.#identityChanges.generation;
  }

  callerOf(credentials: Credentials): Caller {
    return this.#identity === undefined ? ANYONE : this.#identity.callerOf(credentials);
  }

  /** @returns why the call is not served; undefined where it is */
  refusalOf(method: ServedMethod, caller: Caller): CodedError | undefined {
    if (caller === ANYONE && this.#admission.length === 0) return undefined;
    const refusal = caller.refusal ?? caller.refusals?.get(method.group);
    if (refusal !== undefined) return refusal;
    for (const admit of this.#admission) {
      const refused = admit(method, caller);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  /** A call that was admitted is left to the general path, which asks again. */
  leftToGeneralPath(caller: Caller, hasBegun: boolean): void {
    if (hasBegun) this.statistics.left();
    for (const { undo } of this.#admission) undo?.(caller);
  }

  /** See CallContext. @param owner among whom turns are shared */
  takeTurn(owner: object): Promise<void> {
    return new Promise((resolve) =>
      this.#turns.add(owner, () => {
        resolve();
        return true;
      }),
    );
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
  failureOf(thrown: unknown, signal: CancelSignal | undefined, method: string, headers?: TraceHeaders): ConnectError {
    return callFailure(thrown, signal, { method, headers }, this.#logger, this.#redact);
  }
}

const CODES = CALL_CODES.length;
const BUCKETS = LATENCY_BUCKETS_MS.length + 1;
const REASONS: readonly (AccessDeniedReason | "")[] = ["", ...ACCESS_DENIED_REASONS];
const REASON_INDEX: ReadonlyMap<string, number> = new Map(REASONS.map((reason, index) => [reason, index]));
/** Of a decision: whether access is granted, whether it is a fallback. */
const GRANTED = 1;
const FALLBACK = 2;

/** What is counted of a decision. */
interface Decided {
  readonly hasAccess: boolean;
  readonly accessDeniedReason: AccessDeniedReason | undefined;
  readonly fallback: object | undefined;
}

/** Counters of all calls, in plain arrays: a call adds to numbers, and whoever exports them reads them when asked. */
export class CallStatistics {
  readonly #methods: readonly ServedMethod[];
  readonly #counts: Float64Array;
  readonly #latencies: Float64Array;
  readonly #latencySums: Float64Array;
  readonly #decisions = new Float64Array(REASONS.length * 4);
  /** Calls that were answered in the course of a read, by method, until it ends. */
  readonly #pending: Float64Array;
  #touched: number[] = [];
  #inFlight = 0;

  constructor(methods: readonly ServedMethod[]) {
    this.#methods = methods;
    this.#counts = new Float64Array(methods.length * PROTOCOLS.length * CODES);
    this.#latencies = new Float64Array(methods.length * BUCKETS);
    this.#latencySums = new Float64Array(methods.length);
    this.#pending = new Float64Array(methods.length);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A call goes on after what brought it is read. */
  began(): void {
    this.#inFlight++;
  }

  /** One that had begun begins once more, elsewhere. */
  left(): void {
    this.#inFlight--;
  }

  /** It has ended. @param ms how long it took */
  ended(method: number, protocol: number, code: number, ms: number): void {
    this.#inFlight--;
    this.#count(method, protocol, code);
    this.#record(method, ms, 1);
  }

  /** A call was answered in the course of the read that brought it: how long that takes is known at its end. */
  endedInTurn(method: number, protocol: number, code: number): void {
    this.#count(method, protocol, code);
    if ((this.#pending[method] as number) === 0) this.#touched.push(method);
    (this.#pending[method] as number)++;
  }

  /** A read has ended whose calls are answered. @param startedAt of `performance.now()` */
  readonly turnEnded = (startedAt: number): void => {
    if (this.#touched.length === 0) return;
    const ms = performance.now() - startedAt;
    for (const method of this.#touched) {
      this.#record(method, ms, this.#pending[method] as number);
      this.#pending[method] = 0;
    }
    this.#touched.length = 0;
  };

  readonly decided = ({ hasAccess, accessDeniedReason, fallback }: Decided): void => {
    const reason = accessDeniedReason === undefined ? 0 : (REASON_INDEX.get(accessDeniedReason) ?? 0);
    (this.#decisions[reason * 4 + (hasAccess ? GRANTED : 0) + (fallback === undefined ? 0 : FALLBACK)] as number)++;
  };

  calls(): readonly CallCount[] {
    const counted: CallCount[] = [];
    for (const [at, count] of this.#counts.entries()) {
      if (count === 0) continue;
      const code = at % CODES;
      const protocol = Math.floor(at / CODES) % PROTOCOLS.length;
      const method = this.#methods[Math.floor(at / CODES / PROTOCOLS.length)];
      counted.push({
        method: method?.name ?? "",
        protocol: PROTOCOLS[protocol] ?? "",
        code: CALL_CODES[code] ?? "unknown",
        count,
      });
    }
    return counted;
  }

  latencies(): readonly CallLatency[] {
    return this.#methods.map(({ name, index }) => ({
      method: name,
      buckets: Array.from(this.#latencies.subarray(index * BUCKETS, (index + 1) * BUCKETS)),
      sumMs: this.#latencySums[index] ?? 0,
    }));
  }

  /** Of all combinations, those that there were, and granted and denied even where there were none. */
  decisions(): readonly DecisionCount[] {
    return Array.from(this.#decisions, (count, at): DecisionCount => ({
      outcome: (at & GRANTED) === 0 ? "denied" : "granted",
      reason: REASONS[at >> 2] ?? "",
      isFallback: (at & FALLBACK) !== 0,
      count,
    })).filter(({ count }) => count > 0);
  }

  #count(method: number, protocol: number, code: number): void {
    (this.#counts[(method * PROTOCOLS.length + protocol) * CODES + code] as number)++;
  }

  #record(method: number, ms: number, calls: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BUCKETS_MS.length && ms > (LATENCY_BUCKETS_MS[bucket] as number)) bucket++;
    (this.#latencies[method * BUCKETS + bucket] as number) += calls;
    (this.#latencySums[method] as number) += ms * calls;
  }
}
