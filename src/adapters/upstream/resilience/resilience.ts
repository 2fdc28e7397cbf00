import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import { BoundedSubjects, type Subject } from "../../../domain/subject.js";
import { type Clock, type Deadline, Deadlines } from "../../../ports/clock.js";
import { type Logger, OutageLog } from "../../../ports/logger.js";
import { type DependencyName, DependencyState, type Telemetry } from "../../../ports/telemetry.js";
import { Cancellation, type CancelSignal, elapse } from "../../../ports/waits.js";
import type { VendorUpstreamLimits } from "../vendor-upstream-limits.js";
import { CircuitBreaker, withCircuitBreaker } from "./circuit-breaker.js";
import {
  abortErrorOf,
  isRefusal,
  isUnreadable,
  isUpstreamsFailure,
  isWorthRetrying,
  type Operation,
} from "./operation.js";
import { withConcurrencyBound } from "./with-concurrency-bound.js";
import { withHedge } from "./with-hedge.js";
import { withFailureCount } from "./with-outcome.js";

export interface ResilienceParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** From 0 (included) to 1 (excluded); by default Math.random. */
  readonly random?: () => number;
}

export interface HedgeNeeds {
  /** See HedgeOptions. */
  readonly preferFirstForMs?: number;
  readonly onSlow: () => void;
}

/** The means against upstream's faults, with one set of limits, so that what is composed of them reads as a sentence. */
export class Resilience {
  readonly #limits: VendorUpstreamLimits;
  readonly #parts: Required<ResilienceParts>;
  readonly #breakers: CircuitBreaker[] = [];

  constructor(limits: VendorUpstreamLimits, parts: Required<ResilienceParts>) {
    this.#limits = limits;
    this.#parts = parts;
  }

