import type { StateFileHandle, StateFiles } from "../../src/adapters/catalog/ledger/state-files.js";

/** What happens instead of an operation: after `share` of a write, an error of the system or the end of the machine. */
export interface DiskFault {
  readonly kind: "error" | "kill" | "power-cut";
  readonly code: "ENOSPC" | "EIO";
  /** From 0 to 1. */
  readonly share: number;
}

interface Inode {
  readonly id: number;
  content: Buffer;
  /** What outlasts a power cut. */
  durable: Buffer;
  /** What was done since, in order. */
  pending: ((content: Buffer) => Buffer)[];
}

/**
 * A disk in memory with a cache in front of it. Faults come by the number of the operation. After a power cut, each
 * write that was not synced is there or not, as `keeps` says.
 */
export class VirtualDisk implements StateFiles {
  /** By the number of the operation, from 0. */
  readonly faults = new Map<number, DiskFault>();
  operations = 0;
  #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  #inodes = 0;
  #boots = 0;
  #isDown = false;
  readonly #keeps: () => boolean;
  #onDown: () => void = () => undefined;

  constructor(keeps: () => boolean = () => false) {
    this.#keeps = keeps;
  }

  /** Resolves when a fault has ended the machine. */
  whenDown(): Promise<void> {
    return new Promise((resolve) => (this.#onDown = resolve));
  }

  /** Begins anew with what is on the disk. What was under way never ends. */
  reboot(): void {
    this.#boots++;
    this.#isDown = false;
  }

  /** The process ends; the system and its cache stay. */
  kill(): void {
    this.#isDown = true;
    this.#onDown();
  }

  cutPower(): void {
    for (const inode of new Set([...this.#entries.values(), ...this.#durableEntries.values()])) {
      for (const change of inode.pending) if (this.#keeps()) inode.durable = change(inode.durable);
      inode.content = inode.durable;
      inode.pending = [];
    }
    if (!this.#keeps()) this.#entries = new Map(this.#durableEntries);
    this.#durableEntries = new Map(this.#entries);
    this.kill();
  }

  contentOf(path: string): Buffer | undefined {
    return this.#entries.get(path)?.content;
  }

  put(path: string, content: Buffer): void {
    const inode = { id: this.#inodes++, content, durable: content, pending: [] };
    this.#entries.set(path, inode);
    this.#durableEntries.set(path, inode);
  }

  /** Somebody else writes to the file that is there. */
  overwrite(path: string, content: Buffer): void {
    const inode = this.#entries.get(path);
    if (inode === undefined) throw new Error(`there is no ${path}`);
    inode.content = inode.durable = content;
    inode.pending = [];
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.#do(() => this.contentOf(path));
  }

  create(path: string): Promise<StateFileHandle> {
    return this.#do(() => {
      const inode: Inode = { id: this.#inodes++, content: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
      this.#entries.set(path, inode);
      return this.#handleOf(inode);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => {
      const inode = this.#entries.get(from);
      if (inode === undefined) throw new Error(`there is no ${from}`);
      this.#entries.delete(from);
      this.#entries.set(to, inode);
    });
  }

  remove(path: string): Promise<void> {
    return this.#do(() => void this.#entries.delete(path));
  }

  syncDirectoryOf(): Promise<void> {
    return this.#do(() => {
      this.#durableEntries = new Map(this.#entries);
    });
  }

  identityOf(path: string): Promise<string | undefined> {
    return this.#do(() => this.#entries.get(path)?.id.toString());
  }

  #handleOf(inode: Inode): StateFileHandle {
    const change = (how: (content: Buffer) => Buffer) => {
      inode.content = how(inode.content);
      inode.pending.push(how);
    };
    return {
      identity: inode.id.toString(),
      size: () => this.#do(() => inode.content.length),
      read: (length, position) => this.#do(() => inode.content.subarray(position, position + length)),
      write: (data, position) =>
        this.#do(
          () => change((content) => written(content, data, position)),
          (share) => change((content) => written(content, data.subarray(0, Math.floor(data.length * share)), position)),
        ),
      truncate: (length) => this.#do(() => change((content) => content.subarray(0, length))),
      sync: () =>
        this.#do(() => {
          inode.durable = inode.content;
          inode.pending = [];
        }),
      close: () => this.#do(() => undefined),
    };
  }

  async #do<T>(act: () => T, actInPart: (share: number) => void = () => undefined): Promise<T> {
    const boot = this.#boots;
    await Promise.resolve();
    if (this.#isDown || boot !== this.#boots) return new Promise<T>(() => undefined);
    const fault = this.faults.get(this.operations++);
    if (fault === undefined) return act();
    actInPart(fault.share);
    if (fault.kind === "error") throw Object.assign(new Error(`${fault.code}: as was asked for`), { code: fault.code });
    if (fault.kind === "kill") this.kill();
    else this.cutPower();
    return new Promise<T>(() => undefined);
  }
}

function written(content: Buffer, data: Buffer, position: number): Buffer {
  const gap = Buffer.alloc(Math.max(0, position - content.length));
  return Buffer.concat([content.subarray(0, position), gap, data, content.subarray(position + data.length)]);
}
