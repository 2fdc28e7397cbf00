import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { type FileHandle, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { openFile } from "./open-to-read.js";

/** The link that Kubernetes swaps when it updates a mounted ConfigMap or Secret. */
const KUBERNETES_LINK = "..data";

/** Read and hashed at once, bytes: what the thread that answers checks spends on it is well below a millisecond. */
const CHUNK_BYTES = 256 * 1024;

/** From this size on content lies in memory that a worker can read without a copy, bytes. */
const SHARED_FROM_BYTES = 64 * 1024;

export interface FileContent {
  readonly bytes: Buffer;
  /** Equal where the bytes are. */
  readonly digest: string;
}

/** What the file system says of a file, without its content. */
export interface FileLook {
  /** Another one after each write, replacement or removal that the file system can show. */
  readonly version: string;
  /** When it was last written, epoch milliseconds; undefined where there is no file to read. */
  readonly writtenAt: number | undefined;
}

/**
 * - `replaced`: the name stands for another file than before, or for none
 * - `written`: bytes of it may be others
 */
export type FileEvent = "replaced" | "written";

/** The file system as followers use it. */
export interface FileAccess {
  /** Never rejects: what cannot be looked at has a version too. */
  look(file: string): Promise<FileLook>;
  /** @throws Error of node:fs where it cannot be read, or that it is no file */
  read(file: string): Promise<FileContent>;
  /** Whether a second read gives the same bytes. */
  isStill(file: string, content: FileContent): Promise<boolean>;
  /**
   * Calls back at changes, as far as the system reports them: network file systems do not.
   *
   * @returns ends it
   */
  watch(file: string, changed: (event: FileEvent) => void): () => void;
}

export const SYSTEM_FILES: FileAccess = { look, read, isStill, watch: watchDirectory };

async function look(file: string): Promise<FileLook> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = await stat(file, { bigint: true });
    return { version: [dev, ino, size, mtimeNs, ctimeNs].join(" "), writtenAt: Number(mtimeMs) };
  } catch (error) {
    return { version: (error as NodeJS.ErrnoException).code ?? "unreadable", writtenAt: undefined };
  }
}

async function read(file: string): Promise<FileContent> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    let bytes = allocate(size);
    let length = 0;
    const hash = createHash("sha256");
    for await (const chunk of chunksOf(handle)) {
      if (length + chunk.length > bytes.length) {
        const grown = allocate(2 * (length + chunk.length));
        bytes.copy(grown, 0, 0, length);
        bytes = grown;
      }
      chunk.copy(bytes, length);
      hash.update(chunk);
      length += chunk.length;
    }
    return { bytes: bytes.subarray(0, length), digest: hash.digest("base64") };
  } finally {
    await handle.close();
  }
}

async function isStill(file: string, { bytes }: FileContent): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await openFile(file);
    let length = 0;
    for await (const chunk of chunksOf(handle)) {
      if (!chunk.equals(bytes.subarray(length, length + chunk.length))) return false;
      length += chunk.length;
    }
    return length === bytes.length;
  } catch {
    return false;
  } finally {
    await handle?.close();
  }
}

/** Each is valid until the next is asked for. */
async function* chunksOf(handle: FileHandle): AsyncIterable<Buffer> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

function allocate(size: number): Buffer {
  return size < SHARED_FROM_BYTES ? Buffer.alloc(size) : Buffer.from(new SharedArrayBuffer(size));
}

/** The directory is watched, since a watch of the file itself ends with the file. */
function watchDirectory(file: string, changed: (event: FileEvent) => void): () => void {
  const names: readonly (string | null)[] = [basename(file), KUBERNETES_LINK, null];
  try {
    const watcher = watch(dirname(file), { persistent: false }, (event, name) => {
      if (names.includes(name)) changed(event === "rename" && name !== null ? "replaced" : "written");
    });
    // Followers look by themselves too: a watch that fails makes changes slower to be seen, and loses none.
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
