import type { CustomerStateInput } from "../../src/domain/build-customer-state.js";
import type { ResetPeriod } from "../../src/domain/usage/usage-period.js";
import { periodOf } from "./calendar.js";
import { Total } from "./exact.js";

export interface ModelTerms {
  readonly limit: number;
  readonly resetPeriod?: ResetPeriod | undefined;
  readonly anchor: number;
  /** Credits for one unit. */
  readonly rate?: number | undefined;
}

export interface ModelGrant {
  readonly id: string;
  readonly amount: number;
  readonly priority: number;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number;
}

export interface ModelReport {
  readonly key: string;
  readonly value: number;
  readonly behavior: "DELTA" | "SET";
  /** Epoch milliseconds; undefined: now. */
  readonly timestamp?: number | undefined;
}

/** What one customer used of one feature, and what it cost: every report counts once, in the period in which it was used. */
export class ModelLedger {
  readonly #terms: ModelTerms;
  readonly #grants: readonly ModelGrant[];
  readonly #byPeriod = new Map<number | undefined, Total>();
  readonly #drawn = new Map<string, Total>();
  readonly #reports = new Map<string, string>();
  #owed = new Total();

  constructor(terms: ModelTerms, grants: readonly ModelGrant[]) {
    this.#terms = terms;
    this.#grants = grants;
  }

  /** @returns what becomes of it */
  report(report: ModelReport, now: number): "counted" | "counted before" | "refused" {
    const known = this.#reports.get(report.key);
    const content = JSON.stringify([report.value, report.behavior]);
    if (known !== undefined) return known === content ? "counted before" : "refused";
    this.#reports.set(report.key, content);
    const present = this.#periodAt(now);
    const isPast = present !== undefined && report.timestamp !== undefined && report.timestamp < present;
    if (isPast && report.behavior === "SET") return "counted";
    const period = isPast ? this.#periodAt(report.timestamp ?? now) : present;
    const before = this.#byPeriod.get(period) ?? new Total();
    const sum = report.behavior === "SET" ? new Total(report.value) : before.copy().add(report.value);
    const after = sum.sign < 0 ? new Total() : sum;
    this.#byPeriod.set(period, after);
    // What is given back is at most what was used in that period.
    const used = after.copy().plus(before, -1);
    if (this.#terms.rate !== undefined) this.#pay(used.times(this.#terms.rate), now);
    return "counted";
  }

  /** What a check is decided on. */
  state(now: number): CustomerStateInput {
    const { limit, resetPeriod, anchor, rate } = this.#terms;
    const period = resetPeriod === undefined ? undefined : periodOf(anchor, resetPeriod, now);
    const active = this.#activeAt(now);
    const consumed = active.reduce((sum, { id }) => sum.plus(this.#drawnOf(id)), this.#owed.copy());
    return {
      features: [
        {
          feature: { id: "calls", featureType: "NUMBER", meterType: "Incremental" },
          usageLimit: limit,
          resetPeriod,
          creditRate: rate === undefined ? undefined : { amount: rate, currencyId: "ink" },
          usage: {
            currentUsage: this.#byPeriod.get(period?.start)?.value ?? 0,
            periodStart: period?.start,
            periodEnd: period?.end,
          },
        },
      ],
      credits: [
        {
          currency: { currencyId: "ink", displayName: "ink" },
          usageLimit: active.reduce((sum, { amount }) => sum.add(amount), new Total()).value,
          usage: { currentUsage: consumed.value },
        },
      ],
    };
  }

  #periodAt(at: number): number | undefined {
    const { resetPeriod, anchor } = this.#terms;
    return resetPeriod === undefined ? undefined : periodOf(anchor, resetPeriod, at).start;
  }

  /** In the order in which they are drawn from. */
  #activeAt(now: number): readonly ModelGrant[] {
    const active = this.#grants.filter(({ expiresAt = Infinity }) => now < expiresAt);
    return active.toSorted(
      (a, b) => a.priority - b.priority || compare(a.expiresAt ?? Infinity, b.expiresAt ?? Infinity),
    );
  }

  #pay(cost: Total, now: number): void {
    const active = this.#activeAt(now);
    if (cost.sign >= 0) {
      const left = this.#owed.copy().plus(cost);
      for (const { id, amount } of active) {
        const taken = smaller(left, new Total(amount).plus(this.#drawnOf(id), -1)).copy();
        if (taken.sign <= 0) continue;
        this.#drawnOf(id).plus(taken);
        left.plus(taken, -1);
      }
      this.#owed = left;
      return;
    }
    const back = new Total().plus(cost, -1);
    const forgiven = smaller(back, this.#owed).copy();
    this.#owed.plus(forgiven, -1);
    back.plus(forgiven, -1);
    for (const { id } of active.toReversed()) {
      const returned = smaller(back, this.#drawnOf(id)).copy();
      this.#drawnOf(id).plus(returned, -1);
      back.plus(returned, -1);
    }
  }

  #drawnOf(id: string): Total {
    const drawn = this.#drawn.get(id) ?? new Total();
    this.#drawn.set(id, drawn);
    return drawn;
  }
}

function smaller(a: Total, b: Total): Total {
  return a.copy().plus(b, -1).sign < 0 ? a : b;
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
