import type { Subject } from "../../../domain/subject.js";
import {
  EntryTable,
  type LedgerReader,
  type RememberedReport,
  type UsageEntry,
  type WalletEntry,
} from "./ledger-entry.js";
import {
  type KeyLine,
  keyLine,
  type LedgerRecord,
  rememberedReportOf,
  subjectOfLine,
  usageEntryOf,
  usageLine,
  walletEntryOf,
  walletLine,
} from "./ledger-record.js";

/**
 * How many idempotency keys are remembered, the latest: 24 h of five a second, in some 100 MB. By number and not by
 * age, so that no clock can make them forgotten.
 */
const MAX_KEYS = 500_000;

/** How many names of events without a meter are kept apart; the rest are counted together as `OTHER_EVENTS`. */
export const MAX_UNMATCHED_NAMES = 1_000;
export const OTHER_EVENTS = "";

const RECORD_SIZE = 500;

/**
 * Everything that was counted and is safe. It outlives the catalog's knowledge of a customer, so that a mistaken edit
 * loses nothing.
 */
export class UsageLedger implements LedgerReader {
  readonly #usage = new EntryTable<UsageEntry>();
  readonly #wallets = new EntryTable<WalletEntry>();
  /** As text: an object with its numbers takes several times the memory. */
  readonly #keys = new Map<string, string>();
  readonly #unmatched = new Map<string, number>();
  readonly #maxKeys: number;
  #latestUpdate = 0;

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  /** The latest `updatedAt` of any entry, epoch milliseconds. */
  get latestUpdate(): number {
    return this.#latestUpdate;
  }

  usage(subject: Subject, featureId: string): UsageEntry | undefined {
    return this.#usage.get(subject, featureId);
  }

  wallet(owner: Subject, currencyId: string): WalletEntry | undefined {
    return this.#wallets.get(owner, currencyId);
  }

  remembered(digest: string): RememberedReport | undefined {
    const text = this.#keys.get(digest);
    return text === undefined ? undefined : rememberedReportOf(JSON.parse(text) as KeyLine);
  }

  unmatchedName(eventName: string): string {
    return this.#unmatched.has(eventName) || this.#unmatched.size < MAX_UNMATCHED_NAMES ? eventName : OTHER_EVENTS;
  }

  unmatched(name: string): number {
    return this.#unmatched.get(name) ?? 0;
  }

  /** Events that no meter names, by name, with how many came. */
  unmatchedEvents(): ReadonlyMap<string, number> {
    return this.#unmatched;
  }

  apply({ usage, wallets, keys, unmatched }: LedgerRecord): void {
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
    for (const line of keys) this.#remember(line);
    for (const [name, count] of unmatched) this.#unmatched.set(name, count);
  }

  /** The ledger in records of bounded size; must not be applied to while it is being read. */
  *records(): Iterable<LedgerRecord> {
    const nothing: LedgerRecord = { usage: [], wallets: [], keys: [], unmatched: [] };
    for (const usage of chunks(this.#usage.entries()))
      yield { ...nothing, usage: usage.map((entry) => usageLine(...entry)) };
    for (const wallets of chunks(this.#wallets.entries()))
      yield { ...nothing, wallets: wallets.map((entry) => walletLine(...entry)) };
    for (const keys of chunks(this.#keys.values()))
      yield { ...nothing, keys: keys.map((text) => JSON.parse(text) as KeyLine) };
    for (const unmatched of chunks(this.#unmatched)) yield { ...nothing, unmatched };
  }

  #remember(line: KeyLine): void {
    this.#keys.delete(line[0]);
    this.#keys.set(line[0], JSON.stringify(line));
    if (this.#keys.size <= this.#maxKeys) return;
    for (const oldest of this.#keys.keys()) {
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
