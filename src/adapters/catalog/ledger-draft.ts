import type { Subject } from "../../domain/subject.js";
import { EntryTable } from "./entry-table.js";
import type { LedgerReader, UsageEntry, WalletEntry } from "./ledger-entry.js";
import { usageLine, walletLine, type LedgerRecord } from "./ledger-record.js";
import type { UsageLedger } from "./usage-ledger.js";

/** What a request would change: all of it is applied at the end, or nothing. */
export class LedgerDraft implements LedgerReader {
  readonly #ledger: UsageLedger;
  readonly #usage = new EntryTable<UsageEntry>();
  readonly #wallets = new EntryTable<WalletEntry>();
  readonly #keys = new Set<string>();

  constructor(ledger: UsageLedger) {
    this.#ledger = ledger;
  }

  usage(subject: Subject, featureId: string): UsageEntry | undefined {
    return this.#usage.get(subject, featureId) ?? this.#ledger.usage(subject, featureId);
  }

  wallet(owner: Subject, currencyId: string): WalletEntry | undefined {
    return this.#wallets.get(owner, currencyId) ?? this.#ledger.wallet(owner, currencyId);
  }

  setUsage(subject: Subject, featureId: string, entry: UsageEntry): void {
    this.#usage.set(subject, featureId, entry);
  }

  setWallet(owner: Subject, currencyId: string, entry: WalletEntry): void {
    this.#wallets.set(owner, currencyId, entry);
  }

  /** Whether this key is counted for the first time. */
  isFirst(key: string): boolean {
    if (this.#keys.has(key) || this.#ledger.hasKey(key)) return false;
    this.#keys.add(key);
    return true;
  }

  toRecord(): LedgerRecord {
    return {
      usage: [...this.#usage.entries()].map((entry) => usageLine(...entry)),
      wallets: [...this.#wallets.entries()].map((entry) => walletLine(...entry)),
      keys: [...this.#keys],
    };
  }
}
