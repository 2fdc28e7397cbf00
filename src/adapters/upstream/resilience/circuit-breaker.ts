import { CodedError } from "../../../domain/errors.js";
import { type CancelTimer, type Clock, inUpperHalf } from "../../../ports/clock.js";
import { Cancellation, type CancelSignal } from "../../../ports/waits.js";
import type { Operation } from "./operation.js";
import { ThrottledError } from "./upstream-failure.js";

export interface CircuitBreakerOptions {
  /** How the upstream is named in errors, for example "Edge". */
  readonly name: string;
  /** How many calls in a row have to fail before no more are let through. */
  readonly failuresToOpen: number;
  /** Which failures say that upstream itself does not work. */
  readonly isUpstreamsFailure: (error: unknown) => boolean;
  /** The longest wait before each probe, milliseconds; the wait is spread evenly over its upper half. */
  readonly probeDelayMs: number;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Asks upstream for something small that carries no caller's request. Rejects where upstream does not work. */
  readonly probe: (signal: CancelSignal) => Promise<unknown>;
  /** Called once per change between upstream working and not; a probe that comes back does not say that it works. */
  readonly onOpened: (lastFailure: unknown) => void;
  readonly onClosed: () => void;
  /** Called whenever calls are no longer let through, or are again. */
  readonly onOpenChanged?: (isOpen: boolean) => void;
  /** Called at each call that succeeds while it is closed. */
  readonly onWorks?: () => void;
}

/**
 * Whether an upstream is worth asking.
 *
 * - `closed`: it is; failures in a row are counted
 * - `open`: it is not; probes go on in the background
 * - `trial`: a probe came back, so calls are let through again; the first one decides
 */
type State =
  | { readonly is: "closed"; failures: number }
  | { readonly is: "open"; readonly lastFailure: unknown; readonly stopProbing: () => void }
  | { readonly is: "trial" };

/** Spares callers the wait for an upstream that does not work, and finds out by itself when it works again. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #clock: Clock;
  #state: State = { is: "closed", failures: 0 };
  /** Grows with each change of state, so that calls from before it can be distinguished. */
  #epoch = 0;
  #isStopped = false;

  constructor(options: CircuitBreakerOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Begins a call.
   *
   * @returns what to tell `failed`
   * @throws CodedError `unavailable` while open
   */
  enter(): number {
    if (this.#state.is !== "open") return this.#epoch;
    throw new CodedError("unavailable", `${this.#options.name} did not work lately and is not asked for now`, {
      cause: this.#state.lastFailure,
    });
  }

  succeeded(): void {
    if (this.#state.is === "closed") {
      this.#state.failures = 0;
      this.#options.onWorks?.();
      return;
    }
    if (this.#state.is === "open") this.#state.stopProbing();
    this.#enter({ is: "closed", failures: 0 });
    this.#options.onClosed();
  }

  /** A call that began before the last change of state says nothing of upstream as it is now. */
  failed(error: unknown, epoch: number): void {
    if (epoch !== this.#epoch || !this.#options.isUpstreamsFailure(error)) return;
    if (
      this.#state.is === "closed" &&
      (++this.#state.failures >= this.#options.failuresToOpen || retryAfterMsOf(error) > 0)
    ) {
      this.#open(error);
      this.#options.onOpened(error);
    } else if (this.#state.is === "trial") this.#open(error);
  }

  /** No more probes. */
  stop(): void {
    this.#isStopped = true;
    if (this.#state.is === "open") this.#state.stopProbing();
  }

  #enter(state: State): void {
    const wasOpen = this.#state.is === "open";
    this.#state = state;
    this.#epoch++;
    if (wasOpen !== (state.is === "open")) this.#options.onOpenChanged?.(!wasOpen);
  }

  #open(lastFailure: unknown): void {
    this.#enter({
      is: "open",
      lastFailure,
      stopProbing: this.#isStopped ? nothing : this.#startProbing(retryAfterMsOf(lastFailure)),
    });
  }

  /** @param leaveAloneMs before the first probe; 0: as long as before each other one */
  #startProbing(leaveAloneMs: number): () => void {
    const abort = new Cancellation();
    let cancelTimer: CancelTimer = nothing;
    const probeAfter = (delayMs: number) => {
      if (abort.aborted) return;
      cancelTimer = this.#clock.after(delayMs, () => {
        this.#options.probe(abort).then(
          () => {
            if (!abort.aborted) this.#enter({ is: "trial" });
          },
          (error: unknown) => probeAfter(Math.max(this.#probeDelayMs(), retryAfterMsOf(error))),
        );
      });
    };
    probeAfter(Math.max(this.#probeDelayMs(), leaveAloneMs));
    return () => {
      cancelTimer();
      abort.abort();
    };
  }

  #probeDelayMs(): number {
    return inUpperHalf(this.#options.probeDelayMs, this.#options.random);
  }
}

function retryAfterMsOf(error: unknown): number {
  return error instanceof ThrottledError ? (error.retryAfterMs ?? 0) : 0;
}

function nothing(): void {
  // The cancellation of what never began.
}

/** Asks upstream only while it is known to work; otherwise fails at once, so that something else can answer. */
export function withCircuitBreaker<I, O>(operation: Operation<I, O>, breaker: CircuitBreaker): Operation<I, O> {
  return async (input, signal) => {
    const epoch = breaker.enter();
    try {
      const output = await operation(input, signal);
      breaker.succeeded();
      return output;
    } catch (error) {
      breaker.failed(error, epoch);
      throw error;
    }
  };
}
