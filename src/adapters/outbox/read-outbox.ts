import { crc32 } from "node:zlib";
import { CodedError } from "../../domain/errors.js";
import type { OutboxRecord } from "../../domain/outbox/outbox-record.js";
import { OutboxState } from "../../domain/outbox/outbox-state.js";
import { decodeKeys } from "./key-memory.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { decodeHeader, fileName, HEADER_BYTES, numbersOf } from "./outbox-file-header.js";
import { EVENTS_OF_A_BATCH, type OnKey, replayFile } from "./replay-file.js";
import type { FileContent } from "./written-files.js";

const MAX_TRIES = 5;

/** What the files of an outbox say. */
export interface OutboxContent {
  /** Undefined: there is no file yet. */
  readonly id: string | undefined;
  readonly state: OutboxState;
  /** The highest number that a file has, and where a segment of that number ends, bytes. */
  readonly lastNumber: number;
  readonly lastEnd: number;
  /** Whether the last segment was complete when its process ended. */
  readonly isClosed: boolean;
  readonly checkpoint: number;
  /** Segments in use, with their sizes. */
  readonly segments: ReadonlyMap<number, number>;
  /** The segment that says anew what all before it came to; 0: none does. */
  readonly saidAnewAt: number;
  /** Of every file in use, what it is like where it is whole. */
  readonly files: ReadonlyMap<string, FileContent>;
  readonly damagedRecords: number;
  /** What an operator has to know of the files, as sentences. */
  readonly findings: readonly string[];
  /** Files whose end was still being written, with where they are whole. */
  readonly torn: ReadonlyMap<string, number>;
}

/**
 * Reads an outbox, also one that another process writes to. Changes nothing.
 *
 * @throws CodedError `failed-precondition` where a file is none of an outbox, or of another one
 */
export function readOutbox(disk: OutboxDisk, onKey: OnKey = () => undefined): OutboxContent {
  for (let tries = 1; ; tries++) {
    const { vanished, ...content } = readOnce(disk, onKey);
    // What the process that has it left behind meanwhile is in another file by now.
    if (vanished === 0 || tries === MAX_TRIES) return content;
  }
}

function readOnce(disk: OutboxDisk, onKey: OnKey): OutboxContent & { readonly vanished: number } {
  let vanished = 0;
  const names = disk.names();
  const state = new OutboxState();
  const findings: string[] = [];
  const torn = new Map<string, number>();
  const segments = new Map<number, number>();
  let id: string | undefined;
  let damagedRecords = 0;
  let lastRecord: OutboxRecord | undefined;
  /** Where each segment is whole up to. */
  const ends = new Map<number, number>();

  const files = new Map<string, FileContent>();
  let saidAnewAt = 0;

  let checkpoint = numbersOf("checkpoint", names).at(-1) ?? 0;
  const numbers = numbersOf("segment", names).filter((number) => number > checkpoint);
  const keyNumbers = numbersOf("keys", names);
  for (const number of keyNumbers)
    readFile(fileName("keys", number), (bytes) => {
      keep(fileName("keys", number), bytes);
      if (!decodeKeys(bytes, onKey))
        findings.push(
          `${fileName("keys", number)} is damaged: reports that are sent again under a key in it may count twice`,
        );
    });
  if (checkpoint > 0)
    readFile(fileName("checkpoint", checkpoint), (bytes) => replay(fileName("checkpoint", checkpoint), bytes, 0));
  for (const number of numbers)
    readFile(fileName("segment", number), (bytes) => {
      segments.set(number, bytes.length);
      replay(fileName("segment", number), bytes, number);
    });
  if (checkpoint < saidAnewAt) checkpoint = 0;
  // One whose header is not complete is removed, and its number is free.
  const lastSegment = [...ends.keys()].at(-1) ?? 0;
  const lastNumber = Math.max(0, checkpoint, lastSegment, keyNumbers.at(-1) ?? 0);
  const lastEnd = ends.get(lastNumber) ?? 0;
  const isClosed = lastSegment === 0 || lastRecord?.type === "closed";
  return {
    id,
    state,
    lastNumber,
    lastEnd,
    isClosed,
    checkpoint,
    segments,
    saidAnewAt,
    files,
    damagedRecords,
    findings,
    torn,
    vanished,
  };

  function keep(name: string, bytes: Buffer): void {
    files.set(name, { length: bytes.length, checksum: crc32(bytes) });
  }

  function readFile(name: string, use: (bytes: Buffer) => void): void {
    const bytes = disk.read(name);
    if (bytes === undefined) {
      vanished++;
      return;
    }
    const found = decodeHeader(name, bytes);
    if (found === undefined) {
      torn.set(name, 0);
      return;
    }
    if (found === "") findings.push(`the header of ${name} is damaged; its records are read all the same`);
    else if (id !== undefined && id !== found)
      throw new CodedError(
        "failed-precondition",
        `${name} belongs to another outbox than the files beside it; give each sidecar a USAGE_OUTBOX_DIR of its own`,
      );
    else id = found;
    use(bytes);
  }

  function replay(name: string, bytes: Buffer, number: number): void {
    const { end, damaged } = replayFile(bytes, number, state, onKey, (record) => {
      lastRecord = record;
      if (record.type === "segment-begun") compareWithPrevious(record);
      else if (record.type === "said-anew") forgetBefore(number);
    });
    if (number > 0) ends.set(number, end);
    keep(name, bytes.subarray(0, end));
    if (damaged > 0) {
      damagedRecords += damaged;
      findings.push(
        `${damaged} ${damaged === 1 ? "record" : "records"} of ${name} cannot be read (bits have changed): accepted reports may be among them; what waited at that place is delivered under its key, or listed as in doubt where it is too old for that`,
      );
    }
    if (end < bytes.length && bytes.length > HEADER_BYTES) torn.set(name, end);
  }

  /** What was wrong with files that nothing depends on any more is of no interest. */
  function forgetBefore(number: number): void {
    saidAnewAt = number;
    findings.length = 0;
    damagedRecords = 0;
    torn.clear();
    for (const other of [...segments.keys()]) if (other < number) segments.delete(other);
    for (const name of [...files.keys()]) if (!name.endsWith(".keys")) files.delete(name);
  }

  function compareWithPrevious({ previous, previousEnd }: Extract<OutboxRecord, { type: "segment-begun" }>): void {
    if (previous <= checkpoint || previousEnd === 0) return;
    const end = ends.get(previous);
    if (end !== undefined && end >= previousEnd) return;
    damagedRecords++;
    state.suspectAll(EVENTS_OF_A_BATCH);
    const name = fileName("segment", previous);
    const what =
      end === undefined ? `${name} is not there` : `${name} was cut: it ends at ${end} of ${previousEnd} bytes`;
    findings.push(
      `${what}. Reports that were accepted may be missing with it: restore it from a copy before the sidecar is started again; what waited at that place is delivered under its key, or listed as in doubt where it is too old for that`,
    );
  }
}
