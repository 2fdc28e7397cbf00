import type { OutboxDisk, OutboxFile } from "../../src/adapters/outbox/outbox-disk.js";

interface Inode {
  content: Buffer;
  durable: Buffer;
  /** Writes since the last sync, in order. */
  pending: { readonly data: Buffer; readonly position: number }[];
}

/** What happens instead of the next operation that changes something. */
export type OutboxDiskFault = "no-space" | "sync-fails" | "kill" | "power-cut";

/** The directory of an outbox in memory, with a cache in front of it that a power cut empties. */
export class VirtualOutboxDisk implements OutboxDisk {
  /** Every write fails after a part of it. */
  isFull = false;
  /** Strikes once, at a write or a sync. */
  fault: OutboxDiskFault | undefined;
  isDown = false;
  readonly #random: () => number;
  #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  #boots = 0;

  /** @param random from 0 (included) to 1 (excluded): how much of a write is there, and what a power cut leaves */
  constructor(random: () => number = () => 0) {
    this.#random = random;
  }

  /** How often it was gone. */
  get boots(): number {
    return this.#boots;
  }

  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { content }) => sum + content.length, 0);
  }

  /** The process ends; the system and its cache stay. */
  kill(): void {
    this.isDown = true;
    this.#boots++;
  }

  cutPower(): void {
    this.kill();
    for (const inode of new Set([...this.#entries.values(), ...this.#durableEntries.values()])) {
      let content = inode.durable;
      for (const { data, position } of inode.pending) {
        const luck = this.#random();
        if (luck < 0.4) content = written(content, data, position);
        else if (luck < 0.7)
          content = written(content, data.subarray(0, Math.floor(data.length * this.#random())), position);
        else if (luck < 0.8) content = written(content, Buffer.alloc(data.length), position);
      }
      inode.content = inode.durable = content;
      inode.pending = [];
    }
    if (this.#random() < 0.5) this.#entries = new Map(this.#durableEntries);
    this.#durableEntries = new Map(this.#entries);
  }

  /** Begins anew with what is on the disk. @returns the disk as the new process sees it; an older one's does nothing more */
  mount(): OutboxDisk {
    this.isDown = false;
    this.fault = undefined;
    const boot = this.#boots;
    const only =
      <A extends unknown[], R>(act: (...args: A) => R) =>
      (...args: A): R => {
        this.#mustRun(boot);
        return act(...args);
      };
    return {
      names: only(() => this.names()),
      size: only((name: string) => this.size(name)),
      read: only((name: string) => this.read(name)),
      readAt: only((name: string, position: number, length: number) => this.readAt(name, position, length)),
      create: only((name: string) => this.create(name)),
      truncate: only((name: string, length: number) => this.truncate(name, length)),
      rename: only((from: string, to: string) => this.rename(from, to)),
      remove: only((name: string) => this.remove(name)),
      sync: only(() => this.sync()),
    };
  }

  flipBit(name: string, at: number): void {
    const inode = this.#entries.get(name);
    if (inode === undefined) throw new Error(`there is no ${name}`);
    inode.content = Buffer.from(inode.content);
    inode.content[at] = (inode.content[at] ?? 0) ^ 1;
    inode.durable = inode.content;
    inode.pending = [];
  }

  names(): readonly string[] {
    this.#mustRun();
    return [...this.#entries.keys()];
  }

  size(name: string): number {
    return this.#get(name).content.length;
  }

  read(name: string): Buffer | undefined {
    this.#mustRun();
    const content = this.#entries.get(name)?.content;
    return content && Buffer.from(content);
  }

  readAt(name: string, position: number, length: number): Buffer {
    return Buffer.from(this.#get(name).content.subarray(position, position + length));
  }

  create(name: string): OutboxFile {
    this.#mustRun();
    if (this.isFull && this.#random() < 0.5) throw systemError("ENOSPC");
    const inode: Inode = { content: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
    this.#entries.set(name, inode);
    return this.#fileOf(name, inode);
  }

  truncate(name: string, length: number): void {
    const inode = this.#get(name);
    inode.content = inode.durable = inode.content.subarray(0, length);
    inode.pending = [];
  }

  rename(from: string, to: string): void {
    const inode = this.#get(from);
    this.#entries.delete(from);
    this.#entries.set(to, inode);
  }

  remove(name: string): void {
    this.#mustRun();
    this.#entries.delete(name);
  }

  async sync(): Promise<void> {
    const boot = this.#boots;
    await Promise.resolve();
    this.#mustRun(boot);
    this.#durableEntries = new Map(this.#entries);
  }

  #fileOf(name: string, inode: Inode): OutboxFile {
    const boot = this.#boots;
    const write = (data: Buffer, position: number) => {
      inode.content = written(inode.content, data, position);
      inode.pending.push({ data: Buffer.from(data), position });
    };
    return {
      write: (data, position) => {
        this.#mustRun(boot);
        const fault = this.#strike("no-space", "kill", "power-cut");
        if (this.isFull || fault !== undefined) {
          write(data.subarray(0, Math.floor(data.length * this.#random())), position);
          this.#end(fault);
          throw systemError("ENOSPC");
        }
        write(data, position);
      },
      readAt: (position, length) => {
        this.#mustRun(boot);
        return Buffer.from(inode.content.subarray(position, position + length));
      },
      truncate: (length) => {
        this.#mustRun(boot);
        inode.content = inode.durable = inode.content.subarray(0, length);
        inode.pending = [];
      },
      isIntact: (length) => this.#entries.get(name) === inode && inode.content.length >= length,
      sync: async () => {
        await Promise.resolve();
        this.#mustRun(boot);
        const fault = this.#strike("sync-fails", "kill", "power-cut");
        if (fault !== undefined) {
          this.#end(fault);
          throw systemError("EIO");
        }
        inode.durable = inode.content;
        inode.pending = [];
      },
      close: () => undefined,
    };
  }

  #strike(...kinds: readonly OutboxDiskFault[]): OutboxDiskFault | undefined {
    const { fault } = this;
    if (fault === undefined || !kinds.includes(fault)) return undefined;
    this.fault = undefined;
    return fault;
  }

  #end(fault: OutboxDiskFault | undefined): void {
    if (fault === "kill") this.kill();
    else if (fault === "power-cut") this.cutPower();
    if (this.isDown) throw systemError("the machine is gone");
  }

  #get(name: string): Inode {
    this.#mustRun();
    const inode = this.#entries.get(name);
    if (inode === undefined) throw systemError("ENOENT");
    return inode;
  }

  #mustRun(boot = this.#boots): void {
    if (this.isDown || boot !== this.#boots) throw systemError("the machine is gone");
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as was asked for`), { code });
}

function written(content: Buffer, data: Buffer, position: number): Buffer {
  const gap = Buffer.alloc(Math.max(0, position - content.length));
  return Buffer.concat([content.subarray(0, position), gap, data, content.subarray(position + data.length)]);
}
