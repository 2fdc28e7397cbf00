import type { Subject } from "../../../domain/subject.js";
import type { Decimal } from "../../../domain/usage/decimal.js";
import type { RememberedReport, UsageEntry, WalletEntry } from "./ledger-entry.js";

/**
 * What one request changed, as it is kept in the state file. Entries are written as they are afterwards and
 * not as differences, so that a record may be read twice.
 */
export interface LedgerRecord {
  readonly usage: readonly UsageLine[];
  readonly wallets: readonly WalletLine[];
  /** The idempotency keys that are counted by it. */
  readonly keys: readonly KeyLine[];
  /** Events that no meter names, with how many came so far. */
  readonly unmatched: readonly UnmatchedLine[];
}

export type UsageLine = readonly [
  customerId: string,
  resourceId: string | null,
  featureId: string,
  amounts: readonly (readonly [periodStart: number | null, amount: Decimal])[],
  initial: number | null,
  updatedAt: number,
];

export type WalletLine = readonly [
  customerId: string,
  resourceId: string | null,
  currencyId: string,
  drawn: readonly (readonly [grant: string, amount: Decimal, expiresAt: number | null])[],
  overdraft: Decimal,
  initial: number | null,
  updatedAt: number,
];

export type KeyLine = readonly [digest: string, content: string, answer: AnswerLine | null];

export type AnswerLine = readonly [
  currentUsage: number,
  periodStart: number | null,
  periodEnd: number | null,
  updatedAt: number | null,
  credit:
    readonly [currencyId: string, currentUsage: number, periodEnd: number | null, updatedAt: number | null] | null,
];

export type UnmatchedLine = readonly [eventName: string, count: number];

export function isEmptyRecord({ usage, wallets, keys, unmatched }: LedgerRecord): boolean {
  return usage.length + wallets.length + keys.length + unmatched.length === 0;
}

export function usageLine({ customerId, resourceId }: Subject, featureId: string, entry: UsageEntry): UsageLine {
  const amounts = entry.amounts.map(({ periodStart, amount }) => [periodStart ?? null, amount] as const);
  return [customerId, resourceId ?? null, featureId, amounts, entry.initial ?? null, entry.updatedAt];
}

export function usageEntryOf([, , , amounts, initial, updatedAt]: UsageLine): UsageEntry {
  return {
    amounts: amounts.map(([periodStart, amount]) => ({ periodStart: periodStart ?? undefined, amount })),
    initial: initial ?? undefined,
    updatedAt,
  };
}

export function walletLine({ customerId, resourceId }: Subject, currencyId: string, entry: WalletEntry): WalletLine {
  const drawn = [...entry.drawn].map(
    ([grant, { amount, expiresAt }]) => [grant, amount, expiresAt === Infinity ? null : expiresAt] as const,
  );
  return [customerId, resourceId ?? null, currencyId, drawn, entry.overdraft, entry.initial ?? null, entry.updatedAt];
}

export function walletEntryOf([, , , drawn, overdraft, initial, updatedAt]: WalletLine): WalletEntry {
  return {
    drawn: new Map(drawn.map(([grant, amount, expiresAt]) => [grant, { amount, expiresAt: expiresAt ?? Infinity }])),
    overdraft,
    initial: initial ?? undefined,
    updatedAt,
  };
}

export function keyLine(digest: string, { content, answer }: RememberedReport): KeyLine {
  if (answer === undefined) return [digest, content, null];
  const { currentUsage, periodStart, periodEnd, updatedAt, credit } = answer;
  const creditLine =
    credit === undefined
      ? null
      : ([credit.currencyId, credit.currentUsage, credit.periodEnd ?? null, credit.updatedAt ?? null] as const);
  return [digest, content, [currentUsage, periodStart ?? null, periodEnd ?? null, updatedAt ?? null, creditLine]];
}

export function rememberedReportOf([, content, line]: KeyLine): RememberedReport {
  if (line === null) return { content, answer: undefined };
  const [currentUsage, periodStart, periodEnd, updatedAt, credit] = line;
  return {
    content,
    answer: {
      currentUsage,
      periodStart: periodStart ?? undefined,
      periodEnd: periodEnd ?? undefined,
      updatedAt: updatedAt ?? undefined,
      credit:
        credit === null
          ? undefined
          : {
              currencyId: credit[0],
              currentUsage: credit[1],
              periodEnd: credit[2] ?? undefined,
              updatedAt: credit[3] ?? undefined,
            },
    },
  };
}

export function subjectOfLine([customerId, resourceId]: UsageLine | WalletLine): Subject {
  return { customerId, resourceId: resourceId ?? undefined };
}
