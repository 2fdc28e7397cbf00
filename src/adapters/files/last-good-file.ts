import { setTimeout as elapse } from "node:timers/promises";
import { CodedError, errorCodeOf } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import { type LogFields, type Logger, OutageLog } from "../../ports/logger.js";
import { type FileAccess, type FileContent, SYSTEM_FILES } from "./file-access.js";
import { FileFollower } from "./follow-file.js";

/** How messages speak of a file. */
export interface FileWords {
  /** Its path follows: "the file of tokens". */
  readonly called: string;
  /** What goes on while there is no good content: "the last good entries stay in use". */
  readonly meanwhile: string;
  /** That there is another good content: "the file of tokens changed". */
  readonly changed: string;
}

interface FollowOptions {
  readonly file: string;
  readonly words: FileWords;
  /** The content that is in use already. */
  readonly known: FileContent;
  readonly clock: Clock;
  readonly outage: OutageLog;
  /**
   * Takes another content into use.
   *
   * @returns what the log says of it
   * @throws CodedError with its fault, place and remedy; `cancelled` where it is of no interest any more
   */
  readonly take: (content: FileContent) => LogFields | Promise<LogFields>;
  readonly files?: FileAccess;
}

/** Takes each content of a file into use that is good, and logs that the last good one stays in use for as long as there is none. */
export function followLastGood({ words, outage, take, ...followed }: FollowOptions): FileFollower {
  const { file } = followed;
  const { called, meanwhile, changed } = words;
  return new FileFollower({
    ...followed,
    listener: {
      async changed(content) {
        try {
          outage.recovered(changed, { file, ...(await take(content)) });
          return true;
        } catch (error) {
          if (errorCodeOf(error) === "cancelled") return false;
          const isFault = error instanceof CodedError;
          const fault = isFault ? error.message : `${called} ${file} could not be applied`;
          const sentence = meanwhile.charAt(0).toUpperCase() + meanwhile.slice(1);
          outage.lost(
            "error",
            `${fault}\n${sentence} until the file is corrected.`,
            isFault ? { file } : { file, error },
          );
          return false;
        }
      },
      unreadable(error) {
        outage.lost("error", `${called} ${file} cannot be read any more; ${meanwhile} until the file is back`, {
          file,
          error,
        });
      },
      restless() {
        outage.lost("warn", `${called} ${file} is being written all the time; ${meanwhile} until the file rests`, {
          file,
        });
      },
    },
  });
}

interface LastGoodFileOptions<T> {
  readonly file: string;
  readonly words: FileWords;
  /** @throws CodedError with the fault, its place and remedy */
  readonly read: (file: string, bytes: Buffer) => T;
  /** What the log says of another value. */
  readonly describe?: (value: T) => LogFields;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly files?: FileAccess;
}

/** What a file says, as it was when it was last good. */
export class LastGoodFile<T> {
  #value: T;
  #generation = 0;
  readonly #follower: FileFollower;

  private constructor(known: FileContent, value: T, options: LastGoodFileOptions<T>) {
    const { read, describe, logger, ...followed } = options;
    const { file } = followed;
    this.#value = value;
    const take = ({ bytes }: FileContent) => {
      const taken = read(file, bytes);
      this.#value = taken;
      this.#generation++;
      return describe?.(taken) ?? {};
    };
    this.#follower = followLastGood({ ...followed, known, outage: new OutageLog(logger), take });
  }

  /** @throws CodedError `invalid-argument` where the file cannot be read, and what `read` throws */
  static async open<T>(options: LastGoodFileOptions<T>): Promise<LastGoodFile<T>> {
    const { file, words, read, clock, files } = options;
    const content = await readAtStart(file, words.called, clock, files);
    return new LastGoodFile(content, read(file, content.bytes), options);
  }

  get value(): T {
    return this.#value;
  }

  /** Grows with every other value. */
  get generation(): number {
    return this.#generation;
  }

  close(): Promise<void> {
    return this.#follower.close();
  }
}

/** There is nothing to read: whether it could be used is not known. */
export class UnreadableFileError extends CodedError {}

/** @throws UnreadableFileError `invalid-argument` */
export async function readAtStart(
  file: string,
  called: string,
  clock: Clock,
  files: FileAccess = SYSTEM_FILES,
): Promise<FileContent> {
  try {
    return await readSettledFile(file, clock, files);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnreadableFileError(
      "invalid-argument",
      `${called} ${file} cannot be read: ${reason}; correct the path or its permissions`,
      { cause },
    );
  }
}

/** A file that was last written longer ago than this is taken for complete, milliseconds. */
const SETTLED_AFTER_MS = 500;

/** How long a file that goes on changing holds up a start, milliseconds. */
const MAX_WAIT_MS = 5_000;

/**
 * Reads a file for the first time, when nothing is known to compare it with: one that was written just now is given
 * half a second to turn out to be a part.
 *
 * @throws Error of node:fs where it cannot be read
 */
async function readSettledFile(file: string, clock: Clock, files: FileAccess = SYSTEM_FILES): Promise<FileContent> {
  for (let waitedMs = 0; ;) {
    const { version, writtenAt } = await files.look(file);
    const content = await files.read(file);
    const ageMs = writtenAt === undefined ? SETTLED_AFTER_MS : clock.now() - writtenAt;
    // A file from the future says nothing of its age: clocks of two machines differ.
    const isSettled = ageMs >= SETTLED_AFTER_MS || ageMs < 0;
    const isSame = (await files.look(file)).version === version && (await files.isStill(file, content));
    if ((isSettled && isSame) || waitedMs >= MAX_WAIT_MS) return content;
    const waitMs = isSettled ? SETTLED_AFTER_MS / 10 : SETTLED_AFTER_MS - ageMs;
    // Not by the clock, whose timers keep no process alive: at start there may be nothing else that does.
    await elapse(waitMs);
    waitedMs += waitMs;
  }
}
