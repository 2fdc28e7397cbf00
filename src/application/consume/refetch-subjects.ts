import { type CustomerState, isEmptyState } from "../../domain/customer-state.js";
import { CodedError, type ErrorCode, errorCodeOf } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import { SubjectMap } from "../../domain/subject-map.js";
import { BackOff, type BackOffTiming } from "../../ports/back-off.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { SharedCache } from "../../ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../ports/telemetry.js";
import type { Span } from "../../ports/tracer.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { WriteInOrder } from "./write-in-order.js";

/** Of the waits after a failure, until upstream is asked again. */
export interface RefetchOptions extends BackOffTiming {
  readonly maxConcurrent: number;
  /** How often upstream is asked for one subject that it fails to answer for while it answers for others. */
  readonly maxAttempts: number;
}

interface Job {
  readonly subject: Subject;
  onlyIfCached: boolean;
  /** How often the subject was written while upstream was being asked. */
  superseded: number;
  /** Failures while upstream answered for others. */
  attempts: number;
  readonly backOff: BackOff;
  /** How many answers upstream had given when it last failed for this one. */
  answersAtFailure: number;
  readonly stopping: AbortController;
  /** Of the first who asked for it. */
  readonly span: Span | undefined;
  readonly attempted: Promise<void>;
  readonly onAttempted: () => void;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How far a refetch is. */
export interface Refetch {
  /** Upstream was asked once, whatever came of it. Never rejects. */
  readonly attempted: Promise<void>;
  /** As `refetch` says. */
  readonly done: Promise<void>;
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
  #runningAgain = 0;
  #answers = 0;
  #isStopped = false;

  constructor(parts: RefetchParts, options: RefetchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** How many are under way or wait for their turn. */
  get pending(): number {
    return this.#running.size + this.#waiting.length + this.#due.length + this.#sleeping.size;
  }

  /**
   * @throws CodedError `cancelled` once it is stopped; `internal` where upstream refuses the subject, or goes on failing
   * for it alone; else what WriteInOrder throws
   */
  refetch(subject: Subject, onlyIfCached: boolean, span?: Span): Promise<void> {
    return this.begin(subject, onlyIfCached, span).done;
  }

  begin(subject: Subject, onlyIfCached: boolean, span?: Span): Refetch {
    // Whoever waits has not asked yet, so what it will learn is as new as anybody could wish.
    const waiting = this.#waitingBySubject.get(subject);
    if (waiting !== undefined) {
      waiting.onlyIfCached &&= onlyIfCached;
      return waiting;
    }
    const job = newJob(subject, onlyIfCached, new BackOff(this.#options), span);
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
      this.#end(job, error);
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
    const { cache, writer } = this.#parts;
    if (job.onlyIfCached && !(await cache.isCached(job.subject))) return true;
    const fetched = await this.#ask(job);
    if (fetched === "later") return false;
    if (fetched === undefined) {
      await cache.purge(job.subject);
      return true;
    }
    const { subject, onlyIfCached } = job;
    await writer.write({
      change: { type: "entitlements-updated", subject, state: fetched.state },
      at: fetched.askedAt,
      onlyIfCached,
    });
    return true;
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
        if (!isEmptyState(state) || job.superseded === supersededBefore) return { state, askedAt };
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

function newJob(subject: Subject, onlyIfCached: boolean, backOff: BackOff, span: Span | undefined): Job {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  let onAttempted!: () => void;
  const done = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  const attempted = new Promise<void>((onEnd) => (onAttempted = onEnd));
  const counts = { superseded: 0, attempts: 0, answersAtFailure: 0 };
  return {
    subject,
    onlyIfCached,
    backOff,
    ...counts,
    stopping: new AbortController(),
    span,
    attempted,
    onAttempted,
    done,
    resolve,
    reject,
  };
}

function stopped(): CodedError {
  return new CodedError("cancelled", "the process is ending");
}
