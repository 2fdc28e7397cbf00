import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type FileAccess, type FileContent, type FileEvent, SYSTEM_FILES } from "./file-access.js";
import { type FileEnding, GoodContent } from "./file-ending.js";

/** Looked at this often where the system reports nothing, as on network file systems, milliseconds. */
const POLL_MS = 250;

/** Looked at this often while it changes, milliseconds. */
const SETTLING_POLL_MS = 25;

/** How long a file has to rest before it is read, by how it ends, milliseconds. */
const REST_MS: Readonly<Record<FileEnding, number>> = { complete: 100, unclear: 600, early: 1_200, cut: 4_000 };

/** A writer that was seen to pause is waited for this many times as long, up to the bound in milliseconds. */
const PAUSE_FACTOR = 3;
const MAX_REST_MS = 10_000;

/** How often that is halved while the file goes on changing, milliseconds, unless its end looks cut: a writer that is never done must not keep it from being read. */
const PATIENCE_MS = 20_000;

/** After so long without rest it is reported, milliseconds. */
const RESTLESS_AFTER_MS = 10_000;

export interface FileListener {
  /**
   * Another content than the last one. Awaited before the file is looked at again. Must not throw or reject.
   *
   * @returns whether it is good: what comes next is compared with the last content that was
   */
  changed(content: FileContent): Promise<boolean> | boolean;
  /** There is nothing to read any more; called once until there is again. */
  unreadable(error: Error): void;
  /** It has been changing for ten seconds and is not read until it rests; called once until it does. */
  restless(): void;
}

export interface FollowFileOptions {
  readonly file: string;
  /** The content that is known already. */
  readonly known: FileContent;
  readonly clock: Clock;
  readonly listener: FileListener;
  readonly files?: FileAccess;
}

/** A content that has been read and is given time to turn out to be a part. */
interface Candidate {
  readonly found: FileContent | Error;
  readonly restMs: number;
  /** Whether it lay there whole when the file got its name: how long its writer pauses says nothing of it. */
  readonly isReplacement: boolean;
}

/**
 * Follows the content of a file, however it is written, replaced, linked elsewhere, or removed and made again. A file
 * that is being written is not read: it has to rest, longer the less its end looks like one and the longer its writer
 * was seen to pause, and a second read has to give the same bytes. Touching a file without changing it reports nothing.
 */
export class FileFollower {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #listener: FileListener;
  readonly #files: FileAccess;
  readonly #endWatch: () => void;
  #cancelTimer: CancelTimer = () => undefined;
  #isClosed = false;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #good: GoodContent;
  #digest: string;
  /** The version whose content was reported last. */
  #reported = "";
  /** The version at the last look. */
  #seen = "";
  /** For how long the file has looked the same, and the longest it did between two changes of the same writer, milliseconds. */
  #restedMs = 0;
  #longestPauseMs = 0;
  #changingMs = 0;
  #isChanging = false;
  /** The name was given to another file, which was not written to since: it was complete when it got it. */
  #isReplaced = false;
  #candidate: Candidate | undefined;

  constructor({ file, known, clock, listener, files = SYSTEM_FILES }: FollowFileOptions) {
    this.#file = file;
    this.#clock = clock;
    this.#listener = listener;
    this.#files = files;
    this.#good = new GoodContent(known.bytes);
    this.#digest = known.digest;
    this.#endWatch = files.watch(file, (event) => this.#noticed(event));
    this.#look();
  }

  /** No call to the listener comes after it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#endWatch();
    await this.#looking;
  }

  #noticed(event: FileEvent): void {
    this.#isReplaced = event === "replaced";
    this.#look();
  }

  #look(): void {
    if (this.#isClosed) return;
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#cancelTimer();
    this.#lookAgain = false;
    this.#looking = this.#lookOnce().then((afterMs) => {
      this.#looking = undefined;
      if (this.#isClosed) return;
      const delayMs = this.#lookAgain ? SETTLING_POLL_MS : afterMs;
      this.#cancelTimer = this.#clock.after(delayMs, () => {
        // Counted in delays that have passed: the machine's time of day may be set while the file settles.
        this.#restedMs += delayMs;
        this.#look();
      });
    });
  }

  /** @returns after how long to look again, milliseconds */
  async #lookOnce(): Promise<number> {
    const { version } = await this.#files.look(this.#file);
    if (version !== this.#seen) return this.#changed(version);
    if (version === this.#reported) return POLL_MS;
    if (this.#restedMs < REST_MS.complete) return SETTLING_POLL_MS;
    if (this.#candidate === undefined) {
      this.#candidate = await this.#read();
      // Written to while it was read: what was read may be a part.
      const after = await this.#files.look(this.#file);
      if (after.version !== version) return this.#changed(after.version);
    }
    const { found, restMs, isReplacement } = this.#candidate;
    if (this.#restedMs < (isReplacement ? restMs : Math.max(restMs, this.#restAfterPauses(restMs))))
      return SETTLING_POLL_MS;
    if (!(found instanceof Error) && !(await this.#files.isStill(this.#file, found))) return this.#changed(version);
    await this.#report(found);
    this.#reported = version;
    this.#candidate = undefined;
    this.#isChanging = false;
    this.#isReplaced = false;
    return POLL_MS;
  }

  #changed(version: string): number {
    if (this.#isChanging) this.#longestPauseMs = Math.max(this.#longestPauseMs, this.#restedMs);
    else this.#longestPauseMs = this.#changingMs = 0;
    this.#isChanging = true;
    const before = this.#changingMs;
    this.#changingMs += this.#restedMs;
    if (before < RESTLESS_AFTER_MS && this.#changingMs >= RESTLESS_AFTER_MS && !this.#isClosed)
      this.#listener.restless();
    this.#restedMs = 0;
    this.#seen = version;
    this.#candidate = undefined;
    return SETTLING_POLL_MS;
  }

  /** @param restMs by how its end looks */
  #restAfterPauses(restMs: number): number {
    const waitMs = Math.min(MAX_REST_MS, PAUSE_FACTOR * this.#longestPauseMs);
    return restMs > REST_MS.unclear ? waitMs : waitMs / 2 ** Math.floor(this.#changingMs / PATIENCE_MS);
  }

  async #read(): Promise<Candidate> {
    try {
      const found = await this.#files.read(this.#file);
      const isReplacement = this.#isReplaced && found.bytes.length > 0;
      const isComplete = isReplacement || found.digest === this.#digest;
      return { found, restMs: REST_MS[isComplete ? "complete" : this.#good.endingOf(found.bytes)], isReplacement };
    } catch (error) {
      return { found: error as Error, restMs: REST_MS.unclear, isReplacement: false };
    }
  }

  async #report(found: FileContent | Error): Promise<void> {
    if (this.#isClosed) return;
    if (found instanceof Error) {
      this.#digest = "";
      this.#listener.unreadable(found);
      return;
    }
    if (found.digest === this.#digest) return;
    this.#digest = found.digest;
    if (await this.#listener.changed(found)) this.#good = new GoodContent(found.bytes);
  }
}
