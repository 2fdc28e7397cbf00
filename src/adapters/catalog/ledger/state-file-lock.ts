import { randomUUID } from "node:crypto";
import { constants, type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { CodedError } from "../../../domain/errors.js";
import type { CancelTimer, Clock } from "../../../ports/clock.js";
import { elapse } from "../../../ports/waits.js";
import { type KernelLock, loadKernelLock } from "../../files/kernel-lock.js";
import type { StateFileOwnership } from "./usage-journal.js";

const HEARTBEAT_MS = 1_000;

/** How long an owner without a lock of the kernel has to be silent until it is taken for gone. */
export const SILENT_MS = 10_000;

/** A heartbeat that is older is looked at again before anything is written. */
const DUE_MS = 3 * HEARTBEAT_MS;

/** What the lock file says. Process and host are for people: containers share both. */
interface Owner {
  readonly owner: string;
  readonly pid: number;
  readonly hostname: string;
  /** Whether it has the kernel's lock as well: it lives exactly as long as that is taken. */
  readonly hasKernelLock: boolean;
  readonly beats: number;
}

/**
 * Keeps a second process from counting into the same state file: a file beside it that its owner has locked by the
 * kernel, and writes to every second. The kernel's lock ends with its process, so that the file of one that was killed is
 * taken over at once. Where there is no such lock, an owner is gone when its file has not changed for 10 s; that is
 * measured by waiting and not by the time of the file, since clocks differ and are set.
 */
export class StateFileLock implements StateFileOwnership {
  readonly #stateFile: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #tryLock: KernelLock;
  readonly #id = randomUUID();
  #handle: FileHandle | undefined;
  #hasKernelLock = false;
  #beats = 0;
  /** Of the latest heartbeat, by a clock that nobody sets. */
  #beatAt = 0;
  #lost: CodedError | undefined;
  #cancelHeartbeat: CancelTimer = () => undefined;
  #beating: Promise<void> = Promise.resolve();

  private constructor(stateFile: string, clock: Clock, tryLock: KernelLock) {
    this.#stateFile = stateFile;
    this.#path = `${stateFile}.lock`;
    this.#clock = clock;
    this.#tryLock = tryLock;
  }

  /** @throws CodedError `failed-precondition` where another process has it, or its directory cannot be written */
  static async acquire(stateFile: string, clock: Clock, tryLock = loadKernelLock()): Promise<StateFileLock> {
    const lock = new StateFileLock(stateFile, clock, tryLock);
    try {
      await lock.#acquire();
    } catch (error) {
      await lock.#handle?.close();
      if (error instanceof CodedError) throw error;
      throw new CodedError(
        "failed-precondition",
        `the state file ${stateFile} cannot be locked: ${(error as Error).message}; its directory has to exist and be writable`,
        { cause: error },
      );
    }
    lock.#beatLater();
    return lock;
  }

  async confirm(): Promise<void> {
    if (this.#lost === undefined && !this.#hasKernelLock && performance.now() - this.#beatAt > DUE_MS)
      await this.#beat();
    if (this.#lost !== undefined) throw this.#lost;
  }

  async release(): Promise<void> {
    this.#cancelHeartbeat();
    await this.#beating;
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    const isOwn = (await this.#read())?.owner === this.#id;
    if (isOwn) await rm(this.#path, { force: true }).catch(() => undefined);
    await handle.close();
  }

  async #acquire(): Promise<void> {
    for (;;) {
      this.#handle = await open(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
      const outcome = this.#tryLock(this.#handle.fd);
      if (outcome === "taken") throw this.#inUse(await this.#read());
      this.#hasKernelLock = outcome === "acquired";
      if (await this.#isInPlace()) break;
      // Its last owner removed the file in between.
      await this.#handle.close();
    }
    const previous = await this.#text();
    if (previous !== "") {
      const owner = parse(previous);
      if (!(this.#hasKernelLock && owner?.hasKernelLock === true)) await this.#mustBeSilent(previous);
    }
    await this.#write();
    if (this.#hasKernelLock) return;
    // Another newcomer may have written at the same time: the later one stays.
    await elapse(HEARTBEAT_MS / 10, this.#clock);
    const now = await this.#read();
    if (now?.owner !== this.#id) throw this.#inUse(now);
  }

  async #mustBeSilent(before: string): Promise<void> {
    const changed = await this.#changedAt();
    for (let waited = 0; waited < SILENT_MS; waited += HEARTBEAT_MS) {
      await elapse(HEARTBEAT_MS, this.#clock);
      const text = await this.#text();
      if (text !== before || (await this.#changedAt()) !== changed) throw this.#inUse(parse(text) ?? parse(before));
    }
  }

  #beatLater(): void {
    this.#cancelHeartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      this.#beating = this.#beat().then(() => {
        if (this.#lost === undefined && this.#handle !== undefined) this.#beatLater();
      });
    });
  }

  async #beat(): Promise<void> {
    try {
      const now = await this.#read();
      if (this.#handle === undefined) return;
      if (now === undefined && !(await this.#isInPlace())) await this.#acquireAgain();
      else if (now !== undefined && now.owner !== this.#id) {
        this.#lost = new CodedError(
          "unavailable",
          `the state file ${this.#stateFile} was taken over by ${describe(now)}; the usage is not counted: restart this process`,
          { mayCount: false },
        );
        return;
      }
      await this.#write();
    } catch {
      // A heartbeat that cannot be written is tried again; who waits for it judges by what it sees.
    }
  }

  /** Somebody removed the lock file. */
  async #acquireAgain(): Promise<void> {
    const handle = await open(this.#path, "wx+", 0o600);
    await this.#handle?.close();
    this.#handle = handle;
    this.#hasKernelLock = this.#tryLock(handle.fd) === "acquired";
  }

  async #write(): Promise<void> {
    const owner: Owner = {
      owner: this.#id,
      pid: process.pid,
      hostname: hostname(),
      hasKernelLock: this.#hasKernelLock,
      beats: ++this.#beats,
    };
    const text = Buffer.from(`${JSON.stringify(owner)}\n`);
    await this.#handle?.write(text, 0, text.length, 0);
    await this.#handle?.truncate(text.length);
    this.#beatAt = performance.now();
  }

  async #isInPlace(): Promise<boolean> {
    const [own, there] = await Promise.all([
      this.#handle?.stat({ bigint: true }),
      stat(this.#path, { bigint: true }).catch(() => undefined),
    ]);
    return own !== undefined && own.ino === there?.ino && own.dev === there.dev;
  }

  /** An owner of an earlier version touches its file and writes nothing. */
  async #changedAt(): Promise<bigint | undefined> {
    return (await stat(this.#path, { bigint: true }).catch(() => undefined))?.mtimeNs;
  }

  async #read(): Promise<Owner | undefined> {
    return parse(await this.#text());
  }

  #text(): Promise<string> {
    return readFile(this.#path, "utf8").catch(() => "");
  }

  #inUse(owner: Owner | undefined): CodedError {
    return new CodedError(
      "failed-precondition",
      `the state file ${this.#stateFile} is in use by ${describe(owner)}; stop that, or give this process another CATALOG_STATE_FILE`,
    );
  }
}

function parse(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

function describe(owner: Owner | undefined): string {
  return owner === undefined ? "another process" : `process ${owner.pid} on ${owner.hostname}`;
}
