import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CodedError } from "../../domain/errors.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import type { SnapshotStates } from "../../ports/cache-store.js";
import { type CancelTimer, type Clock, doubledMs } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { DependencyState } from "../../ports/telemetry.js";
import { placeOfFile } from "../files/place-of-file.js";
import { blockOf } from "./block-format.js";
import {
  closeSnapshot,
  logFindings,
  type OpenedSnapshot,
  openSnapshot,
  openToWrite,
  SnapshotTakenError,
} from "./open-snapshot.js";

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
/** How long what cannot be written is left alone at most, milliseconds. */
const LONGEST_DELAY_MS = 10_000;
/** Of so many subjects it is kept which changed while nothing can be written. */
const MAX_WAITING = 100_000;
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
  /** In a row: what could not be written is tried again ever later. */
  #failures = 0;
  #lock: FileHandle | undefined;

  constructor(parts: SnapshotFileParts) {
    this.#parts = parts;
    this.#outage = new OutageLog(parts.logger, parts.state);
  }

  /** Reads what there is, and from then on writes what changes. Never fails: what cannot be read is reported, and is as if it were not there. */
  async load(): Promise<LoadedSnapshot> {
    const { environment, states, state } = this.#parts;
    let { file } = this.#parts;
    let subjects = 0;
    let damaged = 0;
    try {
      this.#place = file = await placeOfFile(file);
      const opened = await openSnapshot(file, environment, async (content) => {
        try {
          subjects += states.restore(content);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          return false;
        }
        await nextTurn();
        return true;
      });
      ({ damaged } = opened.read);
      await this.#take(opened, file, subjects);
      if (this.#isClosed) return { subjects, damaged };
      if (opened.access === "none")
        this.#outage.lost(
          "warn",
          "the snapshot was read, and cannot be written: give its file and folder to this process's user; states are not kept until then",
          { file, error: opened.why },
        );
      else state?.set(opened.access === "own", "another process writes to the snapshot");
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

  /** Has what was opened written to from here on, or leaves it alone where it is somebody else's. */
  async #take(opened: OpenedSnapshot, file: string, subjects: number): Promise<void> {
    const { file: handle, lock, read, access } = opened;
    const whyNot = logFindings(opened, file, subjects, this.#parts.logger);
    if (whyNot === undefined && access === "own") {
      this.#needsRewrite ||= read.damaged > 0 || read.isOfAnotherVersion || read.isOfAnotherEnvironment;
      this.#baseBytes = read.end;
      this.#target = { file: handle, nextIndex: read.nextIndex, end: read.end };
      this.#lock = lock;
      return;
    }
    await closeSnapshot(opened);
    if (whyNot === undefined) return;
    this.#isClosed = true;
    this.#parts.state?.set(false, whyNot);
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
    if (this.#isClosed && this.#target === undefined) return;
    if (this.#changedSince !== undefined) {
      let ofCustomer = this.#changedSince.get(subject.customerId);
      if (ofCustomer === undefined)
        this.#changedSince.set(subject.customerId, (ofCustomer = new Map<string | undefined, Subject>()));
      ofCustomer.set(subject.resourceId, subject);
    }
    if (this.#changed.get(subject) !== undefined) return;
    // What is too much to be kept until it can be written is written with all the rest then.
    if (this.#failures > 0 && this.#order.length >= MAX_WAITING) this.#forgetChanged();
    this.#changed.set(subject, subject);
    this.#order.push(subject);
    this.#writeLater();
  }

  #writeLater(): void {
    if (this.#isClosed || this.#cancelTimer !== undefined || this.#writing !== undefined) return;
    const delayMs = doubledMs({ firstDelayMs: WRITE_AFTER_MS, longestDelayMs: LONGEST_DELAY_MS }, this.#failures);
    this.#cancelTimer = this.#parts.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#startWriting();
    });
  }

  #startWriting(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#order.length > 0 || this.#failures > 0) this.#writeLater();
    });
  }

  async #write(): Promise<void> {
    await this.#append();
    if (!(await this.#isInPlace())) this.#needsRewrite = true;
    // What cannot be opened may be another program's.
    if (this.#target !== undefined) {
      const appended = this.#target.end - this.#baseBytes;
      if (this.#needsRewrite || appended > Math.max(MIN_APPENDED, this.#baseBytes)) await this.#rewrite();
    }
    this.#failures = this.#needsRewrite ? this.#failures + 1 : 0;
  }

  async #append(): Promise<void> {
    const [subjects, changed] = [this.#order, this.#changed];
    this.#forgetChanged();
    try {
      if (this.#target === undefined) await this.#openLate();
      // It is somebody else's.
      if (this.#target === undefined) return;
      for (let from = 0; from < subjects.length; from += SLICE) {
        await this.#writeBlock(this.#target, subjects.slice(from, from + SLICE));
        await nextTurn();
      }
      if (this.#outage.isLost && !this.#needsRewrite) this.#outage.recovered("the snapshot is written again");
    } catch (error) {
      // What is missing in it is in the cache: it is written anew, once that works.
      this.#needsRewrite = true;
      if (error instanceof SnapshotTakenError) this.#parts.state?.set(false, error.message);
      else
        this.#outage.lost("warn", "the snapshot cannot be written: states are not kept until it can", {
          file: this.#parts.file,
          error,
        });
      const meanwhile = this.#order;
      [this.#order, this.#changed] = [subjects, changed];
      for (const subject of meanwhile) this.#noticed(subject);
    }
  }

  #forgetChanged(): void {
    this.#order = [];
    this.#changed = new SubjectMap();
  }

  /** Opens what could not be opened before, where it is not somebody else's. What is in it says no more than the cache does. */
  async #openLate(): Promise<void> {
    const file = await this.#findPlace();
    await this.#take(await openToWrite(file, this.#parts.environment), file, 0);
    if (this.#target !== undefined) this.#parts.state?.set(true);
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
