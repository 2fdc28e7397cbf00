import { CodedError } from "../../../../domain/errors.js";
import type { Subject } from "../../../../domain/subject.js";
import type { CancelTimer, Clock } from "../../../../ports/clock.js";
import { within } from "../../../../ports/waits.js";
import type { RedisCommands } from "./redis-commands.js";
import { readTimestamp, recentSubjectsKey, timestampKey } from "./redis-keys.js";

export interface SharedRecentSubjectsParts {
  readonly commands: Pick<RedisCommands, "readLate" | "writeNewest">;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly clock: Clock;
  /** The most recently used first. */
  readonly recentlyUsed: (limit: number) => Iterable<Subject>;
  /** Has a state cached; rejects with a CodedError where it cannot. */
  readonly load: (subject: Subject) => Promise<unknown>;
  /** From 0 (included) to 1 (excluded). */
  readonly random?: () => number;
}

/** Of how many subjects processes tell each other. */
const MAX_SUBJECTS = 2_000;
const MAX_ID_LENGTH = 256;
/** Fewer say little, and are read soon enough when they are asked for. */
const MIN_SUBJECTS = 10;
/** How often one process looks whether the list is due, and how old it may become before anyone writes another; milliseconds. */
const LOOK_EVERY_MS = 120_000;
const DUE_AFTER_MS = 60_000;
/** Reads at a time, of a process that starts. */
const TOGETHER = 100;

/**
 * Whom the processes that share a Redis were asked for lately: one that starts reads their states first, before it is asked.
 * One list for all, which is written by whoever finds it due: any of them knows whom all are asked for most.
 */
export class SharedRecentSubjects {
  readonly #parts: SharedRecentSubjectsParts;
  readonly #key: string;
  #cancelTimer: CancelTimer | undefined;
  #isStopped = false;

  constructor(parts: SharedRecentSubjectsParts) {
    this.#parts = parts;
    this.#key = recentSubjectsKey(parts.environment);
  }

  /** Shares now and then whom this process is asked for, until it is stopped. */
  start(): void {
    const { clock, random = Math.random } = this.#parts;
    if (this.#isStopped) return;
    this.#cancelTimer = clock.after(LOOK_EVERY_MS * (0.5 + random()), () => {
      void this.share().finally(() => this.start());
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  /** Writes the list where it is due. Never fails: another look follows, or another process. */
  async share(): Promise<void> {
    const { commands, clock, recentlyUsed } = this.#parts;
    const subjects = [...recentlyUsed(MAX_SUBJECTS)].filter(isShort);
    if (subjects.length < MIN_SUBJECTS) return;
    try {
      const [writtenAt] = await commands.readLate([timestampKey(this.#key)], true);
      const updatedAt = Math.floor(clock.now());
      if ((readTimestamp(writtenAt) ?? -Infinity) > updatedAt - DUE_AFTER_MS) return;
      const value = JSON.stringify(subjects.map(({ customerId, resourceId }) => [customerId, resourceId]));
      await commands.writeNewest([{ writes: [{ key: this.#key, value, updatedAt }] }]);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** Has states cached of whom others were asked for lately, as many as there is time for. Never fails. @returns how many */
  async warm(withinMs: number): Promise<number> {
    const { commands, clock, load } = this.#parts;
    const endsAt = clock.now() + withinMs;
    let count = 0;
    try {
      const [text] = await within(commands.readLate([this.#key], true), withinMs, clock, tooLate);
      const subjects = subjectsIn(text);
      for (let from = 0; from < subjects.length && clock.now() < endsAt && !this.#isStopped; from += TOGETHER) {
        const loads = subjects.slice(from, from + TOGETHER).map((subject) => load(subject).then(() => count++));
        await within(Promise.all(loads), endsAt - clock.now(), clock, tooLate);
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    return count;
  }
}

function isShort({ customerId, resourceId = "" }: Subject): boolean {
  return customerId.length <= MAX_ID_LENGTH && resourceId.length <= MAX_ID_LENGTH;
}

/** Of what is not such a list, nothing. */
function subjectsIn(text: string | null | undefined): readonly Subject[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_SUBJECTS).flatMap((item: unknown) => {
    const [customerId, resourceId] = Array.isArray(item) ? (item as readonly unknown[]) : [];
    if (typeof customerId !== "string" || customerId === "") return [];
    return [{ customerId, resourceId: typeof resourceId === "string" ? resourceId : undefined }];
  });
}

function tooLate(): CodedError {
  return new CodedError("unavailable", "Redis did not answer in time");
}
