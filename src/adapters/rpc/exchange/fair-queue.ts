/** How long jobs are begun in one turn of the event loop, milliseconds; the last of them may end later. */
const TURN_MS = 10;
/** Jobs begun in one turn, however cheap. */
const MAX_BATCH = 64;
/**
 * Turns of the event loop that pass behind one that was used up. In each of them libuv accepts one connection: who is new would else
 * wait for as many dear jobs as connections came before.
 */
const TURNS_BETWEEN = 32;

/** @returns whether it began work: one that nobody waits for any more takes no place in a turn */
type Job = () => boolean;

/**
 * Work off the fast path, and what is dear on it, in turns: of the connections that have some, each has one job begun after the
 * other, until the time of a turn is used up. Each job is begun by a callback of its own, behind which its microtasks run: what it
 * costs is known before the next.
 */
export class FairQueue {
  /** In the order of their turns. */
  readonly #waiting = new Map<object, Job[]>();
  /** Callbacks of this turn that are still to come. */
  #callbacks = 0;
  #isScheduled = false;
  #turnBeganAt: number | undefined;
  /** What was spent out of turn since the event loop went round last, milliseconds. */
  #spentMs = 0;

  /** How many jobs wait. */
  get size(): number {
    let size = 0;
    for (const jobs of this.#waiting.values()) size += jobs.length;
    return size;
  }

  /** Whether a dear job may be done at once: none waits, and this turn of the event loop has time left. */
  get hasTime(): boolean {
    return this.#waiting.size === 0 && this.#spentMs < TURN_MS;
  }

  /** A dear job was done at once. */
  spent(ms: number): void {
    if (this.#spentMs === 0) setImmediate(this.#forgetSpent);
    this.#spentMs += ms;
  }

  /** @param owner among whom the turns are shared: a connection. @param job must not throw */
  add(owner: object, job: Job): void {
    const jobs = this.#waiting.get(owner);
    if (jobs === undefined) this.#waiting.set(owner, [job]);
    else jobs.push(job);
    if (!this.#isScheduled) this.#scheduleTurn();
  }

  /** The owner is gone, and with it its jobs. */
  remove(owner: object): void {
    this.#waiting.delete(owner);
  }

  #scheduleTurn(): void {
    this.#turnBeganAt = undefined;
    this.#callbacks = 0;
    for (const jobs of this.#waiting.values()) {
      this.#callbacks = Math.min(MAX_BATCH, this.#callbacks + jobs.length);
      if (this.#callbacks === MAX_BATCH) break;
    }
    // Those that waited may be gone.
    this.#isScheduled = this.#callbacks > 0;
    for (let callback = 0; callback < this.#callbacks; callback++) setImmediate(this.#step);
  }

  readonly #step = (): void => {
    const now = performance.now();
    this.#turnBeganAt ??= now;
    const hasTime = now - this.#turnBeganAt < TURN_MS;
    if (hasTime) this.#beginOne();
    if (--this.#callbacks > 0) return;
    if (hasTime) this.#scheduleTurn();
    else this.#rest(TURNS_BETWEEN);
  };

  #beginOne(): void {
    for (;;) {
      const next = this.#waiting.entries().next();
      if (next.done === true) return;
      const [owner, jobs] = next.value;
      const job = jobs.shift();
      // Behind all others that wait.
      this.#waiting.delete(owner);
      if (jobs.length > 0) this.#waiting.set(owner, jobs);
      if (job?.() === true) return;
    }
  }

  #rest(turns: number): void {
    setImmediate(() => {
      if (turns > 1) this.#rest(turns - 1);
      else this.#scheduleTurn();
    });
  }

  readonly #forgetSpent = (): void => {
    this.#spentMs = 0;
  };
}
