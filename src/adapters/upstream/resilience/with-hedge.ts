import { type Clock, type Deadline, Deadlines } from "../../../ports/clock.js";
import { Cancellation, type CancelSignal } from "../../../ports/waits.js";
import { abortErrorOf, type Operation } from "./operation.js";

export interface HedgeOptions {
  /** How long the first may take before the second is asked beside it, milliseconds. */
  readonly afterMs: number;
  /** Up to how long after the start an answer of the second waits for the first's, milliseconds; 0: the first good answer wins. */
  readonly preferFirstForMs: number;
  /** Called where the first is so slow that the second is asked beside it. */
  readonly onSlow?: () => void;
  /** How many calls may go on after the other one has won. */
  readonly maxLosers: number;
}

/**
 * Asks a second upstream where the first one fails, and beside it where it is slow: slow is not cut off. The call
 * that loses goes on to its own end, so that whoever judges upstreams sees how long it really takes. Where both
 * fail, the second's failure is the failure.
 */
export function withHedge<I, O>(
  first: Operation<I, O>,
  second: Operation<I, O>,
  options: HedgeOptions,
  clock: Clock,
): Operation<I, O> {
  const shared: Shared = { losers: 0, clock, deadlines: new Deadlines(clock) };
  return (input, signal) => new HedgedCall(input, first, second, options, shared).run(signal);
}

/** Among all calls of one operation. */
interface Shared {
  losers: number;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

interface Attempt {
  readonly abort: Cancellation;
  isSettled: boolean;
}

class HedgedCall<I, O> {
  readonly #input: I;
  readonly #first: Operation<I, O>;
  readonly #second: Operation<I, O>;
  readonly #options: HedgeOptions;
  readonly #shared: Shared;
  readonly #startedAt: number;
  readonly #attempts: Attempt[] = [];
  readonly #deadlines: Deadline[] = [];
  #hasFirstFailed = false;
  #secondFailure: { readonly error: unknown } | undefined;
  #hasSecondBegun = false;
  /** An answer of the second that waits for the first's. */
  #held: { readonly output: O } | undefined;
  #isOver = false;
  #resolve!: (output: O) => void;
  #reject!: (error: unknown) => void;

  constructor(input: I, first: Operation<I, O>, second: Operation<I, O>, options: HedgeOptions, shared: Shared) {
    this.#input = input;
    this.#first = first;
    this.#second = second;
    this.#options = options;
    this.#shared = shared;
    this.#startedAt = shared.clock.now();
  }

  run(signal: CancelSignal): Promise<O> {
    if (signal.aborted) return Promise.reject(abortErrorOf(signal));
    const onAbort = () => this.#abort(signal);
    signal.addEventListener("abort", onAbort);
    const result = new Promise<O>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#begin(
      this.#first,
      (output) => this.#win(output),
      () => this.#firstFailed(),
    );
    this.#deadlines.push(this.#shared.deadlines.after(this.#options.afterMs, () => this.#hedge()));
    return result.finally(() => signal.removeEventListener("abort", onAbort));
  }

  #begin(operation: Operation<I, O>, onAnswer: (output: O) => void, onFailure: (error: unknown) => void): void {
    const attempt: Attempt = { abort: new Cancellation(), isSettled: false };
    this.#attempts.push(attempt);
    const settle = () => {
      attempt.isSettled = true;
      if (!this.#isOver) return true;
      this.#shared.losers--;
      return false;
    };
    operation(this.#input, attempt.abort).then(
      (output) => settle() && onAnswer(output),
      (error: unknown) => settle() && onFailure(error),
    );
  }

  #hedge(): void {
    if (this.#hasSecondBegun) return;
    this.#options.onSlow?.();
    this.#beginSecond();
  }

  #beginSecond(): void {
    if (this.#hasSecondBegun) return;
    this.#hasSecondBegun = true;
    this.#begin(
      this.#second,
      (output) => this.#secondAnswered(output),
      (error) => this.#secondFailed(error),
    );
  }

  #firstFailed(): void {
    this.#hasFirstFailed = true;
    if (this.#held !== undefined) this.#win(this.#held.output);
    else if (this.#secondFailure !== undefined) this.#lose(this.#secondFailure.error);
    else this.#beginSecond();
  }

  #secondFailed(error: unknown): void {
    this.#secondFailure = { error };
    if (this.#hasFirstFailed) this.#lose(error);
  }

  #secondAnswered(output: O): void {
    const waitMs = this.#startedAt + this.#options.preferFirstForMs - this.#shared.clock.now();
    if (this.#hasFirstFailed || waitMs <= 0) {
      this.#win(output);
      return;
    }
    this.#held = { output };
    this.#deadlines.push(this.#shared.deadlines.after(waitMs, () => this.#win(output)));
  }

  #win(output: O): void {
    if (this.#isOver) return;
    this.#end();
    this.#resolve(output);
  }

  #lose(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #abort(signal: CancelSignal): void {
    if (this.#isOver) return;
    this.#end();
    for (const { abort } of this.#attempts) abort.abort(signal.reason);
    this.#reject(abortErrorOf(signal));
  }

  /** From here on attempts that are still under way are losers, which go on in bounded number. */
  #end(): void {
    this.#isOver = true;
    for (const deadline of this.#deadlines) this.#shared.deadlines.cancel(deadline);
    for (const attempt of this.#attempts) {
      if (attempt.isSettled) continue;
      if (++this.#shared.losers > this.#options.maxLosers) attempt.abort.abort();
    }
  }
}
