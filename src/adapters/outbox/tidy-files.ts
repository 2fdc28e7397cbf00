import type { Logger } from "../../ports/logger.js";
import { type OutboxDisk, RESERVE, RESERVE_BYTES } from "./outbox-disk.js";
import { fileName, numbersOf } from "./outbox-file-header.js";
import type { OutboxContent } from "./read-outbox.js";

/**
 * Leaves only files that are in use, and of each only what is whole, once they have been read. Logs what an operator has to know of them.
 *
 * @returns how many bytes they take
 */
export function tidyFiles(
  disk: OutboxDisk,
  { checkpoint, segments, saidAnewAt, findings, torn, isClosed }: OutboxContent,
  logger: Logger,
): number {
  for (const finding of findings) logger.error(`outbox: ${finding}`);
  if (!isClosed)
    logger.warn(
      "outbox: the process that had it last did not close it, as after a kill; all that it acknowledged is here, unless the last file was cut since",
    );
  for (const [name, end] of torn) {
    logger.warn(
      "outbox: a file has a part at its end that was still being written when the process ended; it is cut off, nothing of it was acknowledged",
      { file: name, bytes: disk.size(name) - end },
    );
    if (end === 0) disk.remove(name);
    else disk.truncate(name, end);
  }
  for (const name of disk.names()) {
    const isLeftBehind = [
      ...numbersOf("segment", [name]),
      ...numbersOf("checkpoint", [name]).map((number) => number + 1),
    ].some((number) => number <= checkpoint || number < saidAnewAt);
    if (isLeftBehind || name.endsWith(".tmp")) disk.remove(name);
  }
  let bytes = checkpoint > 0 ? disk.size(fileName("checkpoint", checkpoint)) : 0;
  for (const [number, size] of segments) if (!torn.has(fileName("segment", number))) bytes += size;
  return bytes;
}

/** Keeps room for what happened to accepted reports, where there is none left for anything else. */
export function keepReserve(disk: OutboxDisk, logger: Logger): void {
  if (disk.names().includes(RESERVE)) return;
  try {
    const file = disk.create(RESERVE);
    try {
      file.write(Buffer.alloc(RESERVE_BYTES), 0);
    } finally {
      file.close();
    }
  } catch (error) {
    disk.remove(RESERVE);
    logger.warn("there is no room for the reserve of the outbox: it may not be able to note what is delivered", {
      error,
    });
  }
}

/** @returns whether there is more room now */
export function giveReserve(disk: OutboxDisk): boolean {
  try {
    if (!disk.names().includes(RESERVE)) return false;
    disk.remove(RESERVE);
    return true;
  } catch {
    return false;
  }
}
