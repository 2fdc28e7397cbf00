import { CodedError } from "../../domain/errors.js";
import type { OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import type { Durability, Written } from "../../ports/outbox.js";
import { hasNoRoom, type OutboxDisk, type OutboxFile } from "./outbox-disk.js";
import { encodeHeader, fileName } from "./outbox-file-header.js";
import { RecordBuffer } from "./record-buffer.js";
import { encodeRecord } from "./record-codec.js";
import type { WrittenFiles } from "./written-files.js";

/** A position in the log: the number of the segment times this, and the byte in it. */
export const POSITION_BASE = 2 ** 32;

export interface OutboxLogOptions {
  readonly disk: OutboxDisk;
  readonly state: OutboxState;
  readonly outboxId: string;
  readonly durability: Durability;
  /** The number of the first segment that it writes, and where the file before that ends. */
  readonly firstSegment: number;
  readonly previousEnd: number;
  /** After how many bytes a new segment begins. */
  readonly segmentBytes: number;
  /** Calls back in a later phase of the event loop: what is given until then is one write. */
  readonly soon: (callback: () => void) => void;
  /** Whether no other process has the directory by now: asked before a file is begun there. */
  readonly isLocked: () => boolean;
  readonly onWritten: (bytes: number) => void;
  readonly onFailed: (error: unknown) => void;
  readonly files: WrittenFiles;
  /** Somebody else has removed, renamed or cut the file that is being written. */
  readonly onDamaged: (name: string) => void;
  readonly sayAnew: SayAnew;
}

/** How all that is known is written again, in place of files that somebody else has changed. */
export interface SayAnew {
  /** Called while nothing else is written, before the segment is begun. @param segment the number of the last one */
  before(segment: number, waiting: readonly OutboxRecord[]): Promise<void>;
  /** What the records so far came to, for which they are void. */
  records(): Iterable<OutboxRecord>;
  /** Where each is going to be. */
  placed(record: OutboxRecord, position: number): void;
  /** They are safe. @param name of the segment */
  done(name: string): void;
  failed(error: unknown): void;
}

/** Why nothing is written any more. */
export const TAKEN_OVER =
  "another process has the outbox, whose directory was emptied or made anew while this one runs: give each a directory of its own";

/** How much of what is said anew is written at once, bytes. */
const PART_BYTES = 64 * 1024;

interface Appended {
  readonly bytes: number;
  readonly records: number;
}

interface Waiting {
  readonly record: OutboxRecord | undefined;
  readonly offset: number;
  readonly written: Written;
}

/**
 * Appends records to segments, those of one turn of the event loop with one write and one sync, and applies them once
 * they are safe: in the order of the log, so that reading it again comes to the same state. A group that cannot be
 * written is cut off again, and none of it was.
 */
export class OutboxLog {
  readonly #options: OutboxLogOptions;
  #buffer = new RecordBuffer();
  #spare = new RecordBuffer();
  #waiting: Waiting[] = [];
  #segment: number;
  #file: OutboxFile | undefined;
  #end = 0;
  #records = 0;
  #isScheduled = false;
  #isWriting = false;
  #isToSayAnew = false;
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: OutboxLogOptions) {
    this.#options = options;
    this.#segment = options.firstSegment - 1;
    this.#end = options.previousEnd;
  }

  /** The number of the last segment to which nothing is added any more. */
  get completeSegment(): number {
    return this.#file === undefined ? this.#segment : this.#segment - 1;
  }

  /** Whether a segment was begun that is not complete. */
  get isSegmentOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Bytes that wait to be written. */
  get waitingBytes(): number {
    return this.#buffer.length;
  }

  /** @param record undefined: only once all before it is written */
  append(record: OutboxRecord | undefined, written: Written): void {
    if (this.#closed !== undefined) {
      written(new CodedError("unavailable", "the outbox is closed: the usage is not counted; report it again"));
      return;
    }
    let offset = 0;
    if (record !== undefined) {
      offset = this.#buffer.begin();
      try {
        encodeRecord(record, this.#buffer);
      } catch (error) {
        this.#buffer.abandon();
        throw error;
      }
      this.#buffer.end();
    }
    this.#waiting.push({ record, offset, written });
    this.#schedule();
  }

  /** Has all that is known written to a new segment, before anything else is. @param done also where it failed */
  sayAnew(done: () => void): void {
    this.#isToSayAnew = true;
    this.append(undefined, done);
  }

  /** A part of a segment, also of the one that is being written where that has lost its name. */
  readAt(number: number, position: number, length: number): Buffer {
    if (number === this.#segment && this.#file !== undefined) return this.#file.readAt(position, length);
    return this.#options.disk.readAt(fileName("segment", number), position, length);
  }

  /** What follows goes into a new segment, so that all before it can be left behind. */
  endSegment(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      const finish = () => {
        this.#file?.close();
        this.#file = undefined;
        resolve();
      };
      if (this.#isWriting || this.#isScheduled) this.#onIdle = finish;
      else finish();
    });
    return this.#closed;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    this.#options.soon(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const group = this.#waiting;
    const buffer = this.#buffer;
    this.#waiting = [];
    this.#buffer = this.#spare;
    this.#spare = buffer;
    this.#isWriting = true;
    // What is written to it is found by nobody after a restart: it would be acknowledged, and lost.
    if (buffer.records > 0 && this.#file?.isIntact(this.#end) === false) {
      this.#options.onDamaged(fileName("segment", this.#segment));
      this.#isToSayAnew = true;
    }
    if (this.#isToSayAnew) void this.#sayAnew(group).then(() => this.#writeGroup(group, buffer));
    else this.#writeGroup(group, buffer);
  }

  #writeGroup(group: readonly Waiting[], buffer: RecordBuffer): void {
    if (buffer.records === 0) {
      this.#finish(group, buffer, 0, undefined);
      return;
    }
    if (this.#file?.isIntact(this.#end) === false) this.endSegment();
    if (this.#file === undefined || this.#end >= this.#options.segmentBytes) {
      this.#begin().then(
        () => this.#write(group, buffer),
        (error: unknown) => this.#finish(group, buffer, 0, this.#failure(error, false)),
      );
    } else this.#write(group, buffer);
  }

  async #begin(): Promise<void> {
    this.endSegment();
    await this.#beginWith(this.#end);
  }

  /**
   * @param previousEnd where the segment before it ends; 0: nothing depends on that any more
   * @param rest writes what belongs into it from its beginning on. @returns how many records and bytes
   */
  async #beginWith(
    previousEnd: number,
    rest?: (file: OutboxFile, number: number, start: number) => Promise<Appended>,
  ): Promise<void> {
    const { disk, files, outboxId, durability, isLocked } = this.#options;
    if (!isLocked()) throw new Error(TAKEN_OVER);
    const names = new Set(disk.names());
    let number = this.#segment + 1;
    // Whoever had the directory meanwhile may have left files of its own there.
    while (names.has(fileName("segment", number))) number++;
    const name = fileName("segment", number);
    const beginning = new RecordBuffer();
    beginning.begin();
    encodeRecord({ type: "segment-begun", previous: this.#segment, previousEnd }, beginning);
    beginning.end();
    const bytes = Buffer.concat([encodeHeader(outboxId), beginning.finish(0)]);
    const file = disk.create(name);
    let appended: Appended | undefined;
    try {
      file.write(bytes, 0);
      files.grow(name, bytes);
      appended = await rest?.(file, number, bytes.length);
      if (durability === "power") {
        await file.sync();
        await disk.sync();
      }
    } catch (error) {
      file.close();
      files.forget(name);
      // The next try is under the same number: a full disk must not fill up with the beginnings of files.
      disk.remove(name);
      throw error;
    }
    this.endSegment();
    this.#segment = number;
    this.#file = file;
    this.#end = bytes.length + (appended?.bytes ?? 0);
    this.#records = 1 + (appended?.records ?? 0);
    this.#options.onWritten(this.#end);
  }

  async #sayAnew(group: readonly Waiting[]): Promise<void> {
    const { sayAnew, soon, isLocked } = this.#options;
    this.#isToSayAnew = false;
    try {
      if (!isLocked()) throw new Error(TAKEN_OVER);
      const waiting = [...group, ...this.#waiting].map(({ record }) => record).filter((record) => record !== undefined);
      await sayAnew.before(this.#segment, waiting);
      await this.#beginWith(0, async (file, number, start) => {
        const buffer = new RecordBuffer();
        let end = start;
        const flush = (isComplete: boolean) => {
          const part = buffer.finish(1, isComplete);
          file.write(part, end);
          this.#options.files.grow(fileName("segment", number), part);
          end += part.length;
          buffer.nextPart();
        };
        for (const record of sayAnew.records()) {
          const at = buffer.begin();
          encodeRecord(record, buffer);
          buffer.end();
          sayAnew.placed(record, number * POSITION_BASE + end + at);
          if (buffer.length < PART_BYTES || record.type === "totals") continue;
          flush(false);
          await new Promise<void>((resolve) => soon(resolve));
        }
        flush(true);
        return { bytes: end - start, records: buffer.records };
      });
      sayAnew.done(fileName("segment", this.#segment));
      // Whoever asked for it meanwhile did so because of files that are gone by now.
      this.#isToSayAnew = false;
    } catch (error) {
      sayAnew.failed(error);
    }
  }

  #write(group: readonly Waiting[], buffer: RecordBuffer): void {
    const file = this.#file;
    if (file === undefined) return;
    const start = this.#end;
    try {
      file.write(buffer.finish(this.#records), start);
    } catch (error) {
      this.#finish(group, buffer, start, this.#takeBack(file, start, error));
      return;
    }
    if (this.#options.durability === "process") {
      this.#finish(group, buffer, start, undefined);
      return;
    }
    file.sync().then(
      () => this.#finish(group, buffer, start, undefined),
      (error: unknown) => {
        const failure = this.#takeBack(file, start, error);
        // What a failed sync left in the system's memory is not known: from here on a new file is safer.
        this.endSegment();
        this.#finish(group, buffer, start, failure);
      },
    );
  }

  #takeBack(file: OutboxFile, start: number, error: unknown): CodedError {
    try {
      file.truncate(start);
      return this.#failure(error, false);
    } catch {
      this.endSegment();
      return this.#failure(error, true);
    }
  }

  #finish(group: readonly Waiting[], buffer: RecordBuffer, start: number, failure: CodedError | undefined): void {
    const bytes = buffer.length;
    if (failure === undefined && bytes > 0) {
      const base = this.#segment * POSITION_BASE + start;
      this.#end = start + bytes;
      this.#records += buffer.records;
      this.#options.files.grow(fileName("segment", this.#segment), buffer.content);
      this.#options.onWritten(bytes);
      for (const { record, offset } of group)
        if (record !== undefined) this.#options.state.apply(record, base + offset);
    } else if (failure !== undefined) this.#options.onFailed(failure);
    buffer.clear();
    this.#isWriting = false;
    for (const { record, written } of group) written(record === undefined ? undefined : failure);
    if (this.#waiting.length > 0) this.#schedule();
    else this.#onIdle?.();
  }

  #failure(error: unknown, mayCount: boolean): CodedError {
    const { message } = error as NodeJS.ErrnoException;
    const consequence = mayCount
      ? "nor could the part that was written be taken back, so after a restart the usage may count; report it again under the same idempotency key, and it counts once"
      : "the usage is not counted; report it again once that is mended";
    return new CodedError(
      hasNoRoom(error) ? "resource-exhausted" : "unavailable",
      `usage could not be written to the outbox (${message}): ${consequence}`,
      { cause: error },
    );
  }
}
