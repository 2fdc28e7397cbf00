import type { Subject } from "../../domain/subject.js";

/** What was counted of one feature for one subject. */
export interface UsageEntry {
  readonly amount: number;
  /** Start of the period that the amount was counted in, epoch milliseconds; undefined: it never begins anew. */
  readonly periodStart: number | undefined;
  /** The catalog's initial usage that this began with. */
  readonly initial: number | undefined;
  /** Epoch milliseconds, later with each write. */
  readonly updatedAt: number;
}

/** What was drawn from one wallet. */
export interface WalletEntry {
  /** By the grant's key. */
  readonly drawn: ReadonlyMap<string, DrawnCredits>;
  /** Drawn beyond what the grants of the time covered: a debt that the next grants pay. */
  readonly overdraft: number;
  /** The catalog's initially used credits that this began with. */
  readonly initial: number | undefined;
  /** Epoch milliseconds, later with each write. */
  readonly updatedAt: number;
}

export interface DrawnCredits {
  readonly amount: number;
  /** When the grant ends and what was drawn from it is history, epoch milliseconds or Infinity. */
  readonly expiresAt: number;
}

/** Reads what was counted so far. */
export interface LedgerReader {
  usage(subject: Subject, featureId: string): UsageEntry | undefined;
  wallet(owner: Subject, currencyId: string): WalletEntry | undefined;
}
