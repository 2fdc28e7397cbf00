import type { Subject } from "../../domain/subject.js";
import { EntryTable } from "./entry-table.js";
import type { LedgerReader, UsageEntry, WalletEntry } from "./ledger-entry.js";
import { subjectOfLine, usageEntryOf, usageLine, walletEntryOf, walletLine, type LedgerRecord } from "./ledger-record.js";

/** How many idempotency keys are remembered: two minutes of retries at a thousand reports a second. */
export const MAX_KEYS = 100_000;

const RECORD_SIZE = 500;

/** Everything that was counted. It outlives the catalog's knowledge of a customer, so that a mistaken edit loses nothing. */
export class UsageLedger implements LedgerReader {
  readonly #usage = new EntryTable<UsageEntry>();
  readonly #wallets = new EntryTable<WalletEntry>();
  readonly #keys = new Set<string>();
  #latestUpdate = 0;

  /** The latest moment in any entry, epoch milliseconds. */
  get latestUpdate(): number {
    return this.#latestUpdate;
  }

  usage(subject: Subject, featureId: string): UsageEntry | undefined {
    return this.#usage.get(subject, featureId);
  }

  wallet(owner: Subject, currencyId: string): WalletEntry | undefined {
    return this.#wallets.get(owner, currencyId);
  }

  hasKey(key: string): boolean {
    return this.#keys.has(key);
  }

  apply({ usage, wallets, keys }: LedgerRecord): void {
    for (const line of usage) {
      const entry = usageEntryOf(line);
      this.#usage.set(subjectOfLine(line), line[2], entry);
      this.#latestUpdate = Math.max(this.#latestUpdate, entry.updatedAt);
    }
    for (const line of wallets) {
      const entry = walletEntryOf(line);
      this.#wallets.set(subjectOfLine(line), line[2], entry);
      this.#latestUpdate = Math.max(this.#latestUpdate, entry.updatedAt);
    }
    for (const key of keys) this.#remember(key);
  }

  /** The whole ledger in records of bounded size; may be applied to while it is being read. */
  *records(): Iterable<LedgerRecord> {
    for (const usage of chunks(this.#usage.entries())) {
      yield { usage: usage.map((entry) => usageLine(...entry)), wallets: [], keys: [] };
    }
    for (const wallets of chunks(this.#wallets.entries())) {
      yield { usage: [], wallets: wallets.map((entry) => walletLine(...entry)), keys: [] };
    }
    for (const keys of chunks(this.#keys)) yield { usage: [], wallets: [], keys };
  }

  #remember(key: string): void {
    this.#keys.add(key);
    if (this.#keys.size <= MAX_KEYS) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }
}

function* chunks<T>(items: Iterable<T>): Iterable<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < RECORD_SIZE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
