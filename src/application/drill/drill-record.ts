import type { DrillEnd, DrillPlan, DrillReport, WrongAnswer } from "../../domain/drill/drill.js";
import type { AnswerSource } from "../../ports/telemetry.js";

/** Wrong answers that are kept in full. */
const MAX_EXAMPLES = 10;
/** Waits that are kept to tell quantiles of: beyond it a random one makes way. */
const MAX_WAITS = 10_000;

/** One answer of a call in a drill. */
export interface DrilledAnswer {
  readonly hasAccess: boolean;
  readonly source: AnswerSource;
  readonly waitedMs: number;
}

/** Counts what the callers in a drill see. */
export class DrillRecord {
  readonly #plan: DrillPlan;
  readonly #startedAt: number;
  readonly #random: () => number;
  readonly #sources: Partial<Record<AnswerSource, number>> = {};
  readonly #examples: WrongAnswer[] = [];
  readonly #waits: number[] = [];
  #maxWaitMs = 0;
  #answers = 0;
  #granted = 0;
  #wrong = 0;
  #notCompared = 0;
  #assumed = 0;
  #ended: { readonly at: number; readonly why: DrillEnd } | undefined;
  calls = 0;
  failed = 0;

  constructor(plan: DrillPlan, startedAt: number, random: () => number) {
    this.#plan = plan;
    this.#startedAt = startedAt;
    this.#random = random;
  }

  answered({ hasAccess, source, waitedMs }: DrilledAnswer): void {
    this.#answers++;
    if (hasAccess) this.#granted++;
    this.#sources[source] = (this.#sources[source] ?? 0) + 1;
    if (source === "fallback" || source === "assumed") this.#assumed++;
    this.#maxWaitMs = Math.max(this.#maxWaitMs, waitedMs);
    if (this.#waits.length < MAX_WAITS) this.#waits.push(waitedMs);
    else this.#waits[Math.floor(this.#random() * MAX_WAITS)] = waitedMs;
  }

  wrong(answer: WrongAnswer): void {
    this.#wrong++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(answer);
  }

  notCompared(): void {
    this.#notCompared++;
  }

  /** Why the drill has to end, where it has to. */
  get passedBound(): "wrong" | "assumed" | undefined {
    if (this.#wrong > this.#plan.maxWrong) return "wrong";
    return this.#assumed > this.#plan.maxAssumed ? "assumed" : undefined;
  }

  /** @param at epoch milliseconds */
  end(why: DrillEnd, at: number): void {
    this.#ended ??= { at, why };
  }

  report(): DrillReport {
    const waits = [...this.#waits].sort((one, other) => one - other);
    const quantile = (share: number) =>
      rounded(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0);
    return {
      plan: this.#plan,
      startedAt: this.#startedAt,
      endedAt: this.#ended?.at,
      ended: this.#ended?.why,
      calls: this.calls,
      drilled: this.#answers + this.failed,
      granted: this.#granted,
      denied: this.#answers - this.#granted,
      failed: this.failed,
      sources: { ...this.#sources },
      assumed: this.#assumed,
      wrong: this.#wrong,
      examples: [...this.#examples],
      notCompared: this.#notCompared,
      waitedMs: { p50: quantile(0.5), p99: quantile(0.99), max: rounded(this.#maxWaitMs) },
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
