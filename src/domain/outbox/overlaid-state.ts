import type { CustomerState, UsagesByEntitlement } from "../customer-state.js";
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  multiplyDecimals,
  subtractDecimals,
  toNumber,
} from "../usage/decimal.js";
import { type Usage, usageAt } from "../usage/usage.js";
import type { PendingAmount, PendingAmounts } from "./pending-amounts.js";
import type { UsageSeries } from "./usage-entry.js";
import { isGroupCurrent } from "./usage-group.js";

/** An amount that others have, or an entry of this outbox. */
interface Amount extends PendingAmount {
  readonly count?: number;
  readonly isMeasured?: boolean;
  readonly measuredAt?: number | undefined;
}

/**
 * A usage with what was accepted since and is not in it yet. Reports of a period that is over change nothing.
 *
 * @param usage as upstream told it, of the period of `now`
 * @param amounts in their order
 * @param knownAt up to when measurements are in it, epoch milliseconds
 */
export function overlaidUsage(
  usage: Usage,
  amounts: readonly Amount[],
  now: number,
  knownAt = usage.updatedAt ?? -Infinity,
): Usage {
  // Rounded at the end alone: many small amounts on a large usage would all be lost.
  let sum: Decimal = usage.currentUsage;
  for (const { behavior, value, count, group, isMeasured, measuredAt = Infinity } of amounts) {
    if (count === 0 || isMeasured === true || measuredAt <= knownAt || !isGroupCurrent(group, now)) continue;
    sum = behavior === "SET" ? value : addDecimals(sum, value);
    if (compareDecimals(sum, 0) < 0) sum = 0;
  }
  const currentUsage = toNumber(sum);
  return currentUsage === usage.currentUsage ? usage : { ...usage, currentUsage };
}

/** What waits of one subject. */
export interface PendingUsage {
  /** In this outbox, by feature. */
  readonly own: ReadonlyMap<string, UsageSeries> | undefined;
  /** In those of others who share the cache. */
  readonly others: readonly PendingAmounts[];
}

export interface PendingUsages {
  /** Whether there may be any of a feature; where not, `of` has none. On the path of every check. */
  mayHave(customerId: string, featureId: string): boolean;
  of(customerId: string, resourceId: string | undefined): PendingUsage;
}

/** A state in which the usages are overlaid by what waits in the outbox, and in those of others. Everything else is as it was. */
export class OverlaidState implements CustomerState {
  readonly #state: CustomerState;
  readonly #pending: PendingUsages;
  readonly #customerId: string;
  readonly #resourceId: string | undefined;
  readonly #now: number;
  /** Looked up once a usage is asked for, which most features have none of. */
  #found: PendingUsage | undefined;

  constructor(
    state: CustomerState,
    pending: PendingUsages,
    customerId: string,
    resourceId: string | undefined,
    now: number,
  ) {
    this.#state = state;
    this.#pending = pending;
    this.#customerId = customerId;
    this.#resourceId = resourceId;
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
    if (!this.#pending.mayHave(this.#customerId, featureId)) return usage;
    const { own, others } = this.#waiting;
    if (own?.has(featureId) !== true && !others.some((amounts) => amounts.has(featureId))) return usage;
    return this.#overlaid(this.#ofNow(usage, featureId), featureId);
  }

  /** What features that draw on the wallet are going to cost is consumed already. */
  creditUsage(currencyId: string): Usage {
    let usage = this.#state.creditUsage(currencyId);
    const { own, others } = this.#waiting;
    for (const featureId of new Set([...(own?.keys() ?? []), ...others.flatMap((amounts) => [...amounts.keys()])])) {
      const rate = this.#state.feature(featureId)?.creditRate;
      if (rate?.currencyId !== currencyId) continue;
      // The wallet is measured after the feature, and may not contain yet what that contains.
      const before = this.#ofNow({ ...this.#state.featureUsage(featureId), updatedAt: undefined }, featureId);
      const after = this.#overlaid(before, featureId);
      const more = subtractDecimals(after.currentUsage, before.currentUsage);
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

  get #waiting(): PendingUsage {
    return (this.#found ??= this.#pending.of(this.#customerId, this.#resourceId));
  }

  /** What others have first: in which order it is counted is not known. */
  #overlaid(usage: Usage, featureId: string): Usage {
    const { own, others } = this.#waiting;
    let overlaid = usage;
    for (const amounts of others) overlaid = overlaidUsage(overlaid, amounts.get(featureId) ?? [], this.#now);
    return overlaidUsage(overlaid, own?.get(featureId)?.entries ?? [], this.#now);
  }

  #ofNow(usage: Usage, featureId: string): Usage {
    return usageAt(usage, this.#state.feature(featureId)?.resetPeriod, this.#now);
  }
}
