import { BoundedSubjects, type Subject } from "../../../../domain/subject.js";
import type { RedisCommands } from "./redis-commands.js";
import { readTimestamp, stateKey, timestampKey } from "./redis-keys.js";
import type { PendingRepair } from "./repairs.js";

/** What this process wrote of a subject lately, and Redis confirmed. */
interface JournalEntry {
  readonly subject: Subject;
  readonly kind: PendingRepair["kind"];
  readonly since: number;
  /** Timestamp keys with the epoch milliseconds written to them; 0: of data without a timestamp. */
  readonly timestamps: Map<string, number>;
}

export interface JournalFindings {
  /** Of these, Redis has something older than what it had confirmed. */
  readonly lost: readonly PendingRepair[];
  /** Whether more was written than the journal remembers. */
  readonly isIncomplete: boolean;
}

const DEFAULT_MAX_SUBJECTS = 10_000;
const MAX_KEYS_PER_SUBJECT = 100;
/** Subjects looked at together. */
const BATCH = 50;

/**
 * Remembers the latest confirmed writes, to find out after a loss of the connection whether Redis has come back with
 * older data: from a snapshot, or as a replica that had not heard of all. What is not there at all is nobody's to trust.
 */
export class WrittenJournal {
  readonly #environment: string;
  readonly #entries: BoundedSubjects<JournalEntry>;
  #isIncomplete = false;

  constructor(environment: string, maxSubjects = DEFAULT_MAX_SUBJECTS) {
    this.#environment = environment;
    this.#entries = new BoundedSubjects(maxSubjects);
  }

  /**
   * @param since when it became known, epoch milliseconds
   * @param written keys of values with the timestamp that each was given, epoch milliseconds
   */
  wrote(
    subject: Subject,
    since: number,
    written: readonly (readonly [key: string, timestamp: number | undefined])[],
  ): void {
    const before = this.#entries.get(subject);
    const timestamps = before?.kind === "write" ? before.timestamps : new Map<string, number>();
    for (const [key, timestamp] of written) {
      if (timestamps.size < MAX_KEYS_PER_SUBJECT || timestamps.has(timestampKey(key)))
        timestamps.set(timestampKey(key), timestamp ?? 0);
    }
    this.#remember({ subject, kind: "write", since, timestamps });
  }

  removed(subject: Subject, since: number): void {
    this.#remember({
      subject,
      kind: "remove",
      since,
      timestamps: new Map([[timestampKey(stateKey(this.#environment, subject)), Infinity]]),
    });
  }

  /** @throws CodedError as RedisCommands does */
  async verify(redis: Pick<RedisCommands, "read">): Promise<JournalFindings> {
    const lost: PendingRepair[] = [];
    const entries = [...this.#entries.values()];
    for (let from = 0; from < entries.length; from += BATCH) {
      const batch = entries.slice(from, from + BATCH);
      const stored = await redis.read(batch.flatMap(({ timestamps }) => [...timestamps.keys()]));
      let next = 0;
      for (const { subject, kind, since, timestamps } of batch) {
        let isLost = false;
        for (const written of timestamps.values()) {
          const now = readTimestamp(stored[next++]);
          // Whether data without a timestamp is the newer can only be seen from what it says.
          if (now !== undefined && (written === 0 ? now !== 0 : now < written)) isLost = true;
        }
        if (isLost) lost.push({ subject, kind, since });
      }
    }
    return { lost, isIncomplete: this.#isIncomplete };
  }

  #remember(entry: JournalEntry): void {
    this.#entries.set(entry.subject, entry);
    if (!this.#entries.isOverfull) return;
    this.#entries.takeOldest();
    this.#isIncomplete = true;
  }
}
