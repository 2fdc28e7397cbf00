import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CodedError } from "../../domain/errors.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import type { SnapshotStates } from "../../ports/cache-store.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { DependencyState } from "../../ports/telemetry.js";
import { loadKernelLock } from "../files/kernel-lock.js";
import { placeOfFile } from "../files/place-of-file.js";
import { blockOf } from "./block-format.js";
import { readBlocks } from "./read-blocks.js";

export interface SnapshotFileParts {
  readonly file: string;
  /** Tells environments apart: states of one are not read for another. Eight bytes. */
  readonly environment: Buffer;
  readonly states: SnapshotStates;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where it is seen whether states are kept. */
  readonly state?: DependencyState | undefined;
}

/** What was read at the start. */
export interface LoadedSnapshot {
  readonly subjects: number;
  readonly damaged: number;
}

/** A file that blocks are appended to. */
interface Target {
  readonly file: FileHandle;
  nextIndex: number;
  end: number;
}

/** How soon changes are written, milliseconds. */
const WRITE_AFTER_MS = 200;
/** How many subjects go into one block: a slice of work that nobody notices. */
const SLICE = 250;
/** The file is written anew once what was appended is as long as what it began with, and so much, bytes. */
const MIN_APPENDED = 32 * 1024 * 1024;

/**
 * Cached states in a file that outlives the process: blocks of states, of which the later one counts. Changes are appended
 * 200 ms later, so that a process that is killed loses next to nothing; now and then the file is written anew beside
 * the old one, and takes its name once it is complete.
 */
export class SnapshotFile {
  readonly #parts: SnapshotFileParts;
  readonly #outage: OutageLog;
  /** Of the file; undefined: not known, and so nothing can be written. */
  #place: string | undefined;
  #target: Target | undefined;
  #baseBytes = 0;
  #changed = new SubjectMap<Subject>();
  /** While the file is written anew: what changed since that began. */
  #changedSince: Map<string, Map<string | undefined, Subject>> | undefined;
  #order: Subject[] = [];
  #writing: Promise<void> | undefined;
  #cancelTimer: CancelTimer | undefined;
  #isClosed = false;
  #needsRewrite = false;
  #lock: FileHandle | undefined;

  constructor(parts: SnapshotFileParts) {
    this.#parts = parts;
    this.#outage = new OutageLog(parts.logger, parts.state);
  }