  counted<I, O>(operation: Operation<I, O>): Operation<I, O> {
    return withFailureCount(operation, this.#parts.telemetry);
  }

  timed<I, O>(name: string, timeoutMs: number, operation: Operation<I, O>): Operation<I, O> {
    return withTimeout(operation, { name, timeoutMs }, this.#parts.clock);
  }

  retried<I, O>(operation: Operation<I, O>): Operation<I, O> {
    const { clock, random } = this.#parts;
    return withRetry(
      operation,
      { maxDelayMs: this.#limits.maxRetryDelayMs, isRetriable: isWorthRetrying, random },
      clock,
    );
  }

  guarded<S extends Subject, O>(breaker: CircuitBreaker, operation: Operation<S, O>): Operation<S, O> {
    return withCircuitBreaker(operation, breaker, (subject) => subject);
  }

  /** @param onSlow called where the first is slow, at most once in the time that a fetch may take */
  hedged<I, O>(
    first: Operation<I, O>,
    second: Operation<I, O>,
    { preferFirstForMs = 0, onSlow }: HedgeNeeds,
  ): Operation<I, O> {
    const { clock } = this.#parts;
    const { hedgeAfterMs: afterMs, maxConcurrentFetches: maxLosers, fetchTimeoutMs } = this.#limits;
    let notBefore = -Infinity;
    const onSlowNowAndThen = () => {
      if (clock.elapsed() < notBefore) return;
      notBefore = clock.elapsed() + fetchTimeoutMs;
      onSlow();
    };
    return withHedge(first, second, { afterMs, preferFirstForMs, maxLosers, onSlow: onSlowNowAndThen }, clock);
  }

  /** What upstream refused, or answered in a way that cannot be read, is not asked again for a while; the first refusal of each kind is logged, each is counted. */
  rememberingRefusals(name: string, operation: Operation<Subject, CustomerState>): Operation<Subject, CustomerState> {
    const { clock, logger, telemetry } = this.#parts;
    const { refusalMemoryMs: forMs, maxRefusals: maxSubjects } = this.#limits;
    let lastLogged: string | undefined;
    const onRefused = (error: unknown) => {
      if (!isUnreadable(error)) telemetry.refusedFetches++;
      const message = error instanceof Error ? error.message : String(error);
      if (message === lastLogged) return;
      lastLogged = message;
      logger.warn(
        isUnreadable(error)
          ? `what ${name} answers for a customer cannot be read, and it is not asked for it again for a while; further such answers are only counted`
          : `${name} refuses a customer and is not asked for it again for a while; further refusals are only counted`,
        { error },
      );
    };
    return withRefusalMemory(operation, { forMs, maxSubjects, onRefused }, clock);
  }

  /** For what checks wait for: as many at a time as the limits say, the others in order for as long as that is in time. */
  bounded<I, O>(operation: Operation<I, O>): Operation<I, O> {
    const { maxConcurrentFetches: maxConcurrent, maxWaitingFetches: maxWaiting, inOrderForMs: afterMs } = this.#limits;
    const newestFirst = { afterMs, clock: this.#parts.clock };
    return withConcurrencyBound(operation, { maxConcurrent, maxWaiting, newestFirst });
  }

  /** @param probe shows whether the upstream works */
  breakerOf(name: string, probe: (signal: CancelSignal) => Promise<unknown>): CircuitBreaker {
    const { clock, logger, random, telemetry } = this.#parts;
    const { failuresToOpen, probeDelayMs } = this.#limits;
    const label: DependencyName = name === "Edge" ? "edge" : "api";
    const outage = new OutageLog(logger, new DependencyState(label, telemetry.dependencies));
    telemetry.openBreakers.set(label, false);
    let isAloneLogged = false;
    const breaker = new CircuitBreaker(
      {
        name,
        failuresToOpen,
        isUpstreamsFailure: (error) => isUpstreamsFailure(error) && !isUnreadable(error),
        probeDelayMs,
        random,
        probe,
        onOpened: (error) => outage.lost("warn", `${name} does not work and is not asked until it does`, { error }),
        onFailsAlone: (error) => {
          if (!isAloneLogged) logger.warn(failsAlone(name), { error });
          isAloneLogged = true;
        },
        onClosed: () => outage.recovered(`${name} works again`),
        onOpenChanged: (isOpen) => telemetry.openBreakers.set(label, isOpen),
        onWorks: () => outage.works(`${name} works`),
      },
      clock,
    );
    this.#breakers.push(breaker);
    return breaker;
  }

  stop(): void {
    for (const breaker of this.#breakers) breaker.stop();
  }
}

function failsAlone(name: string): string {
  return `${name} works, and fails for a customer all the same: it is asked for that one once a second at most; others are not logged`;
}

export interface RetryOptions {
  /** The longest wait before the second try, milliseconds; the wait is spread evenly from 0 to it. */
  readonly maxDelayMs: number;
  /** Only what cannot count anything twice may be tried again. */
  readonly isRetriable: (error: unknown) => boolean;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** Tries an operation once more, a little later, where that may help and its signal still allows it. */
export function withRetry<I, O>(operation: Operation<I, O>, options: RetryOptions, clock: Clock): Operation<I, O> {
  return async (input, signal) => {
    const hasGone = () => signal.aborted;
    try {
      return await operation(input, signal);
    } catch (error) {
      if (hasGone() || !options.isRetriable(error)) throw error;
      await elapse(options.random() * options.maxDelayMs, clock, signal);
      if (hasGone()) throw abortErrorOf(signal);
      return operation(input, signal);
    }
  };
}

export interface TimeoutOptions {
  /** How an operation is named in the error, for example "Edge". */
  readonly name: string;
  readonly timeoutMs: number;
}

/** How late a timer may be before the delay counts as this process's own, milliseconds. */
const LATE_MS = 20;

/**
 * Aborts an operation that takes longer, with `deadline-exceeded`. Time in which this process itself did not run is
 * not counted, up to the limit once more: the answer may have been waiting in the socket.
 */
export function withTimeout<I, O>(operation: Operation<I, O>, options: TimeoutOptions, clock: Clock): Operation<I, O> {
  const { name, timeoutMs } = options;
  const deadlines = new Deadlines(clock);
  return async (input, signal) => {
    const abort = new Cancellation();
    let deadline: Deadline | undefined;
    let creditMs = timeoutMs;
    const expireAfter = (delayMs: number) => {
      const dueAt = clock.elapsed() + delayMs;
      deadline = deadlines.after(delayMs, () => {
        const lateMs = Math.min(clock.elapsed() - dueAt, creditMs);
        creditMs -= lateMs;
        if (lateMs >= LATE_MS) expireAfter(lateMs);
        else abort.abort(new CodedError("deadline-exceeded", `${name} did not answer within ${timeoutMs} ms`));
      });
    };
    expireAfter(timeoutMs);
    const onAbort = () => abort.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    try {
      return await operation(input, abort);
    } finally {
      if (deadline !== undefined) deadlines.cancel(deadline);
      signal.removeEventListener("abort", onAbort);
    }
  };
}

export interface RefusalMemoryOptions {
  /** How long upstream is not asked again for a subject that it refused, or answered for what cannot be read, milliseconds. */
  readonly forMs: number;
  /** How many subjects are remembered; beyond it the one refused longest ago is asked for again. */
  readonly maxSubjects: number;
  /** Called for each such answer of upstream's, not for those repeated from memory. */
  readonly onRefused: (error: unknown) => void;
}

interface Refusal {
  readonly error: unknown;
  /** By `Clock.elapsed`, milliseconds. */
  readonly until: number;
}

/** Repeats upstream's refusal of a subject for a while, and what it said of one that cannot be read, so that whoever asks for it again and again costs upstream nothing. */
export function withRefusalMemory(
  operation: Operation<Subject, CustomerState>,
  { forMs, maxSubjects, onRefused }: RefusalMemoryOptions,
  clock: Clock,
): Operation<Subject, CustomerState> {
  const refusals = new BoundedSubjects<Refusal>(maxSubjects);
  return async (subject, signal) => {
    const known = refusals.get(subject);
    if (known !== undefined) {
      if (clock.elapsed() < known.until) throw known.error;
      refusals.delete(subject);
    }
    try {
      return await operation(subject, signal);
    } catch (error) {
      if (isRefusal(error) || isUnreadable(error)) {
        // Without what else is handed through with it.
        const { customerId, resourceId } = subject;
        refusals.set({ customerId, resourceId }, { error, until: clock.elapsed() + forMs });
        if (refusals.isOverfull) refusals.takeOldest();
        onRefused(error);
      }
      throw error;
    }
  };
}
