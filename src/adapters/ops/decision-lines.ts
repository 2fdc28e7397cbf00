import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { appendFile, open, rename, stat } from "node:fs/promises";
import { CodedError } from "../../domain/errors.js";
import type { DecisionLog, LoggedDecision } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import { placeOfFile } from "../files/place-of-file.js";

interface DecisionLinesOptions {
  /** Undefined: standard output. */
  readonly file: string | undefined;
  /** At which size the file makes way for another, bytes. */
  readonly maxBytes: number;
  readonly output: NodeJS.WritableStream & { readonly writableLength: number };
}

/** Where lines are appended, behind links; of what size it is by now, bytes. */
interface Target {
  readonly path: string;
  size: number;
}

/** How many files that made way are kept beside the one that is written, as <file>.1 (the latest) and so on. */
export const KEPT_FILES = 5;
/** What may wait to be written, bytes: beyond it lines are lost rather than memory. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const FLUSH_AFTER_MS = 100;
/** Without O_NONBLOCK a pipe that nobody reads would hold up a thread of the process, and its end. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
const MODE = 0o640;

/** Decisions as lines of JSON, to a file that is rotated or to standard output. */
export class DecisionLines implements DecisionLog {
  /** Lines that were handed over to be written, and those that were not. */
  written = 0;
  lost = 0;
  readonly #options: DecisionLinesOptions;
  readonly #clock: Clock;
  readonly #outage: OutageLog;
  /** Another for each process, so that ids of several are apart. */
  readonly #instance = randomBytes(4).toString("hex");
  #count = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #target: Target | undefined;
  #isFlushing = false;
  #flushed: Promise<void> = Promise.resolve();
  #mayEndInTornLine = false;

  constructor(options: DecisionLinesOptions, clock: Clock, logger: Logger) {
    this.#options = options;
    this.#clock = clock;
    this.#outage = new OutageLog(logger);
  }

  /** Undefined: standard output. */
  get file(): string | undefined {
    return this.#options.file;
  }

  /** Why the file cannot be written now; undefined where it can. */
  get fault(): string | undefined {
    return this.#outage.fault;
  }

  /** @throws CodedError `failed-precondition` where the file cannot be written to */
  async open(): Promise<void> {
    const { file } = this.#options;
    if (file === undefined) return;
    try {
      this.#target = await targetAt(file);
      await (await open(this.#target.path, APPEND, MODE)).close();
    } catch (cause) {
      const message = `${file} cannot be written to: ${(cause as Error).message}; name a file in a directory that is there and writable`;
      throw new CodedError("failed-precondition", message, { cause });
    }
  }

  write(decision: LoggedDecision): string {
    const decisionId = `${this.#instance}-${(++this.#count).toString(36)}`;
    const line = lineOf(decisionId, decision, this.#clock.now());
    if (this.#options.file === undefined) this.#print(line);
    else this.#enqueue(line);
    return decisionId;
  }

  /** Resolves once what waits is written, or cannot be. */
  async close(): Promise<void> {
    await this.#flushed;
    await this.#flush();
  }

  #print(line: string): void {
    const { output } = this.#options;
    if (output.writableLength > MAX_WAITING_BYTES) {
      this.lost++;
      return;
    }
    this.written++;
    output.write(line);
  }

  #enqueue(line: string): void {
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#flushLater();
  }

  #flushLater(): void {
    this.#clock.after(FLUSH_AFTER_MS, () => {
      this.#flushed = this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const { file } = this.#options;
    if (file === undefined || lines.length === 0) {
      this.#isFlushing = false;
      return;
    }
    try {
      await this.#append(file, lines.join(""));
      this.written += lines.length;
      if (this.#outage.isLost) this.#outage.recovered("decisions are logged again", { file });
    } catch (error) {
      this.lost += lines.length;
      this.#mayEndInTornLine = true;
      this.#outage.lost("warn", "decisions cannot be logged, and are lost: make room, or correct DECISION_LOG_FILE", {
        file,
        error,
      });
    }
    this.#isFlushing = false;
    if (this.#waiting.length === 0) return;
    this.#isFlushing = true;
    this.#flushLater();
  }

  async #append(file: string, lines: string): Promise<void> {
    const target = (this.#target ??= await targetAt(file));
    if (target.size > 0 && target.size + lines.length > this.#options.maxBytes) {
      for (let number = KEPT_FILES - 1; number >= 0; number--)
        await renameIfThere(number === 0 ? target.path : `${target.path}.${number}`, `${target.path}.${number + 1}`);
      target.size = 0;
    }
    // A line of its own for what a full disk let in of the last one.
    const text = this.#mayEndInTornLine ? `\n${lines}` : lines;
    await appendFile(target.path, text, { mode: MODE, flag: APPEND });
    target.size += Buffer.byteLength(text);
    this.#mayEndInTornLine = false;
  }
}

/** @throws Error of node:fs where it cannot be looked at */
async function targetAt(file: string): Promise<Target> {
  // What is no file, as /dev/stdout, makes way for nothing: renamed, it would be gone for everybody.
  if ((await stat(file).catch(undefinedIfMissing))?.isFile() === false) return { path: file, size: -Infinity };
  const path = await placeOfFile(file);
  return { path, size: (await stat(path).catch(undefinedIfMissing))?.size ?? 0 };
}

function lineOf(decision: string, entry: LoggedDecision, now: number): string {
  const {
    customerId,
    resourceId,
    type,
    id,
    requestedUsage,
    requestedValues,
    hasAccess,
    reason,
    isFallback,
    source,
    verifiedAt,
    used,
    limit,
    requestId,
    traceId,
  } = entry;
  return `${JSON.stringify({
    timestamp: new Date(now).toISOString(),
    decision,
    customer: customerId,
    resource: resourceId,
    [type === "feature" ? "feature" : "currency"]: id,
    requested: requestedUsage ?? requestedValues,
    granted: hasAccess,
    reason,
    fallback: isFallback,
    source,
    ageMs: verifiedAt === undefined ? undefined : Math.max(0, now - verifiedAt),
    used,
    limit,
    requestId,
    traceId,
  })}\n`;
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  return undefined;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch(undefinedIfMissing);
}