  /** Reads what there is, and from then on writes what changes. Never fails: what cannot be read is reported, and is as if it were not there. */
  async load(): Promise<LoadedSnapshot> {
    const { environment, states, logger, state } = this.#parts;
    let { file } = this.#parts;
    let subjects = 0;
    let damaged = 0;
    try {
      this.#place = file = await placeOfFile(file);
      this.#lock = await open(`${file}.lock`, "a", 0o600);
      const isOwn = loadKernelLock()(this.#lock.fd) !== "taken";
      const opened = await openOrCreate(file);
      const target: Target = { file: opened, nextIndex: 0, end: 0 };
      this.#target = target;
      const read = await readBlocks(opened, environment, async (content) => {
        try {
          subjects += states.restore(content);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          return false;
        }
        await nextTurn();
        return true;
      });
      ({ damaged } = read);
      if (read.isOfAnotherProgram) {
        logger.warn(
          "SNAPSHOT_FILE is another program's, no snapshot: it is left as it is, and states are not kept; name another file, or remove it",
          { file },
        );
        this.#isClosed = true;
        state?.set(false, "SNAPSHOT_FILE is no snapshot");
        return { subjects, damaged };
      }
      target.nextIndex = read.nextIndex;
      target.end = this.#baseBytes = read.end;
      if (read.isOfAnotherVersion)
        logger.warn("the snapshot is of another version of this program: it is not read, and written anew", { file });
      else if (read.isOfAnotherEnvironment)
        logger.warn(
          "the snapshot has states of another environment (another API key, API or Redis prefix): they are not read, and it is written anew",
          { file },
        );
      else if (damaged > 0)
        logger.warn(
          "the snapshot is damaged, or its end is torn: what its sound blocks say is used, and it is written anew",
          { file, damagedBlocks: damaged, subjects },
        );
      this.#needsRewrite = damaged > 0 || read.isOfAnotherVersion || read.isOfAnotherEnvironment;
      logger.info("the snapshot was read", { file, subjects });
      if (!isOwn) {
        logger.warn(
          "another process writes to the snapshot: it was read, and is not written by this one; give each process a SNAPSHOT_FILE of its own",
          { file },
        );
        this.#isClosed = true;
        state?.set(false, "another process writes to the snapshot");
        return { subjects, damaged };
      }
      state?.set(true);
    } catch (error) {
      this.#outage.lost(
        "warn",
        "the snapshot cannot be read: correct SNAPSHOT_FILE or its permissions; states are not kept until then",
        { file, error },
      );
    }
    states.onChange((subject) => this.#noticed(subject));
    if (this.#needsRewrite) this.#writeLater();
    return { subjects, damaged };
  }

  /** Resolves once what has changed so far is written, or could not be. */
  async written(): Promise<void> {
    await this.#writing;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#startWriting();
    await this.#writing;
  }

  /** Writes what is not written yet, and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing;
    if (this.#order.length > 0) await this.#append();
    await this.#target?.file.sync().catch(ignore);
    await this.#target?.file.close().catch(ignore);
    await this.#lock?.close().catch(ignore);
    this.#target = undefined;
  }

  #noticed(subject: Subject): void {
    if (this.#changedSince !== undefined) {
      let ofCustomer = this.#changedSince.get(subject.customerId);
      if (ofCustomer === undefined)
        this.#changedSince.set(subject.customerId, (ofCustomer = new Map<string | undefined, Subject>()));
      ofCustomer.set(subject.resourceId, subject);
    }
    if (this.#changed.get(subject) !== undefined) return;
    this.#changed.set(subject, subject);
    this.#order.push(subject);
    this.#writeLater();
  }

  #writeLater(): void {
    if (this.#isClosed || this.#cancelTimer !== undefined || this.#writing !== undefined) return;
    this.#cancelTimer = this.#parts.clock.after(WRITE_AFTER_MS, () => {
      this.#cancelTimer = undefined;
      this.#startWriting();
    });
  }

  #startWriting(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#order.length > 0) this.#writeLater();
    });
  }

  async #write(): Promise<void> {
    await this.#append();
    if (!(await this.#isInPlace())) this.#needsRewrite = true;
    const appended = (this.#target?.end ?? 0) - this.#baseBytes;
    if (this.#needsRewrite || appended > Math.max(MIN_APPENDED, this.#baseBytes)) await this.#rewrite();
  }

  async #append(): Promise<void> {
    const subjects = this.#order;
    this.#order = [];
    this.#changed = new SubjectMap();
    try {
      this.#target ??= await targetAt(await this.#findPlace());
      for (let from = 0; from < subjects.length; from += SLICE) {
        await this.#writeBlock(this.#target, subjects.slice(from, from + SLICE));
        await nextTurn();
      }
      if (this.#outage.isLost && !this.#needsRewrite) this.#outage.recovered("the snapshot is written again");
    } catch (error) {
      // What is missing in it is in the cache: it is written anew, once that works.
      this.#needsRewrite = true;
      this.#outage.lost("warn", "the snapshot cannot be written: states are not kept until it can", {
        file: this.#parts.file,
        error,
      });
      if (!this.#isClosed) for (const subject of subjects) this.#noticed(subject);
    }
  }

  /** What is written to a file without a name goes with the process. */
  async #isInPlace(): Promise<boolean> {
    if (this.#place === undefined || this.#target === undefined) return true;
    const there = await stat(this.#place).catch(ignore);
    return there?.ino === (await this.#target.file.stat()).ino;
  }

  /** What lies there may be replaced by a file meanwhile. */
  async #findPlace(): Promise<string> {
    return (this.#place ??= await placeOfFile(this.#parts.file));
  }

  async #writeBlock(target: Target, subjects: readonly Subject[]): Promise<void> {
    const block = blockOf(this.#parts.environment, target.nextIndex, this.#parts.states.encode(subjects));
    await writeAll(target.file, block, target.end);
    target.nextIndex++;
    target.end += block.length;
  }

  async #rewrite(): Promise<void> {
    const { states, logger } = this.#parts;
    let { file } = this.#parts;
    let beside: string | undefined;
    this.#changedSince = new Map();
    const before = this.#target;
    let next: Target | undefined;
    try {
      file = await this.#findPlace();
      beside = `${file}.new`;
      next = { file: await open(beside, "w", 0o600), nextIndex: 0, end: 0 };
      for (const slice of states.subjects()) {
        if (this.#isClosed) throw new CodedError("cancelled", "closing");
        await this.#writeBlock(next, slice);
        // The old file still counts: what changes goes on being written there.
        if (this.#order.length > 0) await this.#append();
        await nextTurn();
      }
      while (this.#changedSince.size > 0) {
        const changed: readonly Subject[] = [...this.#changedSince.values()].flatMap((ofCustomer) => [
          ...ofCustomer.values(),
        ]);
        this.#changedSince = new Map();
        for (let from = 0; from < changed.length; from += SLICE)
          await this.#writeBlock(next, changed.slice(from, from + SLICE));
      }
      await next.file.sync();
      await rename(beside, file);
      await syncFolder(file);
      this.#target = next;
      this.#baseBytes = next.end;
      this.#needsRewrite = false;
      await before?.file.close().catch(ignore);
      if (this.#outage.isLost) this.#outage.recovered("the snapshot is written again");
    } catch (error) {
      await next?.file.close().catch(ignore);
      if (beside !== undefined) await rm(beside, { force: true }).catch(ignore);
      if (!this.#isClosed)
        this.#outage.lost("warn", "the snapshot cannot be written anew: it goes on growing until it can", {
          file,
          error,
        });
      else logger.debug("the snapshot was not written anew before the end", { file });
    } finally {
      this.#changedSince = undefined;
    }
  }
}

async function openOrCreate(file: string): Promise<FileHandle> {
  try {
    return await open(file, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return open(file, "wx+", 0o600);
  }
}

/** For what could not be opened before: what is in it is written over once the file is written anew. */
async function targetAt(file: string): Promise<Target> {
  const opened = await openOrCreate(file);
  return { file: opened, nextIndex: 0, end: (await opened.stat()).size };
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
  }
}

/** So that the new name lasts as well. */
async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(file), "r");
  await folder.sync().catch(ignore);
  await folder.close();
}

function ignore(): void {
  // What could not be done for the file's sake is told by the next try.
}
