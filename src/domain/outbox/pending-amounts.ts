import { addDecimals } from "../usage/decimal.js";
import type { UsageUpdateBehavior } from "../usage/usage-report.js";
import type { UsageEntry } from "./usage-entry.js";

/** One step of what usage is going to be once it is delivered. */
export interface PendingAmount {
  readonly behavior: UsageUpdateBehavior;
  readonly value: number;
  /** See usageGroup. */
  readonly group: number;
}

/** What waits of one subject, in its order, by feature. */
export type PendingAmounts = ReadonlyMap<string, readonly PendingAmount[]>;

/** The group of amounts of unknown usage periods, which count in every period alike. */
const ANY_PERIOD = -1;

/** What entries come to, in as few steps as say the same. */
export function amountsOf(entries: readonly UsageEntry[]): readonly PendingAmount[] {
  const amounts: PendingAmount[] = [];
  for (const { behavior, value, count, group, isMeasured } of entries) {
    if (count === 0 || isMeasured) continue;
    const amount = { behavior, value, group: group < 0 ? ANY_PERIOD : group };
    const last = amounts.at(-1);
    const joined = last === undefined ? undefined : join(last, amount);
    if (joined === undefined) amounts.push(amount);
    else amounts[amounts.length - 1] = joined;
  }
  return amounts;
}

/** Amounts of one sign: usage stops at 0, so that the order of others matters. */
function join(a: PendingAmount, b: PendingAmount): PendingAmount | undefined {
  if (a.behavior === "SET" || b.behavior === "SET" || a.group !== b.group || a.value < 0 !== b.value < 0)
    return undefined;
  const value = addDecimals(a.value, b.value);
  return typeof value === "number" ? { ...a, value } : undefined;
}
