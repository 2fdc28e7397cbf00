import { CodedError } from "../../../domain/errors.js";
import { type Logger, OutageLog } from "../../../ports/logger.js";
import type { DependencyState } from "../../../ports/telemetry.js";
import type { UsageLog } from "./counting-queue.js";
import type { LedgerRecord } from "./ledger-record.js";
import {
  decodeStateFile,
  encodeEnd,
  encodeRecords,
  encodeStart,
  FIRST_END,
  type StateFileEnd,
  versionOf,
} from "./state-file-format.js";
import { decodeStateFileV1 } from "./state-file-v1.js";
import type { StateFileHandle, StateFiles } from "./state-files.js";
import type { UsageLedger } from "./usage-ledger.js";

/** Below it a file is not worth rewriting, bytes. */
const MIN_REWRITE_BYTES = 8 * 1024 * 1024;

/** How many times its size a file may grow before it is rewritten. */
const REWRITE_GROWTH = 4;

/** What a system says where there is no room: disk, quota, size of a file. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The right to be the only writer of a state file. */
export interface StateFileOwnership {
  /** @throws CodedError `unavailable` where another process may have it by now */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Keeps the ledger in a state file: records are appended and synced before they are acknowledged, and cut off again
 * where that fails. The file is rewritten from the ledger, beside itself and then renamed, when it is opened, when it
 * has grown much, and where it is no longer what was written.
 */
export class UsageJournal implements UsageLog {
  readonly isDurable = true;
  readonly #path: string;
  readonly #ledger: UsageLedger;
  readonly #files: StateFiles;
  readonly #ownership: StateFileOwnership;
  readonly #logger: Logger;
  readonly #outage: OutageLog;
  #handle: StateFileHandle | undefined;
  #end: StateFileEnd = FIRST_END;
  #rewriteAt = 0;
  #needsRewrite = true;
  #isClosed = false;

  private constructor(
    path: string,
    ledger: UsageLedger,
    files: StateFiles,
    ownership: StateFileOwnership,
    logger: Logger,
    state: DependencyState | undefined,
  ) {
    this.#path = path;
    this.#ledger = ledger;
    this.#files = files;
    this.#ownership = ownership;
    this.#logger = logger;
    this.#outage = new OutageLog(logger, state);
  }

  /**
   * Reads a state file into the ledger, or begins one.
   *
   * @param ownership is released where this throws
   * @param state where it is seen whether the file can be written to
   * @throws CodedError `failed-precondition` where the file is damaged, of another kind, or cannot be written
   */
  static async open(
    path: string,
    ledger: UsageLedger,
    files: StateFiles,
    ownership: StateFileOwnership,
    logger: Logger,
    state?: DependencyState,
  ): Promise<UsageJournal> {
    const journal = new UsageJournal(path, ledger, files, ownership, logger, state);
    try {
      for (const record of recordsOfStateFile(path, await files.read(path), logger)) ledger.apply(record);
      await journal.#rewrite();
      state?.set(true);
      return journal;
    } catch (error) {
      await ownership.release();
      if (error instanceof CodedError) throw error;
      throw new CodedError(
        "failed-precondition",
        `the state file ${path} cannot be used: ${(error as Error).message}; its directory has to exist and be writable`,
        { cause: error },
      );
    }
  }

