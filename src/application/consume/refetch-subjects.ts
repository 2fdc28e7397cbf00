import { type CustomerState, isEmptyState } from "../../domain/customer-state.js";
import { CodedError, type ErrorCode, errorCodeOf } from "../../domain/errors.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import { withPossibleTimestamps } from "../../domain/with-default-timestamps.js";
import type { BackOffTiming, CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { SharedCache } from "../../ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../ports/telemetry.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { type Job, newJob, type Refetch, type RefetchReason } from "./refetch-job.js";
import { type Confirmation, type ConfirmationTiming, UnconfirmedAnswers } from "./unconfirmed-answers.js";
import { isOutage, type WriteAvailability } from "./write-availability.js";
import type { WriteInOrder } from "./write-in-order.js";

/** Of the waits after a failure, until upstream is asked again. */
export interface RefetchOptions extends BackOffTiming, ConfirmationTiming {
  readonly maxConcurrent: number;
  /** How often upstream is asked for one subject that it fails to answer for while it answers for others. */
  readonly maxAttempts: number;
}

interface FetchResult {
  readonly state: CustomerState;
  /** Epoch milliseconds. */
  readonly askedAt: number;
}

/** What a failure of upstream's says of asking again: only what is wrong with the subject itself will never change. */
const IS_WORTH_ASKING_AGAIN: Record<ErrorCode, boolean> = {
  "invalid-argument": false,
  "not-found": false,
  "failed-precondition": false,
  unauthenticated: true,
  "permission-denied": true,
  "resource-exhausted": true,
  "deadline-exceeded": true,
  cancelled: true,
  unavailable: true,
  internal: true,
};

export interface RefetchParts {
  readonly upstream: Pick<UpstreamClient, "fetchState">;
  readonly cache: SharedCache;
  readonly writer: WriteInOrder;
  readonly gate: Pick<WriteAvailability, "examine">;
  readonly telemetry: ConsumptionTelemetry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Brings states in the shared cache up to date by asking upstream, however long upstream is away: until then the
 * old state stays, as the best that is known. Who waits to be asked for again holds nobody's place, and a subject that
 * upstream goes on failing for while it answers for others is given up.
 */
export class RefetchSubjects {
  readonly #parts: RefetchParts;
  readonly #options: RefetchOptions;
  /** To be asked for the first time, and those that failed and are due again. */
  readonly #waiting: Job[] = [];
  readonly #due: Job[] = [];
  readonly #sleeping = new Map<Job, CancelTimer>();
  readonly #waitingBySubject = new SubjectMap<Job>();
  readonly #running = new Set<Job>();
  readonly #runningBySubject = new SubjectMap<Set<Job>>();
  readonly #unconfirmed: UnconfirmedAnswers;
  #runningAgain = 0;
  #answers = 0;
  #isStopped = false;

  constructor(parts: RefetchParts, options: RefetchOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#unconfirmed = new UnconfirmedAnswers(parts.clock, options, (confirmation) => this.#confirm(confirmation));
  }

  /** How far upstream is taken to be behind at most, milliseconds. */
  get lagMs(): number {
    return this.#unconfirmed.lagMs;
  }

  /** How many are under way or wait for their turn. */
  get pending(): number {
    return this.#running.size + this.#waiting.length + this.#due.length + this.#sleeping.size;
  }

  /**
   * @throws CodedError `cancelled` once it is stopped; `internal` where upstream refuses the subject, or it or the cache goes on
   * failing for it alone; else what WriteInOrder throws
   */
  refetch(subject: Subject, onlyIfCached: boolean, reason?: RefetchReason): Promise<void> {
    return this.begin(subject, onlyIfCached, reason).done;
  }

  begin(
    subject: Subject,
    onlyIfCached: boolean,
    { changedAt = -Infinity, isSwept = false, span }: RefetchReason = {},
  ): Refetch {
    // Whoever waits has not asked yet, so what it will learn is as new as anybody could wish.
    const waiting = this.#waitingBySubject.get(subject);
    if (waiting !== undefined) {
      waiting.onlyIfCached &&= onlyIfCached;
      waiting.changedAt = Math.max(waiting.changedAt, changedAt);
      waiting.isSwept &&= isSwept;
      return waiting;
    }
    const job = newJob({ subject, onlyIfCached, changedAt, isSwept, confirms: undefined, span }, this.#options);
    this.#waiting.push(job);
    this.#waitingBySubject.set(subject, job);
    this.#beginMore();
    return job;
  }

  /** A change of the subject was written: an answer to what was asked before may be from before it. */
  supersede(subject: Subject): void {
    for (const job of this.#runningBySubject.get(subject) ?? []) job.superseded++;
  }

  /** What upstream has not answered yet is not waited for. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#sleeping.values()) cancel();
    for (const job of [...this.#waiting.splice(0), ...this.#due.splice(0), ...this.#sleeping.keys()])
      this.#end(job, stopped());
    this.#sleeping.clear();
    this.#unconfirmed.stop();
    for (const job of this.#running) job.stopping.abort();
  }

  /** First attempts go before repeated ones, which never take more than half of the places. */
  #beginMore(): void {
    const { maxConcurrent } = this.#options;
    while (this.#running.size < maxConcurrent) {
      const mayRepeat = this.#runningAgain < Math.ceil(maxConcurrent / 2);
      const first = this.#waiting.shift();
      const job = first ?? (mayRepeat ? this.#due.shift() : undefined);
      if (job === undefined) return;
      this.#waitingBySubject.delete(job.subject);
      void this.#attempt(job, first === undefined);
    }
  }

  async #attempt(job: Job, isRepeated: boolean): Promise<void> {
    const unregister = this.#register(job);
    if (isRepeated) this.#runningAgain++;
    try {
      if (await this.#carryOut(job)) this.#end(job);
      else this.#repeatLater(job);
    } catch (error) {
      await this.#notKept(job, error);
    } finally {
      unregister();
      if (isRepeated) this.#runningAgain--;
      job.onAttempted();
      this.#beginMore();
    }
  }

  #register(job: Job): () => void {
    const { subject } = job;
    const ofSubject = this.#runningBySubject.get(subject) ?? new Set<Job>();
    this.#runningBySubject.set(subject, ofSubject.add(job));
    this.#running.add(job);
    return () => {
      this.#running.delete(job);
      ofSubject.delete(job);
      if (ofSubject.size === 0) this.#runningBySubject.delete(subject);
    };
  }

  /** What the cache fails with for one subject while it takes writes may pass, and must hold up nobody where it does not. */
  async #notKept(job: Job, error: unknown): Promise<void> {
    const { gate, telemetry, logger } = this.#parts;
    if (!isOutage(error) || (await gate.examine(error)) !== undefined) this.#end(job, error);
    else if (++job.attempts < this.#options.maxAttempts) this.#repeatLater(job);
    else {
      telemetry.refetchFailed();
      logger.warn("a state is given up: the shared cache fails for it while it takes writes", {
        ...job.subject,
        attempts: job.attempts,
        error,
      });
      this.#end(job, new CodedError("internal", "the shared cache goes on failing for this subject", { cause: error }));
    }
  }

  #end(job: Job, error?: unknown): void {
    if (error === undefined) job.resolve();
    else job.reject(error);
    job.onAttempted();
  }

  #repeatLater(job: Job): void {
    if (this.#isStopped) {
      this.#end(job, stopped());
      return;
    }
    // Another of the same subject that waits by now will ask for both.
    if (this.#waitingBySubject.get(job.subject) === undefined) this.#waitingBySubject.set(job.subject, job);
    const cancel = this.#parts.clock.after(job.backOff.nextMs(), () => {
      this.#sleeping.delete(job);
      this.#due.push(job);
      this.#beginMore();
    });
    this.#sleeping.set(job, cancel);
  }

  /** @returns false where upstream is to be asked again later */
  async #carryOut(job: Job): Promise<boolean> {
    const { cache } = this.#parts;
    if (job.onlyIfCached && !(await cache.isCached(job.subject))) return true;
    const fetched = await this.#ask(job);
    if (fetched === "later") return false;
    if (fetched === undefined) {
      await cache.purge(job.subject);
      return true;
    }
    await this.#write(job, fetched);
    return true;
  }

  /**
   * What may be from before the change is written all the same where it takes nothing from what is stored: mostly it is not.
   * It is believed for a while, in which upstream is asked again until it shows the change, or has had the time to.
   */
  async #write(job: Job, { state, askedAt }: FetchResult): Promise<void> {
    const { subject, onlyIfCached, changedAt, confirms } = job;
    const { updatedAt } = state;
    const step = confirms?.step ?? 0;
    const write = { change: { type: "entitlements-updated", subject, state } as const, at: askedAt, onlyIfCached };
    if (this.#unconfirmed.isConfirmed({ subject, onlyIfCached, changedAt, step }, updatedAt)) {
      this.#unconfirmed.confirmed(subject, changedAt);
      await this.#parts.writer.write(write);
      return;
    }
    const isKnown = confirms !== undefined && updatedAt !== undefined && updatedAt === confirms.answeredAt;
    if (!isKnown)
      await this.#parts.writer.write({
        ...write,
        believedUntil: askedAt + this.#unconfirmed.believedMs,
        // Without a timestamp nothing else keeps it from taking the place of what is newer.
        unlessStoredAfter: isEmptyState(state) ? changedAt : undefined,
      });
    if (this.#isStopped) return;
    this.#unconfirmed.add({ subject, onlyIfCached, changedAt, step, answeredAt: updatedAt }, job.isSwept);
  }

  #confirm(confirmation: Confirmation): void {
    const { subject, onlyIfCached, changedAt } = confirmation;
    const waiting = this.#waitingBySubject.get(subject);
    if (waiting !== undefined && waiting.changedAt >= changedAt) return;
    const job = newJob(
      { subject, onlyIfCached, changedAt, isSwept: false, confirms: confirmation, span: undefined },
      this.#options,
    );
    job.done.catch((error: unknown) => {
      // Of anything else whoever is told of it is told where it happens.
      if (isOutage(error) && !this.#isStopped) this.#unconfirmed.repeat(confirmation);
    });
    this.#due.push(job);
    this.#beginMore();
  }

  /** @returns undefined where there is no upstream to ask */
  async #ask(job: Job): Promise<FetchResult | "later" | undefined> {
    for (;;) {
      if (this.#isStopped) throw stopped();
      try {
        const supersededBefore = job.superseded;
        const askedAt = this.#parts.clock.now();
        const state = await this.#parts.upstream.fetchState(job.subject, {
          signal: job.stopping.signal,
          span: job.span,
          latest: false,
        });
        this.#answers++;
        if (state === undefined) return undefined;
        // An empty state has no timestamp that could lose against that of the change.
        if (!isEmptyState(state) || job.superseded === supersededBefore)
          return { state: withPossibleTimestamps(state, askedAt), askedAt };
      } catch (error) {
        if (IS_WORTH_ASKING_AGAIN[errorCodeOf(error)]) return this.#failed(job, error);
        return this.#refused(job, error);
      }
    }
  }

  #failed(job: Job, error: unknown): "later" {
    const { telemetry, logger } = this.#parts;
    if (this.#answers > job.answersAtFailure || errorCodeOf(error) === "internal") job.attempts++;
    job.answersAtFailure = this.#answers;
    if (job.attempts < this.#options.maxAttempts) {
      logger.debug("a state could not be refetched yet", { error });
      return "later";
    }
    telemetry.refetchFailed();
    logger.warn("a state is given up: upstream fails for it while it answers for others", {
      ...job.subject,
      attempts: job.attempts,
      error,
    });
    throw new CodedError("internal", "upstream goes on failing for this subject alone", { cause: error });
  }

  async #refused(job: Job, error: unknown): Promise<never> {
    const { telemetry, logger, cache } = this.#parts;
    telemetry.refetchFailed();
    logger.warn("upstream refuses a subject, whose state is removed from the shared cache", { ...job.subject, error });
    await cache.purge(job.subject);
    throw new CodedError("internal", "upstream refuses this subject", { cause: error });
  }
}

function stopped(): CodedError {
  return new CodedError("cancelled", "the process is ending");
}
