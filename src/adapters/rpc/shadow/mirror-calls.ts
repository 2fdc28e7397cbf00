import { toJsonString } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import {
  type AnswerDifference,
  compareAnswers,
  type ObservedAnswer,
} from "../../../domain/comparison/compare-answers.js";
import type { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import { lastingDifferences } from "../../../domain/comparison/lasting-differences.js";
import type { Clock } from "../../../ports/clock.js";
import { observeAnswer, observeFailure } from "./observe-answer.js";
import type { RelayedCall } from "./relay-handler.js";

/** Questions that are with the other service at a time. */
const MAX_ASKED = 64;
/** Calls that wait to be asked again; more are not compared. */
const MAX_WAITING = 50_000;
/** Of those how many are taken before the list is shortened. */
const TAKEN_AT_ONCE = 10_000;

export interface MirrorOptions {
  readonly incumbent: Transport;
  readonly candidate: Transport;
  /** Whose answers the callers get. */
  readonly answerFrom: "incumbent" | "candidate";
  /** How long after a difference both are asked again, milliseconds. */
  readonly settleMs: number;
  /** How long an answer may take, milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly report: ComparisonReport;
}

/** Asks the other service what its callers asked of the one, off their path, and compares what both say. */
export class MirrorCalls {
  readonly #options: MirrorOptions;
  /** In their order, from `#first` on: to take the first out of a long list moves all of it. */
  #waiting: RelayedCall[] = [];
  #first = 0;
  #asked = 0;
  #settling = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  readonly mirror = (call: RelayedCall): void => {
    if (this.#waitingCount >= MAX_WAITING) {
      this.#options.report.skipped++;
      return;
    }
    this.#waiting.push(call);
    if (this.#asked < MAX_ASKED) void this.#work();
  };

  /**
   * Settles once nothing waits, is asked, or is to be asked again. What still waits after some time, milliseconds, is not compared:
   * a service that hangs would hold up the report for as long as it likes.
   */
  async finish(graceMs: number): Promise<void> {
    const cancel = this.#options.clock.after(graceMs, () => {
      this.#options.report.skipped += this.#waitingCount;
      this.#waiting = [];
      this.#first = 0;
    });
    while (this.#waitingCount + this.#asked + this.#settling > 0)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    cancel();
  }

  async #work(): Promise<void> {
    this.#asked++;
    for (let call = this.#takeFirst(); call !== undefined; call = this.#takeFirst()) await this.#compare(call);
    this.#asked--;
    this.#tellIdle();
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#first;
  }

  #takeFirst(): RelayedCall | undefined {
    const call = this.#waiting[this.#first];
    if (call === undefined) return undefined;
    this.#first++;
    if (this.#first < this.#waiting.length && this.#first < TAKEN_AT_ONCE) return call;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
    return call;
  }

  async #compare(call: RelayedCall): Promise<void> {
    const { report, answerFrom, incumbent, candidate } = this.#options;
    const other = await this.#ask(answerFrom === "incumbent" ? candidate : incumbent, call);
    const given =
      typeof call.outcome === "number" ? observeFailure(call.outcome) : observeAnswer(call.method, call.outcome);
    const differences = answerFrom === "incumbent" ? compareAnswers(given, other) : compareAnswers(other, given);
    if (differences.length === 0) report.addSame();
    else void this.#settle(call, differences);
  }

  async #settle(call: RelayedCall, first: readonly AnswerDifference[]): Promise<void> {
    const { report, incumbent, candidate, clock, settleMs } = this.#options;
    this.#settling++;
    await new Promise<void>((resolve) => clock.after(settleMs, resolve));
    const again = compareAnswers(...(await Promise.all([this.#ask(incumbent, call), this.#ask(candidate, call)])));
    const lasting = lastingDifferences(first, again);
    if (lasting.length === 0) report.addPassing();
    else report.addDifferent(questionOf(call), lasting);
    this.#settling--;
    this.#tellIdle();
  }

  async #ask(transport: Transport, { method, request, headers }: RelayedCall): Promise<ObservedAnswer> {
    try {
      const { message } = await transport.unary(method, undefined, this.#options.timeoutMs, headers, request);
      return observeAnswer(method, message);
    } catch (error) {
      return observeFailure(ConnectError.from(error).code);
    }
  }

  #tellIdle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

function questionOf({ method, request }: RelayedCall): { readonly method: string; readonly request: string } {
  return { method: method.name, request: toJsonString(method.input, request) };
}
