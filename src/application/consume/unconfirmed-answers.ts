import { BoundedSubjects, type Subject } from "../../domain/subject.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";

/** How an answer is confirmed that may be from before the change for which it was asked. */
export interface ConfirmationTiming {
  /** How long after the first answer upstream is asked again, milliseconds, in order: by the last it is taken to have caught up. */
  readonly confirmAfterMs: readonly number[];
  /** Of how many subjects that is done; of those on top of it what was written is believed for a short time. */
  readonly maxUnconfirmed: number;
}

/** What upstream is asked again for. */
export interface Confirmation {
  readonly subject: Subject;
  readonly onlyIfCached: boolean;
  /** See RefetchSubjects. */
  readonly changedAt: number;
  /** How often it was asked for already, after the first time. */
  readonly step: number;
  /** Which set of entitlements was answered last, epoch milliseconds; undefined: one without a timestamp. */
  readonly answeredAt: number | undefined;
}

interface Entry {
  readonly changedAt: number;
  readonly cancel: CancelTimer;
}

/** What is written of an unconfirmed answer is believed for so much longer than its confirmation takes, milliseconds. */
const BELIEVED_LONGER_MS = 30_000;

/**
 * Answers of upstream's that may be from before a change, each to be asked for again: a cache of upstream's can be behind what
 * a message said. Time is told by timers alone, since a wall clock may be wrong.
 */
export class UnconfirmedAnswers {
  readonly #clock: Clock;
  readonly #timing: ConfirmationTiming;
  readonly #askAgain: (confirmation: Confirmation) => void;
  readonly #entries: BoundedSubjects<Entry>;

  /** @param askAgain called when it is time to ask upstream again */
  constructor(clock: Clock, timing: ConfirmationTiming, askAgain: (confirmation: Confirmation) => void) {
    this.#clock = clock;
    this.#timing = timing;
    this.#askAgain = askAgain;
    this.#entries = new BoundedSubjects(timing.maxUnconfirmed);
  }

  /** How far upstream is taken to be behind at most, milliseconds. */
  get lagMs(): number {
    return this.#timing.confirmAfterMs.at(-1) ?? 0;
  }

  /** How long an answer is believed that nobody confirms, milliseconds. */
  get believedMs(): number {
    return this.lagMs + BELIEVED_LONGER_MS;
  }

  /**
   * Whether an answer is the last word on a change.
   *
   * @param updatedAt of the answer's set of entitlements, epoch milliseconds
   */
  isConfirmed({ subject, changedAt, step }: Omit<Confirmation, "answeredAt">, updatedAt: number | undefined): boolean {
    if (changedAt === -Infinity || (updatedAt !== undefined && updatedAt >= changedAt)) return true;
    const isLast = step >= this.#timing.confirmAfterMs.length;
    return isLast && (this.#entries.get(subject)?.changedAt ?? -Infinity) <= changedAt;
  }

  /** Asks again when it is time to. Of two changes of a subject the later counts, and of more subjects than are remembered those that came first. */
  add(confirmation: Confirmation, isLastOnly = false): void {
    const { step } = confirmation;
    const { confirmAfterMs } = this.#timing;
    const next = isLastOnly ? confirmAfterMs.length - 1 : step;
    const waitMs = (confirmAfterMs[next] ?? this.lagMs) - (step === 0 ? 0 : (confirmAfterMs[step - 1] ?? 0));
    this.#addAfter(waitMs, { ...confirmation, step: next + 1 });
  }

  /** The same ask once more: it failed for what has nothing to do with it. */
  repeat(confirmation: Confirmation): void {
    this.#addAfter(this.#timing.confirmAfterMs[0] ?? 0, confirmation);
  }

  /** A change of a subject is confirmed. */
  confirmed(subject: Subject, changedAt: number): void {
    const entry = this.#entries.get(subject);
    if (entry === undefined || entry.changedAt > changedAt) return;
    entry.cancel();
    this.#entries.delete(subject);
  }

  stop(): void {
    for (const { cancel } of this.#entries.values()) cancel();
    this.#entries.clear();
  }

  #addAfter(waitMs: number, confirmation: Confirmation): void {
    const { subject, changedAt } = confirmation;
    const before = this.#entries.get(subject);
    if (before !== undefined && before.changedAt > changedAt) return;
    if (!this.#entries.hasRoomFor(subject)) return;
    before?.cancel();
    const cancel = this.#clock.after(waitMs, () => {
      this.#entries.delete(subject);
      this.#askAgain(confirmation);
    });
    this.#entries.set(subject, { changedAt, cancel });
  }
}
