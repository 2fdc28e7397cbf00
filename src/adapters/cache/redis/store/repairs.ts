import { CodedError } from "../../../../domain/errors.js";
import { BoundedSubjects, type Subject } from "../../../../domain/subject.js";
import { BackOff, type CancelTimer, type Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";

/** What Redis has of a subject is older than what is known here. */
export interface PendingRepair {
  readonly subject: Subject;
  /** `write`: what is cached here is the newer; `remove`: nothing is known but that what Redis has is out of date. */
  readonly kind: "write" | "remove";
  /** When the newer became known, epoch milliseconds. */
  readonly since: number;
}

export interface RepairsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Repairs one subject; rejects with a CodedError where Redis cannot be written for now. */
  readonly repair: (pending: PendingRepair) => Promise<void>;
  /** Has Redis take a write of no consequence; rejects likewise. What is repaired may turn out to need none. */
  readonly probe: () => Promise<void>;
  /** Has everybody ask again for all that Redis holds from before a time; rejects likewise. */
  readonly markAllStale: (before: number) => Promise<void>;
  readonly maxSubjects?: number | undefined;
}

const DEFAULT_MAX_SUBJECTS = 10_000;
const MAX_CONCURRENT = 8;
const RETRY = { firstDelayMs: 250, longestDelayMs: 10_000 };

/**
 * Remembers what could not be written to a Redis that others trust, and writes it once that is possible. Bounded: of too
 * many changes, everything that Redis holds is marked stale instead; of too many others, the rest is left to expire.
 */
export class Repairs {
  readonly #parts: RepairsParts;
  readonly #pending: BoundedSubjects<PendingRepair>;
  #allStaleBefore: number | undefined;
  #isRunning = false;
  readonly #backOff = new BackOff(RETRY);
  #cancelTimer: CancelTimer | undefined;
  #isStopped = false;
  #hasFailed = false;

  constructor(parts: RepairsParts) {
    this.#parts = parts;
    this.#pending = new BoundedSubjects(parts.maxSubjects ?? DEFAULT_MAX_SUBJECTS);
  }

  get count(): number {
    return this.#pending.size;
  }

  /** @param isChange whether the subject is known to have changed, so that nobody may go on trusting what Redis has */
  add(pending: PendingRepair, isChange: boolean): void {
    if (!this.#pending.hasRoomFor(pending.subject)) {
      if (isChange) this.markAllStale(pending.since);
      return;
    }
    this.#pending.set(pending.subject, pending);
    this.#runLater();
  }

  markAllStale(before: number): void {
    this.#allStaleBefore = Math.max(this.#allStaleBefore ?? -Infinity, before);
    this.#runLater();
  }

  /** Redis has it by other means. */
  settled(subject: Subject, knownAt: number): void {
    if (this.count === 0) return;
    const pending = this.#pending.get(subject);
    if (pending === undefined || pending.since > knownAt) return;
    this.#remove(pending);
    this.#restored();
  }

  /** Redis may be there again. */
  retry(): void {
    this.#backOff.reset();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  /** Whether Redis has all of it. */
  get isDone(): boolean {
    return this.count === 0 && this.#allStaleBefore === undefined;
  }

  #runLater(): void {
    if (this.#isStopped || this.#isRunning || this.isDone || this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#parts.clock.after(this.#backOff.nextMs(), () => {
      this.#cancelTimer = undefined;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#isRunning || this.isDone || this.#isStopped) return;
    this.#isRunning = true;
    try {
      await this.#runOnce();
      this.#restored();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isRunning = false;
      this.#runLater();
    }
  }

  async #runOnce(): Promise<void> {
    await this.#parts.probe();
    const before = this.#allStaleBefore;
    if (before !== undefined) {
      await this.#parts.markAllStale(before);
      if (this.#allStaleBefore === before) this.#allStaleBefore = undefined;
    }
    const todo = [...this.#pending.values()].values();
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, () => this.#work(todo)));
  }

  async #work(todo: Iterator<PendingRepair>): Promise<void> {
    for (let next = todo.next(); next.done !== true; next = todo.next()) {
      const pending = next.value;
      if (this.#pending.get(pending.subject) !== pending) continue;
      try {
        await this.#parts.repair(pending);
        this.#remove(pending);
      } catch (error) {
        this.#toTheEnd(pending);
        throw error;
      }
    }
  }

  #remove(pending: PendingRepair): void {
    if (this.#pending.get(pending.subject) === pending) this.#pending.delete(pending.subject);
  }

  /** So that one which always fails does not keep the others from their turn. */
  #toTheEnd(pending: PendingRepair): void {
    if (this.#pending.get(pending.subject) === pending) this.#pending.set(pending.subject, pending);
  }

  #failed(error: unknown): void {
    const { logger } = this.#parts;
    if (!(error instanceof CodedError)) {
      logger.error("a state could not be repaired in Redis: unexpected error", { error });
      return;
    }
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    logger.warn("changes cannot be written to Redis; they are written as soon as it takes writes", {
      subjects: this.count,
      reason: error.message,
    });
  }

  #restored(): void {
    if (!this.#hasFailed || !this.isDone) return;
    this.#hasFailed = false;
    this.#parts.logger.warn("all changes that Redis had missed are written");
  }
}
