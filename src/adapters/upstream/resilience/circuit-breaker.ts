import { CodedError } from "../../../domain/errors.js";
import { BoundedSubjects, type Subject } from "../../../domain/subject.js";
import { type CancelTimer, type Clock, inUpperHalf } from "../../../ports/clock.js";
import { Cancellation, type CancelSignal } from "../../../ports/waits.js";
import { type Operation, ThrottledError } from "./operation.js";

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
  /** Called where upstream works and fails for some subjects all the same. */
  readonly onFailsAlone?: (lastFailure: unknown) => void;
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
  | { readonly is: "closed"; failures: number; failed: BoundedSubjects<true> | undefined }
  | { readonly is: "open"; readonly lastFailure: unknown; readonly stopProbing: () => void }
  | { readonly is: "trial" };

/** How many subjects are remembered that upstream fails for although it works. */
const MAX_ALONE = 1_000;

/**
 * Spares callers the wait for an upstream that does not work, and finds out by itself when it works again. Failures of few subjects
 * may be theirs alone: then upstream is probed first, and where it works only they are spared.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #clock: Clock;
  #state: State = closed();
  /** Whom upstream fails for although it works, with the time from when on they are asked for again, by `Clock.elapsed`. */
  readonly #alone = new BoundedSubjects<{ readonly until: number; readonly error: unknown }>(MAX_ALONE);
  /** Before it opens for failures of few subjects. */
  #firstProbe: Cancellation | undefined;
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
   * @param subject whom it is about, if anybody
   * @returns what to tell `failed`
   * @throws CodedError `unavailable` while open, or while the subject is spared
   */
  enter(subject?: Subject): number {
    if (this.#state.is !== "open") {
      const alone = subject === undefined ? undefined : this.#alone.get(subject);
      if (alone === undefined || this.#clock.elapsed() >= alone.until) return this.#epoch;
      throw new CodedError("unavailable", `${this.#options.name} fails for this customer alone and is not asked now`, {
        cause: alone.error,
      });
    }
    throw new CodedError("unavailable", `${this.#options.name} did not work lately and is not asked for now`, {
      cause: this.#state.lastFailure,
    });
  }

  succeeded(subject?: Subject): void {
    if (subject !== undefined && this.#alone.size > 0) this.#alone.delete(subject);
    if (this.#state.is === "closed") {
      this.#state.failures = 0;
      this.#state.failed = undefined;
      this.#options.onWorks?.();
      return;
    }
    if (this.#state.is === "open") this.#state.stopProbing();
    this.#enter(closed());
    this.#options.onClosed();
  }

  /** A call that began before the last change of state says nothing of upstream as it is now, nor does one for whom it failed while it worked. */
  failed(error: unknown, epoch: number, subject?: Subject): void {
    if (!this.#options.isUpstreamsFailure(error)) return;
    if (subject !== undefined && this.#alone.has(subject)) {
      this.#spare(subject, error);
      return;
    }
    if (epoch !== this.#epoch) return;
    if (this.#state.is === "closed") this.#failedWhileClosed(this.#state, error, subject);
    else if (this.#state.is === "trial") {
      // The probe has just come back.
      if (subject !== undefined) this.#spare(subject, error);
      this.#open(error);
    }
  }

  #failedWhileClosed(state: Extract<State, { is: "closed" }>, error: unknown, subject: Subject | undefined): void {
    const { failuresToOpen } = this.#options;
    state.failures++;
    if (subject !== undefined) (state.failed ??= new BoundedSubjects(failuresToOpen)).set(subject, true);
    if (retryAfterMsOf(error) === 0) {
      if (state.failures < failuresToOpen) return;
      if (state.failed !== undefined && state.failed.size < failuresToOpen) {
        this.#probeFirst(state, state.failed, error);
        return;
      }
    }
    this.#open(error);
    this.#options.onOpened(error);
  }

  #probeFirst(state: State, failed: BoundedSubjects<true>, error: unknown): void {
    if (this.#firstProbe !== undefined || this.#isStopped) return;
    const probe = (this.#firstProbe = new Cancellation());
    this.#options
      .probe(probe)
      .then(
        () => {
          if (this.#state !== state || probe.aborted) return;
          for (let one = failed.takeOldest(); one !== undefined; one = failed.takeOldest())
            this.#spare(one.subject, error);
          this.#state = closed();
          this.#options.onFailsAlone?.(error);
        },
        () => {
          if (this.#state !== state || probe.aborted) return;
          // Others were answered meanwhile.
          if (state.is !== "closed" || state.failures < this.#options.failuresToOpen) return;
          this.#open(error);
          this.#options.onOpened(error);
        },
      )
      .finally(() => (this.#firstProbe = undefined));
  }

  #spare({ customerId, resourceId }: Subject, error: unknown): void {
    const until = this.#clock.elapsed() + this.#options.probeDelayMs;
    this.#alone.set({ customerId, resourceId }, { until, error });
    if (this.#alone.isOverfull) this.#alone.takeOldest();
  }

  /** No more probes. */
  stop(): void {
    this.#isStopped = true;
    this.#firstProbe?.abort();
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

function nothing(): undefined {
  return undefined;
}

function closed(): State {
  return { is: "closed", failures: 0, failed: undefined };
}

/**
 * Asks upstream only while it is known to work; otherwise fails at once, so that something else can answer.
 *
 * @param subjectOf whom a call is about, if anybody
 */
export function withCircuitBreaker<I, O>(
  operation: Operation<I, O>,
  breaker: CircuitBreaker,
  subjectOf: (input: I) => Subject | undefined = nothing,
): Operation<I, O> {
  return async (input, signal) => {
    const subject = subjectOf(input);
    const epoch = breaker.enter(subject);
    try {
      const output = await operation(input, signal);
      breaker.succeeded(subject);
      return output;
    } catch (error) {
      breaker.failed(error, epoch, subject);
      throw error;
    }
  };
}
