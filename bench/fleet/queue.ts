/** What serves one after the other: a processor, a node of Redis, upstream. Times are seconds. */
export class Queue {
  readonly #served: (number | undefined)[] = [];
  #freeAt = 0;
  #downUntil = 0;

  /** When what is asked now would be done. @param seconds that it takes */
  take(now: number, seconds: number): number {
    this.#freeAt = Math.max(now, this.#freeAt, this.#downUntil) + seconds;
    const second = Math.floor(now);
    this.#served[second] = (this.#served[second] ?? 0) + 1;
    return this.#freeAt;
  }

  /** How long who comes now waits for its turn. */
  waitAt(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }

  isDown(now: number): boolean {
    return now < this.#downUntil;
  }

  /** Nothing is served up to then, and what waited is gone. */
  goDown(until: number): void {
    this.#downUntil = until;
    this.#freeAt = until;
  }

  /** The most that was asked of it within one second of a time. */
  peak(from: number, to: number): number {
    return this.#served.slice(from, to).reduce<number>((most, served = 0) => Math.max(most, served), 0);
  }

  mean(from: number, to: number): number {
    return this.#served.slice(from, to).reduce<number>((sum, served = 0) => sum + served, 0) / (to - from);
  }
}
