/** A file of the outbox that is given back where there is no room for what happened to accepted reports. */
export const RESERVE = "reserve";
export const RESERVE_BYTES = 1024 * 1024;

/** What a system says where there is no room: disk, quota, size of a file. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function hasNoRoom(error: unknown): boolean {
  return NO_ROOM.has((error as NodeJS.ErrnoException).code);
}
