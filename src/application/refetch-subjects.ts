import { isEmptyState, type CustomerState } from "../domain/customer-state.js";
import { CodedError, errorCodeOf, type ErrorCode } from "../domain/errors.js";
import type { Subject } from "../domain/subject.js";
import { SubjectMap } from "../domain/subject-map.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { SharedCache } from "../ports/shared-cache.js";
import type { UpstreamClient } from "../ports/upstream-client.js";
import { elapse } from "./elapse.js";
import type { WriteInOrder } from "./write-in-order.js";

export interface RefetchOptions {
  readonly maxConcurrent: number;
  /** How long after a failure upstream is asked again, milliseconds; doubled each time up to the longest. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

interface Job {
  readonly subject: Subject;
  onlyIfCached: boolean;
  /** How often the subject was written while this was under way. */
  overtaken: number;
  readonly stopping: AbortController;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Told {
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

/**
 * Brings states in the shared cache up to date by asking upstream, however long upstream is away: until then the
 * old state stays, as the best that is known.
 */
export class RefetchSubjects {
  readonly #upstream: Pick<UpstreamClient, "fetchState">;
  readonly #cache: SharedCache;
  readonly #writer: WriteInOrder;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: RefetchOptions;
  readonly #waiting: Job[] = [];
  readonly #waitingBySubject = new SubjectMap<Job>();
  readonly #running = new Set<Job>();
  readonly #runningBySubject = new SubjectMap<Set<Job>>();
  #isStopped = false;

  constructor(
    upstream: Pick<UpstreamClient, "fetchState">,
    cache: SharedCache,
    writer: WriteInOrder,
    clock: Clock,
    logger: Logger,
    options: RefetchOptions,
  ) {
    this.#upstream = upstream;
    this.#cache = cache;
    this.#writer = writer;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  /** How many are under way or wait for their turn. */
  get pending(): number {
    return this.#running.size + this.#waiting.length;
  }

  /** @throws CodedError `cancelled` once it is stopped; else what WriteInOrder throws */
  refetch(subject: Subject, onlyIfCached: boolean): Promise<void> {
    // Whoever waits has not asked yet, so what it will be told is as new as anybody could wish.
    const waiting = this.#waitingBySubject.get(subject);
    if (waiting !== undefined) {
      waiting.onlyIfCached &&= onlyIfCached;
      return waiting.done;
    }
    const job = newJob(subject, onlyIfCached);
    this.#waiting.push(job);
    this.#waitingBySubject.set(subject, job);
    this.#begin();
    return job.done;
  }

  /** News of the subject were written: an answer to what was asked before them may be from before them. */
  overtake(subject: Subject): void {
    for (const job of this.#runningBySubject.get(subject) ?? []) job.overtaken++;
  }

  /** What upstream has not told yet is not waited for. */
  stop(): void {
    this.#isStopped = true;
    for (const job of this.#waiting.splice(0)) job.reject(stopped());
    for (const job of this.#running) job.stopping.abort();
  }

  #begin(): void {
    while (this.#running.size < this.#options.maxConcurrent) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#waitingBySubject.delete(job.subject);
      const end = this.#register(job);
      void this.#carryOut(job)
        .then(job.resolve, job.reject)
        .then(() => {
          end();
          this.#begin();
        });
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

  async #carryOut(job: Job): Promise<void> {
    if (job.onlyIfCached && !(await this.#cache.isCached(job.subject))) return;
    const told = await this.#ask(job);
    if (told === undefined) {
      await this.#cache.purge(job.subject);
      return;
    }
    const { subject, onlyIfCached } = job;
    await this.#writer.write({ change: { type: "entitlements-updated", subject, state: told.state }, at: told.askedAt, onlyIfCached });
  }

  /** @returns undefined where upstream will never tell */
  async #ask(job: Job): Promise<Told | undefined> {
    let delayMs = this.#options.firstDelayMs;
    for (;;) {
      if (this.#isStopped) throw stopped();
      try {
        const overtakenBefore = job.overtaken;
        const askedAt = this.#clock.now();
        const state = await this.#upstream.fetchState(job.subject, { signal: job.stopping.signal, latest: false });
        if (state === undefined) return undefined;
        // An empty state has no moment that could lose against that of the news.
        if (!isEmptyState(state) || job.overtaken === overtakenBefore) return { state, askedAt };
      } catch (error) {
        if (!IS_WORTH_ASKING_AGAIN[errorCodeOf(error)]) {
          this.#logger.warn("upstream will not tell a state, which is removed from the shared cache", { error });
          return undefined;
        }
        this.#logger.debug("a state could not be refetched yet", { error });
        await elapse(delayMs, this.#clock, job.stopping.signal);
        delayMs = Math.min(delayMs * 2, this.#options.longestDelayMs);
      }
    }
  }
}

function newJob(subject: Subject, onlyIfCached: boolean): Job {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const done = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { subject, onlyIfCached, overtaken: 0, stopping: new AbortController(), done, resolve, reject };
}

function stopped(): CodedError {
  return new CodedError("cancelled", "the process is ending");
}