  async append(records: readonly LedgerRecord[]): Promise<void> {
    if (this.#isClosed)
      throw new CodedError("unavailable", "the catalog is closed; the usage is not counted", { mayCount: false });
    try {
      await this.#append(records);
      this.#outage.works("the state file is written to again", { file: this.#path });
    } catch (error) {
      const isFull = error instanceof CodedError && error.code === "resource-exhausted";
      this.#outage.lost(
        "error",
        isFull
          ? "there is no room for the state file: reports are refused until there is; make room on its disk, or raise the quota"
          : "the state file cannot be written to: reports are refused",
        { file: this.#path, error },
      );
      throw error;
    }
  }

  async #append(records: readonly LedgerRecord[]): Promise<void> {
    await this.#ownership.confirm();
    try {
      await this.#makeReady();
      const before = this.#end;
      const handle = this.#handle;
      await this.#write(records);
      if (await this.#isInPlace()) return;
      // Moved or removed meanwhile: what was written is on its way to nowhere, unless a power cut brings it back.
      if (handle !== undefined) await this.#takeBack(handle, before, new Error("it was moved or removed"));
      await this.#rewrite();
      await this.#write(records);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw this.#failure(error, false);
    }
  }

  /** Marks the file as closed, so that whoever opens it next knows it to be complete. Can be called again. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (this.#handle !== undefined && !this.#needsRewrite) {
        await this.#ownership.confirm();
        if (!(await this.#isAsItWasLeft())) await this.#rewrite();
      }
    } catch {
      // Nor can it be marked as closed then.
      this.#needsRewrite = true;
    }
    const handle = this.#handle;
    this.#handle = undefined;
    try {
      if (handle !== undefined && !this.#needsRewrite) {
        await this.#stateEnd(handle, { ...this.#end, isClosed: true, statements: this.#end.statements + 1 });
        await handle.sync();
      }
    } catch {
      // Everything acknowledged is safe; without the mark the next start only says that there was none.
    }
    await handle?.close().catch(() => undefined);
    await this.#ownership.release();
  }

  async #makeReady(): Promise<void> {
    const mustRewrite = this.#needsRewrite || !(await this.#isAsItWasLeft());
    if (!mustRewrite && this.#end.bytes <= this.#rewriteAt) return;
    const before = this.#handle;
    try {
      await this.#rewrite();
    } catch (error) {
      // There may be no room for a second file, and still some for a few records in the first.
      if (mustRewrite || this.#handle !== before) throw error;
      this.#rewriteAt = this.#end.bytes * 2;
    }
  }

  /** Where it is not, as where a copy was put back into it, it has to be written anew: what was counted is here. */
  async #isAsItWasLeft(): Promise<boolean> {
    const size = await this.#handle?.size();
    if (size === this.#end.bytes && (await this.#saysHowItEnds())) return true;
    this.#needsRewrite = true;
    this.#logger.warn(
      `somebody else wrote to the state file ${this.#path} while it is in use: it is written anew from what this process has counted; to go back to a copy, stop the process first`,
      { file: this.#path, bytes: size, expectedBytes: this.#end.bytes },
    );
    return false;
  }

  /** Another content of the same length says another end. */
  async #saysHowItEnds(): Promise<boolean> {
    const { line, position } = encodeEnd(this.#end);
    return (await this.#handle?.read(line.length, position))?.equals(line) === true;
  }

  async #isInPlace(): Promise<boolean> {
    const identity = await this.#files.identityOf(this.#path).catch(() => undefined);
    return identity === this.#handle?.identity;
  }

  /** Writes records at the end of the file. Where that fails, the file ends where it did before. */
  async #write(records: readonly LedgerRecord[]): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error("the state file is not open");
    const { lines, end } = encodeRecords(records, this.#end);
    try {
      await handle.write(lines, this.#end.bytes);
      await handle.sync();
      await this.#stateEnd(handle, end);
    } catch (error) {
      await this.#takeBack(handle, this.#end, error);
      throw error;
    }
  }

  /** Has the file end where it did. */
  async #takeBack(handle: StateFileHandle, end: StateFileEnd, cause: unknown): Promise<void> {
    // What a failed sync left in the system's memory is not known: from here on a new file is safer.
    this.#needsRewrite = !NO_ROOM.has((cause as NodeJS.ErrnoException).code);
    try {
      // First the statement, so that no file is ever shorter than it says.
      await this.#stateEnd(handle, { ...end, statements: this.#end.statements + 1 });
      await handle.sync();
      await handle.truncate(end.bytes);
      await handle.sync();
    } catch {
      this.#needsRewrite = true;
      throw this.#failure(cause, true);
    }
  }

  async #rewrite(): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const handle = await this.#files.create(temporary);
    let end = FIRST_END;
    try {
      await handle.write(encodeStart(), 0);
      for (const record of this.#ledger.records()) {
        const encoded = encodeRecords([record], end);
        await handle.write(encoded.lines, end.bytes);
        end = encoded.end;
      }
      const { line, position } = encodeEnd(end);
      await handle.write(line, position);
      await handle.sync();
      await this.#files.rename(temporary, this.#path);
    } catch (error) {
      await handle.close().catch(() => undefined);
      await this.#files.remove(temporary).catch(() => undefined);
      throw error;
    }
    const previous = this.#handle;
    this.#handle = handle;
    this.#end = end;
    this.#rewriteAt = Math.max(MIN_REWRITE_BYTES, end.bytes * REWRITE_GROWTH);
    this.#needsRewrite = true;
    await previous?.close().catch(() => undefined);
    // Until then a power cut can bring the previous file back.
    await this.#files.syncDirectoryOf(this.#path);
    this.#needsRewrite = false;
  }

  async #stateEnd(handle: StateFileHandle, end: StateFileEnd): Promise<void> {
    const { line, position } = encodeEnd(end);
    await handle.write(line, position);
    this.#end = end;
  }

  #failure(error: unknown, mayCount: boolean): CodedError {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = NO_ROOM.has(code) ? "there is room for it" : "that is mended";
    const consequence = mayCount
      ? `nor could the part that was written be taken back, so after a restart the usage may count; report it again under the same idempotency key once ${remedy}, and it counts once`
      : `the usage is not counted; report it again once ${remedy}`;
    return new CodedError(
      NO_ROOM.has(code) ? "resource-exhausted" : "unavailable",
      `usage could not be written to the state file ${this.#path} (${message}): ${consequence}`,
      { cause: error, mayCount },
    );
  }
}

/**
 * What a state file says.
 *
 * @param content undefined: there is none
 * @throws CodedError `failed-precondition` where it is damaged or of another kind
 */
export function recordsOfStateFile(path: string, content: Buffer | undefined, logger: Logger): readonly LedgerRecord[] {
  if (content === undefined) return [];
  if (content.length === 0) {
    logger.warn(
      `the state file ${path} is empty: counting begins from what the catalog says; where it was not made empty on purpose, restore it from a copy`,
      { file: path },
    );
    return [];
  }
  const { records, warning } =
    versionOf(path, content) === 1 ? decodeStateFileV1(path, content.toString("utf8")) : decodeStateFile(path, content);
  if (warning !== undefined) logger.warn(warning, { file: path });
  return records;
}
