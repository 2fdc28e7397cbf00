/** Milliseconds between two turns of the event loop from which on fewer jobs are begun in each. */
const LONG_TURN_MS = 10;
const SHORT_TURN_MS = 4;
const FIRST_BATCH = 8;
const MAX_BATCH = 64;

/** @returns whether it began work: one that nobody waits for any more takes no place in a turn */
type Job = () => boolean;

/**
 * Work off the fast path, in turns: of the connections that have some, each has one job begun after the other. How many are
 * begun in one turn of the event loop follows from how long the last turn took as a whole: what a job costs shows in the
 * microtasks after it, and cannot be timed around its start.
 */
export class FairQueue {
  /** In the order of their turns. */
  readonly #waiting = new Map<object, Job[]>();
  #batch = FIRST_BATCH;
  #isScheduled = false;
  #lastTurnAt: number | undefined;

  /** How many jobs wait. */
  get size(): number {
    let size = 0;
    for (const jobs of this.#waiting.values()) size += jobs.length;
    return size;
  }

  /** @param owner among whom the turns are shared: a connection. @param job must not throw */
  add(owner: object, job: Job): void {
    const jobs = this.#waiting.get(owner);
    if (jobs === undefined) this.#waiting.set(owner, [job]);
    else jobs.push(job);
    this.#schedule();
  }

  /** The owner is gone, and with it its jobs. */
  remove(owner: object): void {
    this.#waiting.delete(owner);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    const now = performance.now();
    if (this.#lastTurnAt !== undefined) this.#adapt(now - this.#lastTurnAt);
    for (let begun = 0; begun < this.#batch;) {
      const next = this.#waiting.entries().next();
      if (next.done === true) break;
      const [owner, jobs] = next.value;
      const job = jobs.shift();
      // Behind all others that wait.
      this.#waiting.delete(owner);
      if (jobs.length > 0) this.#waiting.set(owner, jobs);
      if (job?.() === true) begun++;
    }
    this.#lastTurnAt = this.#waiting.size > 0 ? now : undefined;
    if (this.#waiting.size > 0) this.#schedule();
  };

  #adapt(turnMs: number): void {
    if (turnMs > LONG_TURN_MS) this.#batch = Math.max(1, this.#batch >> 1);
    else if (turnMs < SHORT_TURN_MS) this.#batch = Math.min(MAX_BATCH, this.#batch + 1);
  }
}
