import { type FileHandle, open } from "node:fs/promises";
import { CodedError } from "../../domain/errors.js";
import type { Logger } from "../../ports/logger.js";
import { loadKernelLock } from "../files/kernel-lock.js";
import { readBlocks, type ReadResult } from "./read-blocks.js";

/** A snapshot that was opened and read to its end. */
export interface OpenedSnapshot {
  readonly file: FileHandle;
  /** Held for as long as it is open; undefined: there is none, since nothing may be written here. */
  readonly lock: FileHandle | undefined;
  readonly read: ReadResult;
  /** Whether this process may write to it: another does, or the file or its folder is for reading alone. */
  readonly access: "own" | "taken" | "none";
  /** Why nothing may be written. */
  readonly why?: unknown;
}

/** A file or folder that is for reading alone. */
const MAY_NOT_WRITE: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * Opens a snapshot, made where there is none, and gives each sound block to `take`. What may not be written to is read all the same.
 *
 * @throws Error of node:fs where it cannot be read
 */
export async function openSnapshot(
  file: string,
  environment: Buffer,
  take: (content: Buffer) => boolean | Promise<boolean>,
): Promise<OpenedSnapshot> {
  return readOpened(await openAsAllowed(file), environment, take);
}

/**
 * The same of one that is to be written: what it says is of no interest.
 *
 * @throws SnapshotTakenError, Error of node:fs where it cannot be written or read
 */
export async function openToWrite(file: string, environment: Buffer): Promise<OpenedSnapshot> {
  const opened = await openAsAllowed(file);
  if (opened.access === "own") return readOpened(opened, environment, () => true);
  await closeSnapshot(opened);
  throw opened.access === "taken" ? new SnapshotTakenError() : opened.why;
}

/** Another process writes to the snapshot. */
export class SnapshotTakenError extends CodedError {
  constructor() {
    super("failed-precondition", "another process writes to the snapshot");
  }
}

async function readOpened(
  opened: Omit<OpenedSnapshot, "read">,
  environment: Buffer,
  take: (content: Buffer) => boolean | Promise<boolean>,
): Promise<OpenedSnapshot> {
  try {
    return { ...opened, read: await readBlocks(opened.file, environment, take) };
  } catch (error) {
    await closeSnapshot(opened);
    throw error;
  }
}

export async function closeSnapshot({ file, lock }: Pick<OpenedSnapshot, "file" | "lock">): Promise<void> {
  await file.close();
  await lock?.close();
}

async function openAsAllowed(path: string): Promise<Omit<OpenedSnapshot, "read">> {
  let lock: FileHandle | undefined;
  try {
    lock = await open(`${path}.lock`, "a", 0o600);
    const isTaken = loadKernelLock()(lock.fd) === "taken";
    return { file: await openOrCreate(path), lock, access: isTaken ? "taken" : "own" };
  } catch (why) {
    await lock?.close();
    if (!MAY_NOT_WRITE.has((why as NodeJS.ErrnoException).code)) throw why;
    const file = await open(path, "r").catch(() => {
      throw why;
    });
    return { file, lock: undefined, access: "none", why };
  }
}

async function openOrCreate(file: string): Promise<FileHandle> {
  try {
    return await open(file, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return open(file, "wx+", 0o600);
  }
}

/**
 * Logs what was found in a file.
 *
 * @param subjects that were read
 * @returns why it is left as it is for good: it is another program's
 */
export function logFindings(
  { read, access }: OpenedSnapshot,
  file: string,
  subjects: number,
  logger: Logger,
): string | undefined {
  if (read.isOfAnotherProgram) {
    logger.warn(
      "SNAPSHOT_FILE is another program's, no snapshot: it is left as it is, and states are not kept; name another file, or remove it",
      { file },
    );
    return "SNAPSHOT_FILE is no snapshot";
  }
  if (read.isOfAnotherVersion)
    logger.warn("the snapshot is of another version of this program: it is not read, and written anew", { file });
  else if (read.isOfAnotherEnvironment)
    logger.warn(
      "the snapshot has states of another environment (another API key, API or Redis prefix): they are not read, and it is written anew",
      { file },
    );
  else if (read.damaged > 0)
    logger.warn(
      "the snapshot is damaged, or its end is torn: what its sound blocks say is used, and it is written anew",
      { file, damagedBlocks: read.damaged, subjects },
    );
  logger.info("the snapshot was read", { file, subjects });
  if (access === "taken")
    logger.warn(
      "another process writes to the snapshot: it was read, and is not written by this one until that ends; give each process a SNAPSHOT_FILE of its own",
      { file },
    );
  return undefined;
}
