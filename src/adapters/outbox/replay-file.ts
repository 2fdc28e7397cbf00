import { crc32 } from "node:zlib";
import type { KeyDigest, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { HEADER_BYTES } from "./outbox-file-header.js";
import { POSITION_BASE } from "./outbox-log.js";
import { FRAME_BYTES, LAST_OF_GROUP, MAX_PAYLOAD_BYTES } from "./record-buffer.js";
import { decodeRecord } from "./record-codec.js";

/** In how many requests events of unknown fate are looked at again. */
export const EVENTS_OF_A_BATCH = 1_000;

/** After how many bytes of a file those have their turn who must not be kept waiting for all of it: some tenths of a millisecond. */
const STEP_BYTES = 32 * 1024;

export type OnKey = (digest: KeyDigest, at: number) => void;

export interface Replayed {
  /** Up to where the file is whole, bytes. */
  readonly end: number;
  readonly damaged: number;
}

/**
 * Applies the records of a file to a state. Where some cannot be read, whatever waits at that place may have been tried.
 *
 * @param number of the file
 * @param onRecord called with each before it is applied
 */
export function replayFile(
  bytes: Buffer,
  number: number,
  state: OutboxState,
  onKey: OnKey,
  onRecord: (record: OutboxRecord) => void = () => undefined,
): Replayed {
  const steps = replayInSteps(bytes, number, state, onKey, onRecord);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, between which others may have their turn. */
export function replayInSteps(
  bytes: Buffer,
  number: number,
  state: OutboxState,
  onKey: OnKey,
  onRecord: (record: OutboxRecord) => void = () => undefined,
): Generator<void, Replayed> {
  return readFrames(
    bytes,
    HEADER_BYTES,
    (from, to, at) => {
      const record = decodeRecord(bytes, from, to);
      onRecord(record);
      state.apply(record, number * POSITION_BASE + at);
      keysOf(record, onKey);
    },
    () => state.suspectAll(EVENTS_OF_A_BATCH),
  );
}

export function keysOf(record: OutboxRecord, onKey: OnKey): void {
  if (record.type === "usage-accepted") {
    for (const { digest } of record.items) if (digest !== undefined) onKey(digest, record.at);
  } else if (record.type === "events-accepted") {
    for (const digest of record.digests) if (digest !== undefined) onKey(digest, record.at);
  }
}

interface Frame {
  readonly at: number;
  readonly end: number;
  readonly index: number;
  /** The number of the first record of its group. */
  readonly groupFirst: number;
  readonly isLast: boolean;
}

/** What was found of the records of one file. */
export interface FramesRead {
  /** Up to where the file is whole, bytes: what follows was being written when its writer ended. */
  readonly end: number;
  /** How many records there are up to there. */
  readonly records: number;
  /** Records that had been written and cannot be read. */
  readonly damaged: number;
}

/**
 * Goes through the records of a file, group by group. A group that its writer did not get to the end of is left out, and
 * nothing else is left out without a notice: what was being written can only be at the end.
 *
 * @param from where the first record begins
 * @param onRecord of each, where its payload begins and ends
 * @param onDamage called in the place of what cannot be read
 */
function* readFrames(
  bytes: Buffer,
  from: number,
  onRecord: (from: number, to: number, at: number) => void,
  onDamage: (at: number) => void,
): Generator<void, FramesRead> {
  let at = from;
  let stepEnd = from + STEP_BYTES;
  let next = 0;
  let wholeEnd = from;
  let wholeRecords = 0;
  let damaged = 0;
  let group: Frame[] = [];
  while (at < bytes.length) {
    const frame = frameAt(bytes, at, next);
    if (frame?.index !== next) {
      const found = frame ?? findFrame(bytes, at + 1, next);
      if (found === undefined || isOfLastGroup(bytes, found, next)) break;
      for (const { at: start, end } of group) onRecord(start + FRAME_BYTES, end, start);
      group = [];
      damaged += found.index - next;
      onDamage(at);
      at = found.at;
      next = found.index;
      continue;
    }
    group.push(frame);
    at = frame.end;
    next = frame.index + 1;
    if (!frame.isLast) continue;
    for (const { at: start, end } of group) onRecord(start + FRAME_BYTES, end, start);
    group = [];
    wholeEnd = at;
    wholeRecords = next;
    if (at < stepEnd) continue;
    stepEnd = at + STEP_BYTES;
    yield;
  }
  return { end: wholeEnd, records: wholeRecords, damaged };
}

function frameAt(bytes: Buffer, at: number, atLeast: number): Frame | undefined {
  if (at + FRAME_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const index = bytes.readUInt32LE(at + 8);
  const end = at + FRAME_BYTES + length;
  if (length === 0 || length > MAX_PAYLOAD_BYTES || end > bytes.length || index < atLeast) return undefined;
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return undefined;
  const back = bytes.readUInt32LE(at + 12);
  return { at, end, index, groupFirst: index - (back & ~LAST_OF_GROUP), isLast: (back & LAST_OF_GROUP) !== 0 };
}

function findFrame(bytes: Buffer, from: number, atLeast: number): Frame | undefined {
  for (let at = from; at + FRAME_BYTES <= bytes.length; at++) {
    const frame = frameAt(bytes, at, atLeast);
    if (frame !== undefined) return frame;
  }
  return undefined;
}

/** Whether what is missing from `missing` on is of the group that was written last: then nobody was told that it is safe. */
function isOfLastGroup(bytes: Buffer, found: Frame, missing: number): boolean {
  if (found.groupFirst > missing) return false;
  let at = found.end;
  let next = found.index + 1;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at, next) ?? findFrame(bytes, at + 1, next);
    if (frame === undefined) return true;
    if (frame.groupFirst > found.groupFirst) return false;
    at = frame.end;
    next = frame.index + 1;
  }
  return true;
}
