import type { Subject } from "../../domain/subject.js";
import type { UsageEntry, WalletEntry } from "./ledger-entry.js";

/**
 * What one request changed, as it is kept in the state file. Entries are written as they are afterwards and
 * not as differences, so that a record may be read twice.
 */
export interface LedgerRecord {
  readonly usage: readonly UsageLine[];
  readonly wallets: readonly WalletLine[];
  /** Digests of the idempotency keys that are counted by it. */
  readonly keys: readonly string[];
}

export type UsageLine = readonly [
  customerId: string,
  resourceId: string | null,
  featureId: string,
  amount: number,
  periodStart: number | null,
  initial: number | null,
  updatedAt: number,
];

export type WalletLine = readonly [
  customerId: string,
  resourceId: string | null,
  currencyId: string,
  drawn: readonly (readonly [grant: string, amount: number, expiresAt: number | null])[],
  overdraft: number,
  initial: number | null,
  updatedAt: number,
];

export function usageLine({ customerId, resourceId }: Subject, featureId: string, entry: UsageEntry): UsageLine {
  return [customerId, resourceId ?? null, featureId, entry.amount, entry.periodStart ?? null, entry.initial ?? null, entry.updatedAt];
}

export function usageEntryOf([, , , amount, periodStart, initial, updatedAt]: UsageLine): UsageEntry {
  return { amount, periodStart: periodStart ?? undefined, initial: initial ?? undefined, updatedAt };
}

export function walletLine({ customerId, resourceId }: Subject, currencyId: string, entry: WalletEntry): WalletLine {
  const drawn = [...entry.drawn].map(([grant, { amount, expiresAt }]) => [grant, amount, expiresAt === Infinity ? null : expiresAt] as const);
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

export function subjectOfLine([customerId, resourceId]: UsageLine | WalletLine): Subject {
  return { customerId, resourceId: resourceId ?? undefined };
}
