import { isEmptyRecord, type LedgerRecord } from "./ledger-record.js";
import { LedgerDraft, type UsageLedger } from "./usage-ledger.js";

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

/** Counted and written together at most, so that checks never wait for long. */
const MAX_BATCH = 200;

interface Waiting {
  /** Counts on the draft. What it throws refuses its own request alone. */
  readonly count: (draft: LedgerDraft) => () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Counts one request after the other. What was counted becomes part of the ledger once it is safe, and not at all where
 * it cannot be made safe: nobody is ever answered from usage that is refused afterwards. Requests that arrive while a
 * write is under way are counted on top of each other and go together in the next one.
 */
export class CountingQueue {
  readonly #ledger: UsageLedger;
  readonly #log: UsageLog;
  readonly #onCounted: (record: LedgerRecord) => void;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  /** @param onCounted called with what became part of the ledger, before the requests are answered */
  constructor(ledger: UsageLedger, log: UsageLog, onCounted: (record: LedgerRecord) => void) {
    this.#ledger = ledger;
    this.#log = log;
    this.#onCounted = onCounted;
  }

  /**
   * Resolves with what `count` returns once what it changed is safe. Where nothing has to be made safe, that has
   * happened by the time this returns.
   *
   * @throws what `count` throws, and CodedError as UsageLog.append does
   */
  run<T>(count: (draft: LedgerDraft) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#log.isDurable) {
        const draft = new LedgerDraft(this.#ledger);
        const result = count(draft);
        this.#apply(draft.toRecord());
        resolve(result);
        return;
      }
      this.#waiting.push({
        count: (draft) => {
          const result = count(draft);
          return () => resolve(result);
        },
        reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves once nothing is being counted or written. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    do {
      // Whoever reports in the same turn of the event loop goes into the same write, also whoever was just answered.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#carryOut(this.#waiting.splice(0, MAX_BATCH));
    } while (this.#waiting.length > 0);
    this.#draining = undefined;
  }

  async #carryOut(batch: readonly Waiting[]): Promise<void> {
    const draft = new LedgerDraft(this.#ledger);
    const records: LedgerRecord[] = [];
    const counted: { readonly accept: () => void; readonly reject: (error: Error) => void }[] = [];
    for (const { count, reject } of batch) {
      const own = new LedgerDraft(draft);
      try {
        const accept = count(own);
        const record = own.toRecord();
        if (!isEmptyRecord(record)) records.push(record);
        draft.absorb(own);
        counted.push({ accept, reject });
      } catch (error) {
        reject(error as Error);
      }
    }
    try {
      if (records.length > 0) await this.#log.append(records);
    } catch (error) {
      for (const { reject } of counted) reject(error as Error);
      return;
    }
    this.#apply(draft.toRecord());
    for (const { accept } of counted) accept();
  }

  #apply(record: LedgerRecord): void {
    if (isEmptyRecord(record)) return;
    this.#ledger.apply(record);
    this.#onCounted(record);
  }
}
