import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** What the journal needs of a file system. Every method rejects with the system's own error. */
export interface StateFiles {
  /** Undefined: there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Makes an empty file that its owner alone can read, in place of one that is there. */
  create(path: string): Promise<StateFileHandle>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes a rename outlast a power cut. */
  syncDirectoryOf(path: string): Promise<void>;
  /** Which file is at a path; undefined: none. */
  identityOf(path: string): Promise<string | undefined>;
}

export interface StateFileHandle {
  /** Of the file itself, wherever it was moved to. */
  readonly identity: string;
  /** How long it is, bytes: as it was left, unless somebody else wrote to it. */
  size(): Promise<number>;
  /** So many bytes, or fewer where it ends before. */
  read(length: number, position: number): Promise<Buffer>;
  /** Writes all of it. */
  write(data: Buffer, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Resolves once what was written outlasts a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
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

export const NODE_STATE_FILES: StateFiles = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },

  async create(path) {
    await rm(path, { force: true });
    const handle = await open(path, "wx+", 0o600);
    const { dev, ino } = await handle.stat({ bigint: true });
    return new NodeStateFileHandle(handle, `${dev}:${ino}`);
  },

  rename: (from, to) => rename(from, to),

  remove: (path) => rm(path, { force: true }),

  async syncDirectoryOf(path) {
    let handle: FileHandle | undefined;
    try {
      handle = await open(dirname(path), "r");
      await handle.sync();
    } catch (error) {
      if (!CANNOT_SYNC_DIRECTORIES.has((error as NodeJS.ErrnoException).code)) throw error;
    } finally {
      await handle?.close();
    }
  },

  async identityOf(path) {
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      return `${dev}:${ino}`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
};

class NodeStateFileHandle implements StateFileHandle {
  readonly identity: string;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, identity: string) {
    this.#handle = handle;
    this.identity = identity;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(length: number, position: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  async write(data: Buffer, position: number): Promise<void> {
    for (let written = 0; written < data.length;) {
      written += (await this.#handle.write(data, written, data.length - written, position + written)).bytesWritten;
    }
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
