import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { LedgerRecord } from "./ledger-record.js";
import { decodeStateFile, encodeRecord, STATE_FILE_HEADER } from "./state-file-format.js";
import { StateFileLock } from "./state-file-lock.js";
import type { UsageLedger } from "./usage-ledger.js";
import type { UsageLog } from "./usage-log.js";

/** Below it a file is not worth rewriting, bytes. */
const MIN_REWRITE_BYTES = 8 * 1024 * 1024;

/** How many times its size a file may grow before it is rewritten. */
const REWRITE_GROWTH = 4;

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: CodedError) => void;
}

/**
 * Keeps the ledger in a state file: a record is appended and synced before it is acknowledged, records that
 * arrive meanwhile go together in the next write. The file is rewritten whole, beside itself and then renamed,
 * when it is opened, when it has grown much, and after a write that failed.
 */
export class UsageJournal implements UsageLog {
  readonly #file: string;
  readonly #ledger: UsageLedger;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #lock: StateFileLock | undefined;
  #handle: FileHandle | undefined;
  #size = 0;
  #rewriteAt = 0;
  #needsRewrite = true;
  #ended: CodedError | undefined;

  private constructor(file: string, ledger: UsageLedger) {
    this.#file = file;
    this.#ledger = ledger;
  }

  /**
   * Reads a state file into the ledger, or begins one.
   *
   * @throws CodedError `failed-precondition` where the file is damaged, of another kind, in use by another
   *   process, or cannot be written
   */
  static async open(file: string, ledger: UsageLedger, clock: Clock): Promise<UsageJournal> {
    const journal = new UsageJournal(file, ledger);
    try {
      journal.#lock = await StateFileLock.acquire(file, clock, (error) => (journal.#ended = error));
      for (const record of decodeStateFile(file, await readIfExists(file))) ledger.apply(record);
      await journal.#rewrite([]);
      return journal;
    } catch (error) {
      await journal.#lock?.release();
      if (error instanceof CodedError) throw error;
      throw new CodedError("failed-precondition", `the state file ${file} cannot be used: ${(error as Error).message}; its directory has to exist and be writable`, { cause: error });
    }
  }

  append(record: LedgerRecord): Promise<void> {
    return this.#write(encodeRecord(record));
  }

  settled(): Promise<void> {
    return this.#write("");
  }

  async close(): Promise<void> {
    await this.#draining;
    this.#ended ??= new CodedError("unavailable", "the catalog is closed");
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
    await this.#lock?.release();
  }

  #write(line: string): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Whoever reports in the same turn goes into the same write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#needsRewrite || this.#size > this.#rewriteAt) await this.#rewrite(batch);
        else await this.#append(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#needsRewrite = true;
        const failure = this.#failure(error);
        for (const { reject } of batch) reject(failure);
      }
    }
    this.#draining = undefined;
  }

  async #append(batch: Waiting[]): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const lines = linesOf(batch);
    const handle = this.#handle;
    if (lines === "" || handle === undefined) return;
    await handle.appendFile(lines);
    await handle.datasync();
    const { size, nlink } = await handle.stat();
    this.#size = size;
    // Removed while it was open: what was written is on its way to nowhere.
    if (nlink === 0) await this.#rewrite(batch);
  }

  /** @param batch is joined by what arrives while the ledger is written, of which the file may hold parts already */
  async #rewrite(batch: Waiting[]): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const temporary = `${this.#file}.tmp`;
    await rm(temporary, { force: true });
    const handle = await open(temporary, "ax", 0o600);
    try {
      await handle.appendFile(STATE_FILE_HEADER);
      for (const record of this.#ledger.records()) await handle.appendFile(encodeRecord(record));
      for (const waiting of this.#waiting.splice(0)) batch.push(waiting);
      await handle.appendFile(linesOf(batch));
      await handle.sync();
      await rename(temporary, this.#file);
      await syncDirectory(dirname(this.#file));
      this.#size = (await handle.stat()).size;
    } catch (error) {
      await handle.close();
      throw error;
    }
    const previous = this.#handle;
    this.#handle = handle;
    this.#rewriteAt = Math.max(MIN_REWRITE_BYTES, this.#size * REWRITE_GROWTH);
    this.#needsRewrite = false;
    await previous?.close();
  }

  #failure(error: unknown): CodedError {
    if (error instanceof CodedError) return error;
    return new CodedError("unavailable", `usage could not be written to the state file ${this.#file}: ${(error as Error).message}; it is written once that is mended, so try again with the same key`, { cause: error });
  }
}

function linesOf(batch: readonly Waiting[]): string {
  return batch.map(({ line }) => line).join("");
}

async function readIfExists(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Makes a rename outlast a power cut; a system that cannot sync a directory does so by itself. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
