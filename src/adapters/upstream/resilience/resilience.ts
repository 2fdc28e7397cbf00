import type { CustomerState } from "../../../domain/customer-state.js";
import type { Subject } from "../../../domain/subject.js";
import type { CancelSignal } from "../../../ports/cancel-signal.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { OutageLog } from "../../../ports/outage-log.js";
import { type DependencyName, DependencyState, type Telemetry } from "../../../ports/telemetry.js";
import type { VendorUpstreamLimits } from "../vendor-upstream-limits.js";
import { CircuitBreaker, withCircuitBreaker } from "./circuit-breaker.js";
import type { Operation } from "./operation.js";
import { isUnreadable, isUpstreamsFailure, isWorthRetrying } from "./upstream-failure.js";
import { withHedge } from "./with-hedge.js";
import { withFailureCount } from "./with-outcome.js";
import { withRefusalMemory } from "./with-refusal-memory.js";
import { withRetry } from "./with-retry.js";
import { withTimeout } from "./with-timeout.js";

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

  guarded<I, O>(breaker: CircuitBreaker, operation: Operation<I, O>): Operation<I, O> {
    return withCircuitBreaker(operation, breaker);
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
      if (clock.now() < notBefore) return;
      notBefore = clock.now() + fetchTimeoutMs;
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

  /** @param probe shows whether the upstream works */
  breakerOf(name: string, probe: (signal: CancelSignal) => Promise<unknown>): CircuitBreaker {
    const { clock, logger, random, telemetry } = this.#parts;
    const { failuresToOpen, probeDelayMs } = this.#limits;
    const label: DependencyName = name === "Edge" ? "edge" : "api";
    const outage = new OutageLog(logger, new DependencyState(label, telemetry.dependencies));
    telemetry.openBreakers.set(label, false);
    const breaker = new CircuitBreaker(
      {
        name,
        failuresToOpen,
        isUpstreamsFailure: (error) => isUpstreamsFailure(error) && !isUnreadable(error),
        probeDelayMs,
        random,
        probe,
        onOpened: (error) => outage.lost("warn", `${name} does not work and is not asked until it does`, { error }),
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
