import type { LedgerRecord } from "./ledger-record.js";

/** Where counted usage is kept beyond the life of the process. */
export interface UsageLog {
  /**
   * Resolves once the record is safe, in the order of the calls.
   *
   * @throws CodedError `unavailable` where it could not be written; a later call writes it as well
   */
  append(record: LedgerRecord): Promise<void>;
  /** Resolves once everything that was appended is safe. Rejects as append does. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: usage ends with the process. */
export const FORGETFUL_LOG: UsageLog = {
  append: () => Promise.resolve(),
  settled: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
