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
  readonly #waiting: RelayedCall[] = [];
  #asked = 0;
  #settling = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  readonly mirror = (call: RelayedCall): void => {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.report.skipped++;
      return;
    }
    this.#waiting.push(call);
    if (this.#asked < MAX_ASKED) void this.#work();
  };

  /** Settles once nothing waits, is asked, or is to be asked again. */
  async idle(): Promise<void> {
    while (this.#waiting.length + this.#asked + this.#settling > 0)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  async #work(): Promise<void> {
    this.#asked++;
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) await this.#compare(call);
    this.#asked--;
    this.#tellIdle();
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
