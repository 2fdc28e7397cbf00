import { crc32 } from "node:zlib";
import type { OutboxDisk } from "./outbox-disk.js";

/** How much is read between two turns of others, bytes. */
const PART_BYTES = 256 * 1024;

/** What the system says where what was written is gone, and not only out of reach for now. */
const GONE: ReadonlySet<string | undefined> = new Set(["ENOENT", "EIO", "EISDIR", "ENODATA", "EUCLEAN"]);

/** How long a file is, bytes, and the checksum of that. */
export interface FileContent {
  readonly length: number;
  readonly checksum: number;
}

interface FileBeingRead extends FileContent {
  readonly name: string;
  at: number;
  sum: number;
}

/**
 * The files of an outbox as this process wrote them, or found them at its start: by these it is noticed that somebody
 * else, or the disk, has changed one.
 */
export class WrittenFiles {
  readonly #disk: OutboxDisk;
  readonly #pause: () => Promise<void>;
  readonly #files: Map<string, FileContent>;
  /** Where reading back has come to: the file as it was when that began, and up to where. */
  #reading: FileBeingRead | undefined;
  #left: string[] = [];

  constructor(disk: OutboxDisk, files: ReadonlyMap<string, FileContent>, pause: () => Promise<void>) {
    this.#disk = disk;
    this.#files = new Map(files);
    this.#pause = pause;
  }

  get names(): readonly string[] {
    return [...this.#files.keys()];
  }

  set(name: string, content: FileContent): void {
    this.#files.set(name, content);
  }

  /** So much was added at its end. */
  grow(name: string, bytes: Buffer): void {
    const { length, checksum } = this.#files.get(name) ?? { length: 0, checksum: 0 };
    this.#files.set(name, { length: length + bytes.length, checksum: crc32(bytes, checksum) });
  }

  forget(name: string): void {
    this.#files.delete(name);
  }

  isAs(name: string, { length, checksum }: FileContent): boolean {
    const file = this.#files.get(name);
    return file === undefined || (file.length === length && file.checksum === checksum);
  }

  /** The first file that is not there any more, or is too short. @throws Error the system's own, where that cannot be seen */
  findShort(): string | undefined {
    for (const [name, { length }] of this.#files)
      if (orGone(() => this.#disk.size(name) < length) !== false) return name;
    return undefined;
  }

  /**
   * Reads on from where it came to the last time, from the first file again after the last one.
   *
   * @param budget how many bytes; all of them are Infinity
   * @returns the first file found that does not say what was written
   * @throws Error the system's own, where it cannot be read for now
   */
  async findChanged(budget: number): Promise<string | undefined> {
    if (budget === Infinity) [this.#reading, this.#left] = [undefined, []];
    if (this.#reading === undefined && this.#left.length === 0) this.#left = [...this.names];
    while (budget > 0) {
      const reading = this.#reading ?? this.#next();
      if (reading === undefined) return undefined;
      const { name, at, length } = reading;
      const part = orGone(() => this.#disk.readAt(name, at, Math.min(PART_BYTES, length - at)));
      budget -= PART_BYTES;
      if (part !== undefined) {
        reading.sum = crc32(part, reading.sum);
        reading.at += part.length;
      }
      if (part === undefined || part.length === 0 || reading.at >= length) {
        this.#reading = undefined;
        // One that has been left behind meanwhile is of no interest.
        if (this.#files.has(name) && (reading.at < length || reading.sum !== reading.checksum)) return name;
      }
      await this.#pause();
    }
    return undefined;
  }

  #next(): FileBeingRead | undefined {
    for (let name = this.#left.shift(); name !== undefined; name = this.#left.shift()) {
      const file = this.#files.get(name);
      if (file !== undefined) return (this.#reading = { ...file, name, at: 0, sum: 0 });
    }
    return undefined;
  }
}

/** Undefined: it is gone. */
function orGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
