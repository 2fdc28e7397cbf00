import { type CustomerState, isEmptyState } from "../../../../domain/customer-state.js";
import type { Subject } from "../../../../domain/subject.js";
import { encodeState } from "../codec/encode-state.js";
import type { StateTrust } from "../codec/sidecar-record.js";
import type { ApartSubjects } from "../coherence/subject-marks.js";
import { mayWriteKeys } from "./key-ownership.js";
import type { KeyWrite, RedisCommands, WriteGroup } from "./redis-commands.js";
import { hasAmbiguousKeys, purgedKeys, stateKey, timestampKey } from "./redis-keys.js";
import type { WrittenJournal } from "./written-journal.js";

/** Whether Redis holds all of it now, and nothing newer; or whether its keys are another subject's. */
export type Written = "written" | "superseded" | "taken";

export interface StateWriterParts {
  readonly commands: RedisCommands;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly apart: ApartSubjects;
  readonly journal: WrittenJournal;
  /** Notified of each whole state that was written. @param knownAt when it became known, epoch milliseconds */
  readonly onWritten: (subject: Subject, knownAt: number) => void;
}

/** Writes what is known of a subject to Redis, where its keys are its own, and notes in the journal what Redis has confirmed. */
export class StateWriter {
  readonly #parts: StateWriterParts;

  constructor(parts: StateWriterParts) {
    this.#parts = parts;
  }

  /**
   * @param knownAt when the state became known, epoch milliseconds
   * @throws CodedError as RedisCommands does
   */
  async writeState(subject: Subject, state: CustomerState, trust: StateTrust, knownAt: number): Promise<Written> {
    const { environment, journal, onWritten } = this.#parts;
    const written = await this.#write(subject, encodeState(environment, subject, state, trust));
    if (written !== "written") return written;
    journal.wrote(subject, knownAt, [[stateKey(environment, subject), isEmptyState(state) ? 0 : state.updatedAt]]);
    onWritten(subject, knownAt);
    return written;
  }

  /**
   * Writes usages of a state that is there.
   *
   * @throws CodedError as RedisCommands does
   */
  async writeUsages(subject: Subject, writes: readonly KeyWrite[], knownAt: number): Promise<Written> {
    const { environment, journal } = this.#parts;
    const written = await this.#write(subject, { writes, onlyIfExists: timestampKey(stateKey(environment, subject)) });
    if (written === "written")
      journal.wrote(
        subject,
        knownAt,
        writes.map(({ key, updatedAt }) => [key, updatedAt]),
      );
    return written;
  }

  /** @throws CodedError as RedisCommands does */
  async delete(subject: Subject): Promise<void> {
    const { commands, environment } = this.#parts;
    if (!(await mayWriteKeys(commands, environment, subject))) return;
    await commands.delete(purgedKeys(environment, subject));
  }

  /**
   * Deletes what is known to be out of date.
   *
   * @param since when that became known, epoch milliseconds
   * @throws CodedError as RedisCommands does
   */
  async remove(subject: Subject, since: number): Promise<void> {
    await this.delete(subject);
    this.#parts.journal.removed(subject, since);
  }

  async #write(subject: Subject, group: WriteGroup): Promise<Written> {
    const { commands, environment, apart } = this.#parts;
    const isOwn =
      !hasAmbiguousKeys(subject) ||
      (await mayWriteKeys(
        commands,
        environment,
        subject,
        group.writes.map(({ key }) => key),
      ));
    if (!isOwn) return "taken";
    const [outcomes] = await commands.writeNewest([group]);
    if (outcomes?.every(({ outcome }) => outcome === "written") !== true) return "superseded";
    apart.delete(subject);
    return "written";
  }
}
