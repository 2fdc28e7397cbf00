import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as elapse } from "node:timers/promises";
import { kindOf } from "./place-of-file.js";

/** Whoever opens a pipe is else held up until another one writes to it, which may be never, and its thread with it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Of what is no file, which may never end, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** How often, and how long after each other, a pipe is looked at that brings nothing; milliseconds. */
const MAX_LOOKS = 100;
const LOOK_MS = 50;

/** A file, which can be read as often as anybody likes. @throws Error of node:fs, or that it is no file */
export async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file, FLAGS);
  const found = await handle.stat();
  if (found.isFile()) return handle;
  await handle.close();
  throw notAFile(file, kindOf(found));
}

/** All of a file, while everything else waits. @throws Error of node:fs, or that it is no file */
export function readFileNow(file: string): Buffer {
  const fd = openSync(file, FLAGS);
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw notAFile(file, kindOf(found));
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * All of a file, or of what a command writes to a pipe.
 *
 * @param maxLooks how often in a row nothing may have come, each some time after the one before
 * @throws Error of node:fs, that it is neither, or that it brings nothing or does not end
 */
export async function readOnce(file: string, maxLooks = MAX_LOOKS): Promise<Buffer> {
  const handle = await open(file, FLAGS);
  try {
    if ((await handle.stat()).isFile()) return await handle.readFile();
    const reading = new PipeReading(file, handle.fd, maxLooks);
    while (!reading.look()) await elapse(LOOK_MS);
    return reading.content;
  } finally {
    await handle.close();
  }
}

/** The same while everything else waits. */
export function readOnceNow(file: string, maxLooks = MAX_LOOKS): Buffer {
  const fd = openSync(file, FLAGS);
  try {
    const reading = new PipeReading(file, fd, maxLooks);
    const waiting = new Int32Array(new SharedArrayBuffer(4));
    while (!reading.look()) Atomics.wait(waiting, 0, 0, LOOK_MS);
    return reading.content;
  } finally {
    closeSync(fd);
  }
}

/** What comes out of a descriptor, as long as it is not known to be all. */
class PipeReading {
  readonly #file: string;
  readonly #fd: number;
  readonly #isPipe: boolean;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #maxLooks: number;
  #looks = 0;

  /** @throws Error where it is a directory */
  constructor(file: string, fd: number, maxLooks: number) {
    const found = fstatSync(fd);
    if (found.isDirectory()) throw notAFile(file, kindOf(found));
    this.#file = file;
    this.#fd = fd;
    this.#maxLooks = maxLooks;
    this.#isPipe = found.isFIFO();
    this.#maxBytes = found.isFile() ? Infinity : MAX_BYTES;
  }

  get content(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Takes what is there. @returns whether that was all @throws Error where nothing comes any more, or more than there should */
  look(): boolean {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = this.#read(chunk);
      // A pipe that nobody has opened to write to seems to be at its end too.
      if (length === 0 && !(this.#isPipe && this.#bytes === 0)) return true;
      if (!(length > 0)) {
        if (++this.#looks < this.#maxLooks) return false;
        throw new Error(`${this.#file} is no file, and nothing comes out of it`);
      }
      this.#looks = 0;
      this.#bytes += length;
      if (this.#bytes > this.#maxBytes) throw new Error(`${this.#file} is no file, and does not end`);
      this.#chunks.push(chunk.subarray(0, length));
    }
  }

  /** @returns how many bytes; NaN where there may be more later */
  #read(chunk: Buffer): number {
    try {
      return readSync(this.#fd, chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return NaN;
      throw error;
    }
  }
}

function notAFile(file: string, kind: string): Error {
  const message = `${file} is ${kind}, and not a file`;
  return kind === "a directory"
    ? Object.assign(new Error(`EISDIR: ${message}`), { code: "EISDIR" })
    : new Error(message);
}
