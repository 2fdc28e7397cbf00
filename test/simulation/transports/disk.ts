import type { Random } from "../../model/random.js";
import type { SimProcess } from "../world/sim-process.js";
import { theWorld } from "../world/world.js";

interface Inode {
  readonly id: bigint;
  content: Buffer;
  /** What outlasts a power cut. */
  durable: Buffer;
  /** What was done since, in order. */
  pending: { readonly how: (content: Buffer) => Buffer; readonly at: number }[];
  changedAt: bigint;
  lockedBy: SimProcess | undefined;
}

/** The disk of one host: what was not synced may be lost, wholly or in part, when the power fails. */
export class SimDisk {
  readonly #random: Random;
  #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  #inodes = 0n;
  /** Bytes that still fit; Infinity: enough. */
  room = Infinity;
  /** Syncs fail, as of a disk that is broken. */
  failsSyncs = false;

  constructor(random: Random) {
    this.#random = random;
  }

  cutPower(): void {
    for (const inode of new Set([...this.#entries.values(), ...this.#durableEntries.values()])) {
      for (const { how } of inode.pending) if (this.#random.chance(0.5)) inode.durable = how(inode.durable);
      inode.content = inode.durable;
      inode.pending = [];
      inode.lockedBy = undefined;
    }
    if (this.#random.chance(0.5)) this.#entries = new Map(this.#durableEntries);
    this.#durableEntries = new Map(this.#entries);
  }

  at(path: string): Inode | undefined {
    return this.#entries.get(path);
  }

  create(path: string): Inode {
    const inode: Inode = {
      id: ++this.#inodes,
      content: Buffer.alloc(0),
      durable: Buffer.alloc(0),
      pending: [],
      changedAt: this.#inodes,
      lockedBy: undefined,
    };
    this.#entries.set(path, inode);
    return inode;
  }

  move(from: string, to: string): void {
    const inode = this.#entries.get(from);
    if (inode === undefined) throw fileError("ENOENT", from);
    this.#entries.delete(from);
    this.#entries.set(to, inode);
  }

  remove(path: string): void {
    this.#entries.delete(path);
  }

  syncEntries(): void {
    this.#durableEntries = new Map(this.#entries);
  }

  change(inode: Inode, grows: number, how: (content: Buffer) => Buffer): void {
    if (grows > this.room) throw fileError("ENOSPC", "write");
    this.room -= Math.max(0, grows);
    inode.content = how(inode.content);
    this.#writeBack(inode);
    inode.pending.push({ how, at: theWorld().scheduler.now });
    inode.changedAt = ++this.#inodes;
  }

  /** As a system does by itself after a while: or what is never synced would be remembered for ever. */
  #writeBack(inode: Inode): void {
    if (this.failsSyncs) return;
    const before = theWorld().scheduler.now - WRITTEN_BACK_AFTER;
    let written = 0;
    for (const { how, at } of inode.pending) {
      if (at > before) break;
      inode.durable = how(inode.durable);
      written++;
    }
    if (written > 0) inode.pending.splice(0, written);
  }

  sync(inode: Inode): void {
    if (this.failsSyncs) throw fileError("EIO", "fdatasync");
    inode.durable = inode.content;
    inode.pending = [];
  }
}

/** Microseconds. */
const WRITTEN_BACK_AFTER = 30e6;

const disks = new WeakMap<object, Map<string, SimDisk>>();
const handles = new Map<number, FileHandle>();
let lastFd = 100;

export function diskOf(host: string): SimDisk {
  const world = theWorld();
  const known = disks.get(world) ?? new Map<string, SimDisk>();
  disks.set(world, known);
  let disk = known.get(host);
  if (disk === undefined) known.set(host, (disk = new SimDisk(world.chance.fork())));
  return disk;
}

/** Microseconds of one operation, and of one that waits for the disk itself. */
const TAKES = 60;
const SYNC_TAKES = 900;

/** In the order in which it is asked for; never comes back to a process that is dead by then. */
function operation<T>(run: (disk: SimDisk) => T, takes = TAKES): Promise<T> {
  const { scheduler } = theWorld();
  const process = scheduler.current;
  if (process === undefined) throw new Error("a file is used by nobody");
  return new Promise((resolve, reject) => {
    scheduler.after(takes, undefined, () => {
      if (!process.isAlive) return;
      let received: () => void;
      try {
        const value = run(diskOf(process.host));
        received = () => resolve(value);
      } catch (error) {
        received = () => reject(error instanceof Error ? error : new Error(String(error)));
      }
      scheduler.after(0, process, received);
    });
  });
}

export const constants = { O_RDWR: 2, O_CREAT: 64 };

/** Numbers are bigints where that is asked for, as by node:fs. */
export interface Stats<N = bigint> {
  readonly dev: N;
  readonly ino: N;
  readonly size: N;
  readonly mtimeNs: bigint;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

interface StatOptions {
  readonly bigint?: boolean;
}

export class FileHandle {
  readonly fd = ++lastFd;
  readonly inode: Inode | undefined;
  readonly process: SimProcess | undefined;

  constructor(inode: Inode | undefined) {
    this.inode = inode;
    this.process = theWorld().scheduler.current;
    handles.set(this.fd, this);
  }

  stat(options?: StatOptions): Promise<Stats<bigint | number>> {
    return operation(() => statsOf(this.#file(), options));
  }

  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly buffer: Buffer; readonly bytesRead: number }> {
    return operation(() => {
      const bytesRead = this.#file().content.copy(buffer, offset, position, position + length);
      return { buffer, bytesRead };
    });
  }

  write(data: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }> {
    const bytes = Buffer.from(data.subarray(offset, offset + length));
    return operation((disk) => {
      const inode = this.#file();
      disk.change(inode, position + bytes.length - inode.content.length, (content) =>
        written(content, bytes, position),
      );
      return { bytesWritten: length };
    });
  }

  truncate(length: number): Promise<void> {
    return operation((disk) => disk.change(this.#file(), 0, (content) => content.subarray(0, length)));
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  sync(): Promise<void> {
    const { inode } = this;
    return operation((disk) => (inode === undefined ? disk.syncEntries() : disk.sync(inode)), SYNC_TAKES);
  }

  close(): Promise<void> {
    handles.delete(this.fd);
    if (this.inode?.lockedBy === this.process && this.inode !== undefined) this.inode.lockedBy = undefined;
    return operation(() => undefined);
  }

  #file(): Inode {
    if (this.inode === undefined) throw fileError("EISDIR", "a directory");
    return this.inode;
  }
}

export function open(path: string, flags: string | number): Promise<FileHandle> {
  const { scheduler } = theWorld();
  const process = scheduler.current;
  return operation((disk) => {
    const found = disk.at(path);
    if (flags === "r" && found === undefined) return new OwnedHandle(undefined, process);
    if (flags === "wx+" && found !== undefined) throw fileError("EEXIST", path);
    return new OwnedHandle(found ?? disk.create(path), process);
  });
}

class OwnedHandle extends FileHandle {
  override readonly process: SimProcess | undefined;

  constructor(inode: Inode | undefined, process: SimProcess | undefined) {
    super(inode);
    this.process = process;
  }
}

export function readFile(path: string, encoding: "utf8"): Promise<string>;
export function readFile(path: string): Promise<Buffer>;
export function readFile(path: string, encoding?: "utf8"): Promise<Buffer | string> {
  return operation((disk) => {
    const inode = disk.at(path);
    if (inode === undefined) throw fileError("ENOENT", path);
    return encoding === undefined ? Buffer.from(inode.content) : inode.content.toString(encoding);
  });
}

export function rename(from: string, to: string): Promise<void> {
  return operation((disk) => disk.move(from, to));
}

export function rm(path: string): Promise<void> {
  return operation((disk) => disk.remove(path));
}

export function stat(path: string, options?: StatOptions): Promise<Stats<bigint | number>> {
  return operation((disk) => {
    const inode = disk.at(path);
    if (inode === undefined) throw fileError("ENOENT", path);
    return statsOf(inode, options);
  });
}

/** There are no links. */
export const lstat = stat;

export function readlink(path: string): Promise<string> {
  return operation(() => {
    throw fileError("EINVAL", path);
  });
}

export function realpath(path: string): Promise<string> {
  return operation(() => path);
}

/** The kernel's lock on a file: of one living process. */
export function tryLock(fd: number): "acquired" | "taken" {
  const handle = handles.get(fd);
  const inode = handle?.inode;
  if (inode === undefined || handle?.process === undefined) throw new Error("there is no such file");
  if (inode.lockedBy?.isAlive === true && inode.lockedBy !== handle.process) return "taken";
  inode.lockedBy = handle.process;
  return "acquired";
}

function statsOf({ id, content, changedAt }: Inode, { bigint = false }: StatOptions = {}): Stats<bigint | number> {
  const as = (value: bigint) => (bigint ? value : Number(value));
  return {
    dev: as(1n),
    ino: as(id),
    size: as(BigInt(content.length)),
    mtimeNs: changedAt,
    isFile: () => true,
    isSymbolicLink: () => false,
  };
}

/** Bytes of each buffer that content was appended to. */
const used = new WeakMap<ArrayBufferLike, number>();

/**
 * Content is never changed in place: what is durable may be a part of it. What is appended goes behind it in the same
 * buffer where nothing stands there yet, else a file that only grows would be copied with each write.
 */
function written(content: Buffer, data: Buffer, position: number): Buffer {
  const length = position + data.length;
  if (position !== content.length) {
    const gap = Buffer.alloc(Math.max(0, position - content.length));
    return Buffer.concat([content.subarray(0, position), gap, data, content.subarray(length)]);
  }
  let { buffer } = content;
  if (used.get(buffer) !== content.length || length > buffer.byteLength) {
    buffer = new ArrayBuffer(length * 2);
    Buffer.from(buffer).set(content);
  }
  const whole = Buffer.from(buffer, 0, length);
  whole.set(data, position);
  used.set(buffer, length);
  return whole;
}

function fileError(code: string, of: string): Error {
  return Object.assign(new Error(`${code}: ${of}`), { code });
}
