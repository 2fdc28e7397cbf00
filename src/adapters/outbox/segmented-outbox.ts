import { randomUUID } from "node:crypto";
import { CodedError } from "../../domain/errors.js";
import type { QueuedEvent } from "../../domain/outbox/event-queue.js";
import type { AcceptedEvent, KeyDigest, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import type { Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { Durability, Outbox, Written } from "../../ports/outbox.js";
import { SteadyTime } from "../../ports/steady-time.js";
import type { DependencyState } from "../../ports/telemetry.js";
import { ChangedFile, compactSegments } from "./compact-segments.js";
import { EventReader, type ReadSegment } from "./event-reader.js";
import { digestOfEvent, digestOfUsage, KeyMemory } from "./key-memory.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { fileName, numbersOf } from "./outbox-file-header.js";
import { OutboxLog, POSITION_BASE, TAKEN_OVER } from "./outbox-log.js";
import { readOutbox } from "./read-outbox.js";
import { keysOf } from "./replay-file.js";
import { StateSaidAnew } from "./say-anew.js";
import { giveReserve, keepReserve, tidyFiles } from "./tidy-files.js";
import { WrittenFiles } from "./written-files.js";

export interface OutboxOptions {
  readonly durability: Durability;
  readonly maxBytes: number;
  /** How long a caller's key is known again, milliseconds. */
  readonly keepKeysMs: number;
  /** After how many bytes a new segment begins, and how many are left behind at once. */
  readonly segmentBytes: number;
  readonly compactBytes: number;
  readonly soon: (callback: () => void) => void;
  /** Whether no other process has the directory by now; not given: none can. Throws the system's own error where it is gone. */
  readonly isLocked?: () => boolean;
}

export const OUTBOX_DEFAULTS = {
  keepKeysMs: 25 * 3_600_000,
  segmentBytes: 16 * 1024 * 1024,
  compactBytes: 32 * 1024 * 1024,
  soon: (callback: () => void) => void setImmediate(callback),
} as const;

/** How much of what the files say is read back at once: all of what most outboxes have. */
const VERIFIED_BYTES = 4 * 1024 * 1024;

/** Segments are left behind once they are so many times what is still needed of them. */
const COMPACT_GROWTH = 4;
/** Or half of what it may take beside that, and never before this part of all, which is the longest segment too. */
const SMALLEST_PART = 16;

/** An outbox in a directory: segments that are only appended to, and from time to time replaced by what they came to. */
export class SegmentedOutbox implements Outbox {
  readonly id: string;
  readonly state: OutboxState;
  readonly maxBytes: number;
  readonly digestOfUsage = digestOfUsage;
  readonly digestOfEvent = digestOfEvent;
  readonly #options: OutboxOptions;
  readonly #disk: OutboxDisk;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #outage: OutageLog;
  readonly #keys: KeyMemory;
  readonly #events: EventReader;
  readonly #log: OutboxLog;
  /** A clock that is set must not have keys forgotten. */
  readonly #time: SteadyTime;
  readonly #openedAt: number;
  readonly #files: WrittenFiles;
  readonly #damage: OutageLog;
  #damagedRecords: number;
  #rewrites = 0;
  #isDamaged = false;
  #verification: Promise<void> | undefined;
  #bytes = 0;
  #checkpoint = 0;
  #checkpointBytes = 0;
  #compaction: Promise<void> | undefined;
  #isClosed = false;

  /**
   * @param state where it is seen whether it can be written to
   * @throws CodedError `failed-precondition` where it cannot be used; Error the system's own
   */
  constructor(disk: OutboxDisk, options: OutboxOptions, clock: Clock, logger: Logger, state?: DependencyState) {
    this.#disk = disk;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger, state);
    this.#keys = new KeyMemory(options.keepKeysMs);
    this.#time = new SteadyTime(clock);
    this.#time.start();
    this.#openedAt = clock.now();
    const content = readOutbox(disk, (digest, at) => this.#keys.remember(digest, at));
    this.id = content.id ?? randomUUID();
    this.state = content.state;
    this.maxBytes = options.maxBytes;
    this.#damagedRecords = content.damagedRecords;
    this.#bytes = tidyFiles(disk, content, logger);
    this.#checkpoint = content.checkpoint;
    if (this.#checkpoint > 0) this.#checkpointBytes = disk.size(fileName("checkpoint", this.#checkpoint));
    keepReserve(disk, logger);
    // Its directory was written to: it may be long until there is a report.
    state?.set(true);
    const pause = () => new Promise<void>((resolve) => options.soon(resolve));
    this.#damage = new OutageLog(logger, state);
    this.#files = new WrittenFiles(disk, content.files, pause);
    const readSegment: ReadSegment = (...part) => this.#log.readAt(...part);
    this.#events = new EventReader(readSegment);
    this.#log = new OutboxLog({
      disk,
      state: this.state,
      outboxId: this.id,
      durability: options.durability,
      firstSegment: content.lastNumber + 1,
      previousEnd: content.lastEnd,
      segmentBytes: Math.min(options.segmentBytes, options.maxBytes / SMALLEST_PART),
      soon: options.soon,
      isLocked: () => options.isLocked?.() !== false,
      onWritten: (bytes) => {
        this.#bytes += bytes;
        if (!this.#isDamaged) this.#outage.works("the outbox is written to again");
      },
      onFailed: (error) =>
        this.#outage.lost("error", "the outbox cannot be written to: reports are refused", { error }),
      files: this.#files,
      onDamaged: (file) => this.#foundChanged(file),
      sayAnew: new StateSaidAnew({
        disk,
        files: this.#files,
        outboxId: this.id,
        state: this.state,
        keys: this.#keys,
        wallAheadMs: () => clock.now() - this.#openedAt - this.#time.now(),
        readSegment,
        pause,
        idle: () => this.idle(),
        onDone: (lostEvents) => this.#saidAnew(lostEvents),
        onFailed: (error) =>
          this.#damage.lost(
            "error",
            "the outbox cannot be written anew for now, which is tried again: what waits in the file that was changed is delivered by this process, and is lost with it",
            { error },
          ),
      }),
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get damagedRecords(): number {
    return this.#damagedRecords;
  }

  get rewrites(): number {
    return this.#rewrites;
  }

  accept(record: Extract<OutboxRecord, { type: "usage-accepted" | "events-accepted" }>, written: Written): void {
    if (this.#bytes + this.#log.waitingBytes >= this.maxBytes) {
      this.#compactIfWorthIt();
      written(
        new CodedError(
          "resource-exhausted",
          `the outbox has the ${this.maxBytes} bytes that USAGE_OUTBOX_MAX_BYTES allows: the usage is not counted; report it again once upstream takes what waits`,
        ),
      );
      return;
    }
    const now = this.#openedAt + this.#time.now();
    const forget = () => keysOf(record, (digest) => this.#keys.forget(digest));
    keysOf(record, (digest) => this.#keys.remember(digest, now));
    try {
      this.#log.append(record, (error) => {
        if (error !== undefined) forget();
        this.#compactIfWorthIt();
        written(error);
      });
    } catch (error) {
      forget();
      throw error;
    }
  }

  note(record: OutboxRecord, written: Written): void {
    this.#log.append(record, (error) => {
      if (error?.code === "resource-exhausted" && !this.#isClosed && giveReserve(this.#disk))
        this.#log.append(record, written);
      else written(error);
    });
  }

  afterWrites(written: Written): void {
    this.#log.append(undefined, written);
  }

  find(digest: KeyDigest): "unknown" | "same" | "other" {
    return this.#keys.find(digest, this.#openedAt + this.#time.now());
  }

  readEvents(events: readonly QueuedEvent[]): readonly AcceptedEvent[] {
    return this.#events.read(events);
  }

  /** Resolves once what was left behind before is. */
  async idle(): Promise<void> {
    await this.#compaction;
  }

  /**
   * Looks whether the files are as they were written: all are there and long enough, and a part of what they say.
   * Where one is not, all that is known is written anew. Resolves after that; never rejects.
   *
   * @param bytes how much of what they say is read
   */
  verify(bytes = VERIFIED_BYTES): Promise<void> {
    if (this.#isClosed || this.#compaction !== undefined) return Promise.resolve();
    return (this.#verification ??= this.#verify(bytes).finally(() => (this.#verification = undefined)));
  }

  async #verify(bytes: number): Promise<void> {
    try {
      const changed = this.#files.findShort() ?? (await this.#files.findChanged(bytes));
      if (changed !== undefined) this.#foundChanged(changed);
    } catch (error) {
      this.#logger.debug("the files of the outbox could not be looked at; that is tried again", { error });
    }
    if (this.#isDamaged) await new Promise<void>((resolve) => this.#log.sayAnew(resolve));
  }

  #foundChanged(file: string): void {
    this.#isDamaged = true;
    this.#damage.lost(
      "error",
      "a file of the outbox was removed, cut or changed by another program, or by the disk, while it is in use: what waits is written anew from memory",
      { file, reason: file },
    );
  }

  #saidAnew(lostEvents: number): void {
    this.#isDamaged = false;
    this.#rewrites++;
    this.#checkpoint = 0;
    this.#checkpointBytes = 0;
    this.#bytes = this.#bytesOfSegments();
    keepReserve(this.#disk, this.#logger);
    if (lostEvents > 0) {
      this.#damagedRecords += lostEvents;
      this.#logger.error(
        "events that were accepted could only be read from the file that was changed: they are lost, and no longer among what was accepted",
        { events: lostEvents },
      );
    }
    this.#damage.recovered("the outbox is written anew from memory: what waits is on disk again");
  }

  #bytesOfSegments(): number {
    const numbers = numbersOf("segment", this.#disk.names());
    return numbers.reduce((sum, number) => sum + this.#disk.size(fileName("segment", number)), 0);
  }

  async close(): Promise<void> {
    await this.#compaction;
    await this.#verification;
    await this.verify(Infinity);
    this.#isClosed = true;
    this.#time.stop();
    if (this.#log.isSegmentOpen)
      await new Promise<void>((resolve) => this.#log.append({ type: "closed" }, () => resolve()));
    await this.#log.close();
    await this.#compaction;
  }

  #compactIfWorthIt(): void {
    if (this.#compaction !== undefined || this.#isClosed || this.#isDamaged) return;
    if (this.#bytes - this.#checkpointBytes < this.#worthCompacting()) return;
    const upTo = Math.min(this.#log.completeSegment, this.#firstSegmentOfEvents() - 1);
    if (upTo <= this.#checkpoint) return;
    this.#compaction = this.#compact(upTo).finally(() => (this.#compaction = undefined));
  }

  /** How many bytes of segments. Where little is left to take, less: what was delivered must not keep out what comes. */
  #worthCompacting(): number {
    const needed = this.#checkpointBytes;
    const { compactBytes } = this.#options;
    const left = Math.max(this.maxBytes / SMALLEST_PART, (this.maxBytes - needed) / 2);
    return Math.min(Math.max(compactBytes, needed * COMPACT_GROWTH), left);
  }

  async #compact(upTo: number): Promise<void> {
    const keysSince = this.#clock.now() - this.#options.keepKeysMs;
    try {
      if (this.#options.isLocked?.() === false) throw new Error(TAKEN_OVER);
      await compactSegments({
        disk: this.#disk,
        outboxId: this.id,
        upTo,
        keysSince,
        files: this.#files,
        pause: () => new Promise((resolve) => this.#options.soon(resolve)),
      });
      this.#checkpoint = upTo;
      this.#keys.expire(this.#openedAt + this.#time.now());
      this.#removeOldKeys(keysSince);
      this.#checkpointBytes = this.#disk.size(fileName("checkpoint", upTo));
      this.#bytes = this.#checkpointBytes + this.#bytesOfSegments();
      keepReserve(this.#disk, this.#logger);
    } catch (error) {
      if (error instanceof ChangedFile) {
        this.#foundChanged(error.file);
        // It waits for this to end.
        this.#log.sayAnew(() => undefined);
        return;
      }
      this.#logger.warn("the outbox could not be made smaller; it is tried again when more is written", { error });
    }
  }

  #removeOldKeys(since: number): void {
    for (const number of numbersOf("keys", this.#disk.names())) {
      const name = fileName("keys", number);
      const size = this.#disk.size(name);
      // The keys are in the order of their acceptance, and the last one is before the checksum.
      const end = size < 8 ? undefined : this.#disk.readAt(name, size - 8, 4);
      const newest = end?.length === 4 ? end.readUInt32LE(0) * 1_000 : 0;
      if (newest >= since) continue;
      this.#files.forget(name);
      this.#disk.remove(name);
    }
  }

  #firstSegmentOfEvents(): number {
    let first = this.state.events.firstPosition ?? Infinity;
    for (const { events } of this.state.eventBatches.values())
      for (const { position, event } of events) if (event === undefined) first = Math.min(first, position);
    return Math.floor(first / POSITION_BASE);
  }
}
