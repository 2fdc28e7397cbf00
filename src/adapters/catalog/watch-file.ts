import { createHash } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { CancelTimer, Clock } from "../../ports/clock.js";

/** Looked at this often where the system tells nothing, as on network file systems, milliseconds. */
const POLL_MS = 250;

/** A file has to look the same for so long before it is read: whoever writes it may not have finished. */
const SETTLE_MS = 25;

/** After so many looks at a file that never rests it is read all the same. */
const MAX_UNSETTLED_LOOKS = 8;

/** The link that Kubernetes swaps when it updates a mounted ConfigMap or Secret. */
const KUBERNETES_LINK = "..data";

export interface FileListener {
  /** Another content than the last one told. */
  changed(content: Buffer): void;
  /** There is nothing to read any more, told once until there is again. */
  unreadable(error: Error): void;
}

/**
 * Tells when the content of a file changes: however it is written, replaced, linked elsewhere, or removed and
 * made again. The directory is watched, since a watch of the file itself ends with the file, and looked at
 * as well, since not every system tells. Touching a file without changing it tells nothing.
 */
export class FileWatch {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #listener: FileListener;
  #watcher: FSWatcher | undefined;
  #cancelTimer: CancelTimer = () => undefined;
  #isClosed = false;
  /** What the file looked like when it was last told of. */
  #told = "";
  /** What it looked like at the last look. */
  #seen = "";
  #unsettledLooks = 0;
  #digest: string;
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  /** @param known the content that is known already */
  constructor(file: string, known: Buffer, clock: Clock, listener: FileListener) {
    this.#file = file;
    this.#digest = digestOf(known);
    this.#clock = clock;
    this.#listener = listener;
    this.#watchDirectory();
    this.#look();
  }

  /** No call to the listener comes after it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#watcher?.close();
    await this.#looking;
  }

  #watchDirectory(): void {
    const names: readonly (string | null)[] = [basename(this.#file), KUBERNETES_LINK, null];
    try {
      this.#watcher = watch(dirname(this.#file), { persistent: false }, (_event, name) => {
        if (names.includes(name)) this.#look();
      });
      // The looks go on by themselves: a watch that fails makes changes slower to be seen, not lost.
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  #look(): void {
    if (this.#isClosed) return;
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#cancelTimer();
    this.#lookAgain = false;
    this.#looking = this.#lookOnce().then((nextMs) => {
      this.#looking = undefined;
      if (this.#isClosed) return;
      this.#cancelTimer = this.#clock.after(this.#lookAgain ? SETTLE_MS : nextMs, () => this.#look());
    });
  }

  /** @returns after how long to look again */
  async #lookOnce(): Promise<number> {
    const look = await lookOf(this.#file);
    this.#unsettledLooks = look === this.#seen ? 0 : this.#unsettledLooks + 1;
    this.#seen = look;
    if (look === this.#told) return POLL_MS;
    if (this.#unsettledLooks > 0 && this.#unsettledLooks < MAX_UNSETTLED_LOOKS) return SETTLE_MS;
    this.#unsettledLooks = 0;
    try {
      const content = await readFile(this.#file);
      // Written to while it was read: what was read may be half of it.
      if ((await lookOf(this.#file)) !== look) return SETTLE_MS;
      this.#told = look;
      this.#tellIfNew(content);
    } catch (error) {
      this.#told = look;
      this.#digest = "";
      if (!this.#isClosed) this.#listener.unreadable(error as Error);
    }
    return POLL_MS;
  }

  #tellIfNew(content: Buffer): void {
    const digest = digestOf(content);
    if (digest === this.#digest || this.#isClosed) return;
    this.#digest = digest;
    this.#listener.changed(content);
  }
}

async function lookOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unreadable";
  }
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("base64");
}
