/** Milliseconds. */
export interface LinkTiming {
  /** From the first byte to a server that is ready, each step of it. */
  readonly connectTimeoutMs: number;
  /** How often the other side is asked for a sign of life: a connection on which nothing came meanwhile is silent. */
  readonly pingIntervalMs: number;
  /** A connection that has been silent for so long is given up; until then an answer still counts. */
  readonly silenceLimitMs: number;
  readonly firstReconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
}

export const LINK_TIMING: LinkTiming = {
  connectTimeoutMs: 1_000,
  pingIntervalMs: 500,
  silenceLimitMs: 3_000,
  firstReconnectDelayMs: 20,
  maxReconnectDelayMs: 1_000,
};

/** When to try again, ever later; spread so that those who lost Redis together do not come back together. */
export class ReconnectDelay {
  readonly #timing: LinkTiming;
  readonly #random: () => number;
  #tries = 0;

  /** @param random from 0 (included) to 1 (excluded) */
  constructor(timing: LinkTiming, random: () => number) {
    this.#timing = timing;
    this.#random = random;
  }

  /** @param lastedMs how long the connection was of use; one that ends at once is no better than none */
  nextMs(lastedMs: number): number {
    const { firstReconnectDelayMs, maxReconnectDelayMs } = this.#timing;
    if (lastedMs >= maxReconnectDelayMs) this.#tries = 0;
    const delayMs = Math.min(maxReconnectDelayMs, firstReconnectDelayMs * 2 ** this.#tries);
    if (delayMs < maxReconnectDelayMs) this.#tries++;
    return delayMs * (0.5 + this.#random() / 2);
  }
}
