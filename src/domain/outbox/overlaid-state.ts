import type { CustomerState, UsagesByEntitlement } from "../customer-state.js";
import { addDecimals, multiplyDecimals, subtractDecimals } from "../usage/decimal.js";
import { usageAt, type Usage } from "../usage/usage.js";
import type { UsageSeries } from "./usage-entry.js";
import { isGroupCurrent } from "./usage-group.js";

/**
 * A usage with what was accepted since and is not in it yet. Reports of a period that is over change nothing.
 *
 * @param usage as upstream told it, of the period of `now`
 */
export function overlaidUsage(usage: Usage, { entries }: UsageSeries, now: number): Usage {
  let currentUsage = usage.currentUsage;
  for (const { behavior, value, count, group, isMeasured } of entries) {
    if (count === 0 || isMeasured || !isGroupCurrent(group, now)) continue;
    currentUsage = behavior === "SET" ? value : Math.max(0, Number(addDecimals(currentUsage, value)));
  }
  return currentUsage === usage.currentUsage ? usage : { ...usage, currentUsage };
}

/** A state in which the usages are overlaid by what waits in the outbox. Everything else is as it was. */
export class OverlaidState implements CustomerState {
  readonly #state: CustomerState;
  readonly #series: ReadonlyMap<string, UsageSeries>;
  readonly #now: number;

  /** @param series what waits of the subject, by feature */
  constructor(state: CustomerState, series: ReadonlyMap<string, UsageSeries>, now: number) {
    this.#state = state;
    this.#series = series;
    this.#now = now;
  }

  get accessDeniedReason() {
    return this.#state.accessDeniedReason;
  }
  get updatedAt() {
    return this.#state.updatedAt;
  }
  get validUntil() {
    return this.#state.validUntil;
  }
  get featureCount() {
    return this.#state.featureCount;
  }
  get creditCount() {
    return this.#state.creditCount;
  }
  get includesWallets() {
    return this.#state.includesWallets;
  }
  get unknown() {
    return this.#state.unknown;
  }

  feature(featureId: string) {
    return this.#state.feature(featureId);
  }

  credit(currencyId: string) {
    return this.#state.credit(currencyId);
  }

  features() {
    return this.#state.features();
  }

  credits() {
    return this.#state.credits();
  }

  featureUsage(featureId: string): Usage {
    const usage = this.#state.featureUsage(featureId);
    const series = this.#series.get(featureId);
    return series === undefined ? usage : overlaidUsage(this.#ofNow(usage, featureId), series, this.#now);
  }

  /** What features that draw on the wallet are going to cost is consumed already. */
  creditUsage(currencyId: string): Usage {
    let usage = this.#state.creditUsage(currencyId);
    for (const [featureId, series] of this.#series) {
      const rate = this.#state.feature(featureId)?.creditRate;
      if (rate?.currencyId !== currencyId) continue;
      const before = this.#ofNow(this.#state.featureUsage(featureId), featureId);
      const more = subtractDecimals(overlaidUsage(before, series, this.#now).currentUsage, before.currentUsage);
      usage = {
        ...usage,
        currentUsage: Math.max(0, Number(addDecimals(usage.currentUsage, multiplyDecimals(more, rate.amount)))),
      };
    }
    return usage;
  }

  withUsages(usages: UsagesByEntitlement): CustomerState {
    return this.#state.withUsages(usages);
  }

  #ofNow(usage: Usage, featureId: string): Usage {
    return usageAt(usage, this.#state.feature(featureId)?.resetPeriod, this.#now);
  }
}
