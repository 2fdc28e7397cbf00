import type { KeyDigest, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { HEADER_BYTES } from "./outbox-file-header.js";
import { POSITION_BASE } from "./outbox-log.js";
import { readFrames } from "./read-frames.js";
import { decodeRecord } from "./record-codec.js";

/** In how many requests events of unknown fate are looked at again. */
export const EVENTS_OF_A_BATCH = 1_000;

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
