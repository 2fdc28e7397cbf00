import type { Subject } from "../../../domain/subject.js";
import {
  EntryTable,
  type LedgerReader,
  type RememberedReport,
  type UsageEntry,
  type WalletEntry,
} from "./ledger-entry.js";
import { keyLine, type LedgerRecord, usageLine, walletLine } from "./ledger-record.js";

/** What requests would change on top of what `base` says: all of it is applied at the end, or nothing. */
export class LedgerDraft implements LedgerReader {
  readonly #base: LedgerReader;
  readonly #usage = new EntryTable<UsageEntry>();
  // Made when they are needed: most drafts are of one report, which changes one usage.
  #wallets: EntryTable<WalletEntry> | undefined;
  #keys: Map<string, RememberedReport> | undefined;
  #unmatched: Map<string, number> | undefined;

  constructor(base: LedgerReader) {
    this.#base = base;
  }

  usage(subject: Subject, featureId: string): UsageEntry | undefined {
    return this.#usage.get(subject, featureId) ?? this.#base.usage(subject, featureId);
  }

  wallet(owner: Subject, currencyId: string): WalletEntry | undefined {
    return this.#wallets?.get(owner, currencyId) ?? this.#base.wallet(owner, currencyId);
  }

  remembered(digest: string): RememberedReport | undefined {
    return this.#keys?.get(digest) ?? this.#base.remembered(digest);
  }

  unmatchedName(eventName: string): string {
    return this.#base.unmatchedName(eventName);
  }

  unmatched(name: string): number {
    return this.#unmatched?.get(name) ?? this.#base.unmatched(name);
  }

  setUsage(subject: Subject, featureId: string, entry: UsageEntry): void {
    this.#usage.set(subject, featureId, entry);
  }

  setWallet(owner: Subject, currencyId: string, entry: WalletEntry): void {
    (this.#wallets ??= new EntryTable()).set(owner, currencyId, entry);
  }

  remember(digest: string, report: RememberedReport): void {
    (this.#keys ??= new Map<string, RememberedReport>()).set(digest, report);
  }

  addUnmatched(eventName: string): void {
    const name = this.unmatchedName(eventName);
    (this.#unmatched ??= new Map<string, number>()).set(name, this.unmatched(name) + 1);
  }

  /** Takes over what another draft changed on top of this one. */
  absorb(draft: LedgerDraft): void {
    for (const [subject, id, entry] of draft.#usage.entries()) this.setUsage(subject, id, entry);
    for (const [owner, id, entry] of draft.#wallets?.entries() ?? []) this.setWallet(owner, id, entry);
    for (const [digest, report] of draft.#keys ?? []) this.remember(digest, report);
    for (const [name, count] of draft.#unmatched ?? [])
      (this.#unmatched ??= new Map<string, number>()).set(name, count);
  }

  toRecord(): LedgerRecord {
    return {
      usage: Array.from(this.#usage.entries(), (entry) => usageLine(...entry)),
      wallets: Array.from(this.#wallets?.entries() ?? [], (entry) => walletLine(...entry)),
      keys: Array.from(this.#keys ?? [], (entry) => keyLine(...entry)),
      unmatched: [...(this.#unmatched ?? [])],
    };
  }
}
