import { CodedError } from "../../domain/errors.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { ConsumptionTelemetry } from "../../ports/consumption-telemetry.js";
import type { Logger } from "../../ports/logger.js";
import { OutageLog } from "../../ports/outage-log.js";
import type { SharedCache } from "../../ports/shared-cache.js";

export interface GateTiming {
  /** How long after a failure the cache is tried again, milliseconds; doubled each time up to the longest. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** So many may fail before the connection is there, which at a start is no outage. */
const TRIES_OF_A_START = 3;

/**
 * Open while the shared cache takes writes. Closed at the first one that it does not take, and at the start;
 * it is then tried by itself until it takes one, so that no message has to serve as a try.
 */
export class WriteAvailability {
  readonly #cache: SharedCache;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #outage: OutageLog;
  readonly #telemetry: Pick<ConsumptionTelemetry, "writeFailed">;
  readonly #timing: GateTiming;
  readonly #waiting = new Set<() => void>();
  #isOpen = false;
  #isStopped = false;
  #delayMs: number;
  #failedTries = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(
    cache: SharedCache,
    clock: Clock,
    logger: Logger,
    telemetry: Pick<ConsumptionTelemetry, "writeFailed">,
    timing: GateTiming,
  ) {
    this.#cache = cache;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger);
    this.#telemetry = telemetry;
    this.#timing = timing;
    this.#delayMs = timing.firstDelayMs;
    cache.onConnectionChange(() => {
      if (!cache.isConnected) this.close(new CodedError("unavailable", "the connection is lost"));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  start(): void {
    void this.#try();
  }

  /** The cache does not take writes. */
  close(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#outage.lost("error", "shared cache rejects writes; consumption paused", { error });
    this.#tryLater();
  }

  /** Resolves once it is open, or the signal aborts. */
  whenOpen(signal: AbortSignal): Promise<void> {
    if (this.#isOpen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const release = () => {
        this.#waiting.delete(release);
        signal.removeEventListener("abort", release);
        resolve();
      };
      this.#waiting.add(release);
      signal.addEventListener("abort", release);
    });
  }

  /** A write was taken: whatever closes the gate next is tried again soon. */
  wrote(): void {
    this.#delayMs = this.#timing.firstDelayMs;
  }

  stop(): void {
    this.#isStopped = true;
    this.#isOpen = false;
    this.#cancelTimer?.();
  }

  async #try(): Promise<void> {
    try {
      await this.#cache.probe();
    } catch (error) {
      this.#failedTries++;
      // While it is closed nothing else is written that could fail: whoever watches the count has to see the outage go on.
      if (this.#outage.isLost || this.#failedTries > TRIES_OF_A_START) this.#telemetry.writeFailed();
      this.#logger.debug("the shared cache still takes no writes", { error });
      this.#tryLater();
      return;
    }
    if (this.#isStopped) return;
    this.#isOpen = true;
    this.#failedTries = 0;
    this.#outage.recovered("the shared cache takes writes");
    for (const release of [...this.#waiting]) release();
  }

  #tryLater(): void {
    if (this.#isStopped) return;
    this.#cancelTimer = this.#clock.after(this.#delayMs, () => void this.#try());
    this.#delayMs = Math.min(this.#delayMs * 2, this.#timing.longestDelayMs);
  }
}
