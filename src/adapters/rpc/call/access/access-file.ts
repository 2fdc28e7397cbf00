import { CodedError } from "../../../../domain/errors.js";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { OutageLog } from "../../../../ports/outage-log.js";
import type { FileContent } from "../../../files/file-access.js";
import { FileFollower } from "../../../files/follow-file.js";
import { readSettledFile } from "../../../files/read-settled-file.js";
import { type AccessEntry, readAccessEntries } from "./access-entries.js";

/** The entries of a file, as it was when it was last good. */
export class AccessFile {
  readonly #file: string;
  readonly #outage: OutageLog;
  readonly #follower: FileFollower;
  #entries: readonly AccessEntry[];
  #generation = 0;

  private constructor(file: string, known: FileContent, entries: readonly AccessEntry[], clock: Clock, logger: Logger) {
    this.#file = file;
    this.#outage = new OutageLog(logger);
    this.#entries = entries;
    this.#follower = new FileFollower({ file, known, clock, listener: this.#listener() });
  }

  /** @throws CodedError `invalid-argument` where the file cannot be read or has a fault, with its line and remedy */
  static async open(file: string, clock: Clock, logger: Logger): Promise<AccessFile> {
    let content: FileContent;
    try {
      content = await readSettledFile(file, clock);
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new CodedError(
        "invalid-argument",
        `the file of tokens ${file} cannot be read: ${reason}; correct the path or its permissions`,
        { cause },
      );
    }
    return new AccessFile(file, content, readAccessEntries(file, content.bytes), clock, logger);
  }

  get entries(): readonly AccessEntry[] {
    return this.#entries;
  }

  /** Grows with every change of the entries. */
  get generation(): number {
    return this.#generation;
  }

  close(): Promise<void> {
    return this.#follower.close();
  }

  #listener() {
    const file = this.#file;
    const outage = this.#outage;
    return {
      changed: ({ bytes }: FileContent): boolean => {
        try {
          this.#entries = readAccessEntries(file, bytes);
        } catch (error) {
          const fault = error instanceof CodedError ? error.message : `the file of tokens ${file} could not be read`;
          outage.lost("error", `${fault}\nThe last good entries stay in use until it is corrected.`, { file });
          return false;
        }
        this.#generation++;
        outage.recovered("the file of tokens changed", { file, entries: this.#entries.length });
        return true;
      },
      unreadable: (error: Error): void => {
        outage.lost(
          "error",
          `the file of tokens ${file} cannot be read any more; the last good entries stay in use until it is back`,
          { file, error },
        );
      },
      restless: (): void => {
        outage.lost(
          "warn",
          `the file of tokens ${file} is being written all the time; the last good entries stay in use until it rests`,
          { file },
        );
      },
    };
  }
}
