import type { QueuedEvent } from "../../domain/outbox/event-queue.js";
import type { AcceptedEvent, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { recordsOf, writeKeys } from "./compact-segments.js";
import { EventReader, type ReadSegment } from "./event-reader.js";
import type { KeyMemory } from "./key-memory.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { fileName } from "./outbox-file-header.js";
import type { SayAnew } from "./outbox-log.js";
import { keysOf } from "./replay-file.js";
import type { WrittenFiles } from "./written-files.js";

const EVENTS_OF_A_RECORD = 500;

export interface StateToSay {
  readonly disk: OutboxDisk;
  readonly files: WrittenFiles;
  readonly outboxId: string;
  readonly state: OutboxState;
  readonly keys: KeyMemory;
  /** By how much the wall clock is ahead of the time by which keys are kept, milliseconds: files have the wall clock's. */
  readonly wallAheadMs: () => number;
  readonly readSegment: ReadSegment;
  readonly pause: () => Promise<void>;
  /** Resolves once no file is being replaced. */
  readonly idle: () => Promise<void>;
  readonly onDone: (lostEvents: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Writes what is in memory again, and what events that wait say as far as it can be read, and then removes all files
 * from before. At every point between, a start finds the one or the other.
 */
export class StateSaidAnew implements SayAnew {
  readonly #parts: StateToSay;
  #keysFile = "";
  #positions = new Map<number, number>();

  constructor(parts: StateToSay) {
    this.#parts = parts;
  }

  async before(segment: number, waiting: readonly OutboxRecord[]): Promise<void> {
    const { disk, files, outboxId, keys, wallAheadMs, pause, idle } = this.#parts;
    await idle();
    this.#positions = new Map();
    this.#keysFile = fileName("keys", segment);
    const notWritten: Parameters<KeyMemory["list"]>[0][number][] = [];
    for (const record of waiting) keysOf(record, (digest) => notWritten.push(digest));
    await writeKeys(disk, files, outboxId, segment, keys.list(notWritten, wallAheadMs()), pause);
  }

  *records(): Iterable<OutboxRecord> {
    const { state, outboxId } = this.#parts;
    yield { type: "said-anew" };
    let totals: OutboxRecord | undefined;
    for (const record of recordsOf(state, outboxId)) {
      if (record.type === "totals") totals = record;
      else yield record;
    }
    const reader = new EventReader(cached(this.#parts.readSegment));
    let lost = 0;
    const batches = [...state.eventBatches.values()].sort((a, b) => idOf(a.events[0]) - idOf(b.events[0]));
    for (const { id, events, acceptedAt, triedAt } of batches) {
      let lastId = 0;
      const waiting = events.map((event) => ({ ...event, acceptedAt }));
      for (const record of recordsOfEvents(waiting, reader)) {
        if (typeof record === "number") {
          lost += record;
          continue;
        }
        yield record;
        lastId = record.firstId + record.events.length - 1;
      }
      if (lastId === 0) continue;
      yield { type: "event-batch", id, firstId: idOf(events[0]), lastId, at: triedAt ?? acceptedAt };
      if (triedAt === undefined) yield { type: "not-arrived", ids: [id] };
    }
    for (const record of recordsOfEvents(state.events.all(), reader)) {
      if (typeof record === "number") lost += record;
      else yield record;
    }
    if (totals?.type === "totals")
      yield { ...totals, totals: { ...totals.totals, accepted: totals.totals.accepted - lost } };
  }

  placed(record: OutboxRecord, position: number): void {
    if (record.type !== "events-accepted") return;
    for (let i = 0; i < record.events.length; i++) this.#positions.set(record.firstId + i, position);
  }

  done(segment: string): void {
    const { disk, files, state, onDone, onFailed } = this.#parts;
    const lost = state.moveEvents(this.#positions);
    this.#positions = new Map();
    try {
      for (const name of files.names) {
        if (name === segment || name === this.#keysFile) continue;
        disk.remove(name);
        files.forget(name);
      }
    } catch (error) {
      onFailed(error);
      return;
    }
    onDone(lost);
  }

  failed(error: unknown): void {
    this.#parts.onFailed(error);
  }
}

type EventsAccepted = Extract<OutboxRecord, { type: "events-accepted" }>;

/** Those that can be read, in runs of ids without a gap; in place of others how many they are. */
function* recordsOfEvents(
  events: Iterable<QueuedEvent & { readonly acceptedAt: number }>,
  reader: EventReader,
): Iterable<EventsAccepted | number> {
  let run: { readonly firstId: number; readonly at: number; readonly events: AcceptedEvent[] } | undefined;
  const record = ({ firstId, at, events: said }: NonNullable<typeof run>): EventsAccepted => ({
    type: "events-accepted",
    at,
    firstId,
    events: said,
    // Their keys are in a file of their own.
    digests: said.map(() => undefined),
  });
  for (const event of events) {
    const said = readOne(event, reader);
    const isNext = run !== undefined && event.id === run.firstId + run.events.length && event.acceptedAt === run.at;
    if (run !== undefined && (said === undefined || !isNext || run.events.length === EVENTS_OF_A_RECORD)) {
      yield record(run);
      run = undefined;
    }
    if (said === undefined) yield 1;
    else if (run === undefined) run = { firstId: event.id, at: event.acceptedAt, events: [said] };
    else run.events.push(said);
  }
  if (run !== undefined) yield record(run);
}

function readOne(event: QueuedEvent, reader: EventReader): AcceptedEvent | undefined {
  try {
    return reader.read([event])[0];
  } catch {
    return undefined;
  }
}

/** The events of one segment lie together: it is read in parts that hold many of them. */
function cached(read: ReadSegment): ReadSegment {
  const partBytes = 256 * 1024;
  let part: { number: number; from: number; bytes: Buffer } = { number: -1, from: 0, bytes: Buffer.alloc(0) };
  return (number, position, length) => {
    const from = position - part.from;
    if (number === part.number && from >= 0 && from + length <= part.bytes.length)
      return part.bytes.subarray(from, from + length);
    part = { number, from: position, bytes: read(number, position, Math.max(length, partBytes)) };
    return part.bytes.subarray(0, length);
  };
}

function idOf(event: QueuedEvent | undefined): number {
  return event?.id ?? 0;
}
