import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * The directory of an outbox. What is written is in the system's hands when the method returns, so that it outlasts the
 * process; what is synced outlasts a power cut. Every method throws, or rejects with, the system's own error.
 */
export interface OutboxDisk {
  names(): readonly string[];
  size(name: string): number;
  /** Undefined: there is no such file. */
  read(name: string): Buffer | undefined;
  readAt(name: string, position: number, length: number): Buffer;
  /** Makes an empty file in place of one that is there. */
  create(name: string): OutboxFile;
  truncate(name: string, length: number): void;
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** Makes what was made, renamed and removed outlast a power cut. */
  sync(): Promise<void>;
}

export interface OutboxFile {
  /** Writes all of it. */
  write(data: Buffer, position: number): void;
  /** What is there of it, also where the file has lost its name. */
  readAt(position: number, length: number): Buffer;
  truncate(length: number): void;
  /** Whether it still has its name, and so many bytes at least: what is written to a file without a name goes with the process. */
  isIntact(length: number): boolean;
  sync(): Promise<void>;
  close(): void;
}

/** A system that refuses to sync a directory makes its entries outlast a power cut by itself. */
const CANNOT_SYNC_DIRECTORIES: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EBADF",
  "EINVAL",
  "EISDIR",
  "ENOTSUP",
  "EPERM",
]);

export class DirectoryDisk implements OutboxDisk {
  readonly #directory: string;

  /** @throws Error the system's own, where the directory can neither be found nor made */
  constructor(directory: string) {
    this.#directory = directory;
    makeDirectory(directory);
  }

  names(): readonly string[] {
    return readdirSync(this.#directory);
  }

  size(name: string): number {
    return statSync(this.#path(name)).size;
  }

  read(name: string): Buffer | undefined {
    try {
      return readFileSync(this.#path(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  readAt(name: string, position: number, length: number): Buffer {
    const file = openSync(this.#path(name), constants.O_RDONLY);
    try {
      return readFully(file, position, length);
    } finally {
      closeSync(file);
    }
  }

  create(name: string): OutboxFile {
    return new DirectoryFile(this.#path(name));
  }

  truncate(name: string, length: number): void {
    const file = openSync(this.#path(name), "r+");
    try {
      ftruncateSync(file, length);
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  rename(from: string, to: string): void {
    renameSync(this.#path(from), this.#path(to));
  }

  remove(name: string): void {
    rmSync(this.#path(name), { force: true });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      let directory: number;
      try {
        directory = openSync(this.#directory, constants.O_RDONLY);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      fsync(directory, (error) => {
        closeSync(directory);
        if (error === null || CANNOT_SYNC_DIRECTORIES.has(error.code)) resolve();
        else reject(error);
      });
    });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

/**
 * Makes a directory, with those above it, unless it is there.
 *
 * @throws Error the system's own
 */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(directory).isDirectory()) return;
    // Node's own recursion never ends where nothing can be made in a directory that is there, as in /proc.
    if (code !== "ENOENT" || existsSync(dirname(directory))) throw error;
    makeDirectory(dirname(directory));
    makeDirectory(directory);
  }
}

class DirectoryFile implements OutboxFile {
  readonly #path: string;
  readonly #file: number;
  readonly #inode: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "w+", 0o600);
    this.#inode = fstatSync(this.#file).ino;
  }

  write(data: Buffer, position: number): void {
    for (let written = 0; written < data.length;)
      written += writeSync(this.#file, data, written, data.length - written, position + written);
  }

  readAt(position: number, length: number): Buffer {
    return readFully(this.#file, position, length);
  }

  truncate(length: number): void {
    ftruncateSync(this.#file, length);
    fsyncSync(this.#file);
  }

  isIntact(length: number): boolean {
    try {
      const { ino, size } = statSync(this.#path);
      return ino === this.#inode && size >= length;
    } catch {
      return false;
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    closeSync(this.#file);
  }
}

function readFully(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  for (let got = -1; read < length && got !== 0; read += got)
    got = readSync(file, bytes, read, length - read, position + read);
  return bytes.subarray(0, read);
}

/** A file of the outbox that is given back where there is no room for what happened to accepted reports. */
export const RESERVE = "reserve";
export const RESERVE_BYTES = 1024 * 1024;

/** What a system says where there is no room: disk, quota, size of a file. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function hasNoRoom(error: unknown): boolean {
  return NO_ROOM.has((error as NodeJS.ErrnoException).code);
}
