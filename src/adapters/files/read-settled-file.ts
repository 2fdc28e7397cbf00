import { setTimeout as elapse } from "node:timers/promises";
import type { Clock } from "../../ports/clock.js";
import { type FileAccess, type FileContent, SYSTEM_FILES } from "./file-access.js";

/** A file that was last written longer ago than this is taken for complete, milliseconds. */
const SETTLED_AFTER_MS = 500;

/** How long a file that goes on changing holds up a start, milliseconds. */
const MAX_WAIT_MS = 5_000;

/**
 * Reads a file for the first time, when nothing is known to compare it with: one that was written just now is given
 * half a second to turn out to be a part.
 *
 * @throws Error of node:fs where it cannot be read
 */
export async function readSettledFile(
  file: string,
  clock: Clock,
  files: FileAccess = SYSTEM_FILES,
): Promise<FileContent> {
  for (let waitedMs = 0; ;) {
    const { version, writtenAt } = await files.look(file);
    const content = await files.read(file);
    const ageMs = writtenAt === undefined ? SETTLED_AFTER_MS : clock.now() - writtenAt;
    // A file from the future says nothing of its age: clocks of two machines differ.
    const isSettled = ageMs >= SETTLED_AFTER_MS || ageMs < 0;
    const isSame = (await files.look(file)).version === version && (await files.isStill(file, content));
    if ((isSettled && isSame) || waitedMs >= MAX_WAIT_MS) return content;
    const waitMs = isSettled ? SETTLED_AFTER_MS / 10 : SETTLED_AFTER_MS - ageMs;
    // Not by the clock, whose timers keep no process alive: at start there may be nothing else that does.
    await elapse(waitMs);
    waitedMs += waitMs;
  }
}
