import type { LedgerRecord } from "./ledger-record.js";

/** Where counted usage is kept beyond the life of the process. */
export interface UsageLog {
  /** False: nothing is kept, and nobody has to wait. */
  readonly isDurable: boolean;
  /**
   * Resolves once all of the records are safe. Is called again only once the call before it has settled. Where it
   * rejects, none of them is kept, or the error says that they may be.
   *
   * @throws CodedError `resource-exhausted` where there is no room, else `unavailable`
   */
  append(records: readonly LedgerRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: usage ends with the process. */
export const FORGETFUL_LOG: UsageLog = {
  isDurable: false,
  append: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
