import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { CodedError } from "../../domain/errors.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";

const HEARTBEAT_MS = 1_000;
/** A holder that was silent for so long is taken for gone. */
const SILENT_MS = 10_000;

/** Tells this process from one that had its pid before, as the first process of every container has. */
const PROCESS_ID = randomUUID();

interface Holder {
  readonly pid: number;
  readonly hostname: string;
  readonly processId: string;
  readonly token: string;
}

/**
 * Keeps a second process from counting into the same state file: a file beside it that its holder touches
 * every second. It is taken over from a holder that is known to be gone, or has been silent for 10 s.
 */
export class StateFileLock {
  readonly #path: string;
  readonly #token: string;
  readonly #clock: Clock;
  readonly #onLost: (error: CodedError) => void;
  #cancelHeartbeat: CancelTimer = () => undefined;
  #isReleased = false;

  private constructor(path: string, token: string, clock: Clock, onLost: (error: CodedError) => void) {
    this.#path = path;
    this.#token = token;
    this.#clock = clock;
    this.#onLost = onLost;
    this.#beatLater();
  }

  /**
   * @param onLost called when another process took over, which it does only after this one was silent
   * @throws CodedError `failed-precondition` where another process holds it
   */
  static async acquire(stateFile: string, clock: Clock, onLost: (error: CodedError) => void): Promise<StateFileLock> {
    const path = `${stateFile}.lock`;
    const token = randomUUID();
    const holder = JSON.stringify({ pid: process.pid, hostname: hostname(), processId: PROCESS_ID, token } satisfies Holder);
    try {
      await writeFile(path, holder, { mode: 0o600, flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      await refuseIfHeld(stateFile, path);
      await writeFile(`${path}.${token}`, holder, { mode: 0o600 });
      await rename(`${path}.${token}`, path);
    }
    return new StateFileLock(path, token, clock, onLost);
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    this.#cancelHeartbeat();
    if ((await readHolder(this.#path))?.token === this.#token) await rm(this.#path, { force: true });
  }

  #beatLater(): void {
    this.#cancelHeartbeat = this.#clock.after(HEARTBEAT_MS, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const holder = await readHolder(this.#path);
    if (this.#isReleased) return;
    if (holder !== undefined && holder.token !== this.#token) {
      this.#onLost(new CodedError("unavailable", `the state file was taken over by ${describe(holder)} while this process was silent; restart it`));
      return;
    }
    const now = new Date();
    await utimes(this.#path, now, now).catch(() => undefined);
    this.#beatLater();
  }
}

async function refuseIfHeld(stateFile: string, path: string): Promise<void> {
  const [holder, stats] = await Promise.all([readHolder(path), stat(path).catch(() => undefined)]);
  if (stats === undefined || Date.now() - stats.mtimeMs > SILENT_MS) return;
  // One that cannot be read is just being written.
  if (holder !== undefined && (await isKnownToBeGone(holder))) return;
  throw new CodedError(
    "failed-precondition",
    `the state file ${stateFile} is in use by ${describe(holder)}; stop that, or give this process another CATALOG_STATE_FILE`,
  );
}

async function isKnownToBeGone(holder: Holder): Promise<boolean> {
  if (holder.processId === PROCESS_ID || holder.hostname !== hostname()) return false;
  if (holder.pid === process.pid) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  return hasEnded(holder.pid);
}

/** A killed process keeps its pid until its parent asks for its exit code, which may be seconds after, or never. */
async function hasEnded(pid: number): Promise<boolean> {
  // Linux alone tells it here: "7 (a name) Z 1 …".
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function describe(holder: Holder | undefined): string {
  return holder === undefined ? "another process" : `process ${holder.pid} on ${holder.hostname}`;
}
