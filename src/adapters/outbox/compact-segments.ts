import { crc32 } from "node:zlib";
import type { KeyDigest, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import { OutboxState } from "../../domain/outbox/outbox-state.js";
import { encodeKeyFile } from "./key-memory.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { encodeHeader, fileName, numbersOf } from "./outbox-file-header.js";
import { RecordBuffer } from "./record-buffer.js";
import { encodeRecord } from "./record-codec.js";
import { replayInSteps } from "./replay-file.js";
import type { WrittenFiles } from "./written-files.js";

const RECORDS_OF_A_GROUP = 500;
/** How much of a file is read at once. */
const READ_BYTES = 256 * 1024;

export interface Compaction {
  readonly disk: OutboxDisk;
  readonly outboxId: string;
  /** The last segment that is left behind: complete, and no event in it waits. */
  readonly upTo: number;
  /** Since when keys are kept, epoch milliseconds. */
  readonly keysSince: number;
  readonly files: WrittenFiles;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
}

/** A file does not say any more what was written to it. */
export class ChangedFile extends Error {
  constructor(readonly file: string) {
    super(`${file} was changed by another program`);
  }
}

/**
 * Replaces segments by what they came to: a checkpoint that takes the place of all up to its number once it has its name,
 * and a file with their keys. The state is read from the files, so that nothing has to stand still meanwhile.
 *
 * @throws ChangedFile where one of them is not as it was written; Error the system's own; then nothing is left behind
 */
export async function compactSegments({ disk, outboxId, upTo, keysSince, files, pause }: Compaction): Promise<void> {
  const before = disk.names();
  const checkpoints = numbersOf("checkpoint", before);
  const last = checkpoints.at(-1) ?? 0;
  const state = new OutboxState();
  const keys: (readonly [KeyDigest, number])[] = [];
  const onKey = (digest: KeyDigest, at: number) => {
    if (at >= keysSince) keys.push([digest, Math.floor(at / 1_000)]);
  };
  const segments = numbersOf("segment", before).filter((number) => number > last && number <= upTo);
  for (const name of [
    ...(last > 0 ? [fileName("checkpoint", last)] : []),
    ...segments.map((number) => fileName("segment", number)),
  ]) {
    const bytes = await read(disk, name, files, pause);
    const steps = replayInSteps(bytes, 0, state, onKey);
    while (steps.next().done !== true) await pause();
    await pause();
  }
  await writeKeys(disk, files, outboxId, upTo, keys, pause);
  await write(disk, files, fileName("checkpoint", upTo), () => checkpointOf(state, outboxId), pause);
  for (const name of [
    ...segments.map((number) => fileName("segment", number)),
    ...checkpoints.map((number) => fileName("checkpoint", number)),
  ]) {
    files.forget(name);
    disk.remove(name);
    await pause();
  }
}

/** @throws Error the system's own; then there is no such file */
export async function writeKeys(
  disk: OutboxDisk,
  files: WrittenFiles,
  outboxId: string,
  number: number,
  keys: readonly (readonly [KeyDigest, number])[],
  pause: () => Promise<void>,
): Promise<void> {
  if (keys.length > 0) await write(disk, files, fileName("keys", number), () => encodeKeyFile(outboxId, keys), pause);
}

async function read(disk: OutboxDisk, name: string, files: WrittenFiles, pause: () => Promise<void>): Promise<Buffer> {
  const bytes = Buffer.alloc(disk.size(name));
  let checksum = 0;
  for (let from = 0; from < bytes.length; from += READ_BYTES) {
    const part = disk.readAt(name, from, Math.min(READ_BYTES, bytes.length - from));
    part.copy(bytes, from);
    checksum = crc32(part, checksum);
    await pause();
  }
  if (!files.isAs(name, { length: bytes.length, checksum })) throw new ChangedFile(name);
  return bytes;
}

async function write(
  disk: OutboxDisk,
  files: WrittenFiles,
  name: string,
  parts: () => Iterable<Buffer>,
  pause: () => Promise<void>,
): Promise<void> {
  const temporary = `${name}.tmp`;
  const file = disk.create(temporary);
  let length = 0;
  let checksum = 0;
  try {
    for (const part of parts()) {
      file.write(part, length);
      length += part.length;
      checksum = crc32(part, checksum);
      await pause();
    }
    await file.sync();
    file.close();
  } catch (error) {
    file.close();
    disk.remove(temporary);
    throw error;
  }
  disk.rename(temporary, name);
  files.set(name, { length, checksum });
  await disk.sync();
}

function* checkpointOf(state: OutboxState, outboxId: string): Iterable<Buffer> {
  yield encodeHeader(outboxId);
  const buffer = new RecordBuffer();
  let records = 0;
  for (const record of recordsOf(state, outboxId)) {
    buffer.begin();
    encodeRecord(record, buffer);
    buffer.end();
    if (buffer.records < RECORDS_OF_A_GROUP && record.type !== "totals") continue;
    const group = Buffer.from(buffer.finish(records));
    records += buffer.records;
    buffer.clear();
    yield group;
  }
}

/** What a state comes to, without its events. */
export function* recordsOf(state: OutboxState, outboxId: string): Iterable<OutboxRecord> {
  // One without a count has its place already, and is still being written.
  for (const entry of state.entries.values()) if (entry.count > 0) yield entry.record(outboxId);
  for (const item of state.aside.values()) yield { type: "set-aside", item };
  // Last, since what comes before it is counted too.
  yield { type: "totals", totals: state.totals, nextId: state.nextId };
}
