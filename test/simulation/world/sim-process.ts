/** One process of the simulation: a processor, a clock, and what ends with it. */
export class SimProcess {
  readonly name: string;
  /** Where it runs: what is partitioned and what shares a disk. */
  readonly host: string;
  isAlive = true;
  /** Until when its processor is busy, or it is stopped, microseconds. */
  busyUntil = 0;
  /** Events that came meanwhile. */
  readonly waiting: { readonly run: () => unknown; readonly isCancelled: boolean }[] = [];
  isResuming = false;
  readonly #onEnd = new Set<() => void>();

  constructor(name: string, host = name) {
    this.name = name;
    this.host = host;
  }

  /** As by SIGKILL: nothing of it runs any more, and its peers see its connections end. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.waiting.length = 0;
    for (const end of [...this.#onEnd]) end();
  }

  /** Stops it as by SIGSTOP. */
  pause(until: number): void {
    this.busyUntil = Math.max(this.busyUntil, until);
  }

  onEnd(end: () => void): () => void {
    this.#onEnd.add(end);
    return () => this.#onEnd.delete(end);
  }
}
