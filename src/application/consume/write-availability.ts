import { CodedError, errorCodeOf } from "../../domain/errors.js";
import { BackOff, type BackOffTiming, type CancelTimer, type Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { SharedCache } from "../../ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../ports/telemetry.js";
import { Waiters } from "../../ports/waits.js";

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
  readonly #backOff: BackOff;
  readonly #waiters = new Waiters();
  #isOpen = false;
  #isStopped = false;
  #failedTries = 0;
  #onOlderData: () => void = () => undefined;
  #cancelTimer: CancelTimer | undefined;

  /** @param timing of the waits after a failure, until the cache is tried again */
  constructor(
    cache: SharedCache,
    clock: Clock,
    logger: Logger,
    telemetry: Pick<ConsumptionTelemetry, "writeFailed">,
    timing: BackOffTiming,
  ) {
    this.#cache = cache;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger);
    this.#telemetry = telemetry;
    this.#backOff = new BackOff(timing);
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

  /** Calls back where the cache takes writes again and has lost what it had confirmed. One listener. */
  onOlderData(listener: () => void): void {
    this.#onOlderData = listener;
  }

  /** The cache does not take writes. */
  close(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#outage.lost("error", "shared cache rejects writes; consumption paused", { error });
    this.#tryLater();
  }

  /**
   * Finds out whether a failure is the cache's as a whole, and closes where it is.
   *
   * @returns that failure; undefined where writes are taken all the same
   */
  async examine(failure: unknown): Promise<CodedError | undefined> {
    try {
      await this.#cache.probe();
      return undefined;
    } catch {
      const outage =
        failure instanceof CodedError && isOutage(failure)
          ? failure
          : new CodedError("unavailable", "the shared cache takes no writes", { cause: failure });
      this.close(outage);
      return outage;
    }
  }

  /** Resolves once it is open, or the signal aborts. */
  whenOpen(signal: AbortSignal): Promise<void> {
    return this.#isOpen ? Promise.resolve() : this.#waiters.wait({ signal });
  }

  /** A write was taken: whatever closes the gate next is tried again soon. */
  wrote(): void {
    this.#backOff.reset();
  }

  stop(): void {
    this.#isStopped = true;
    this.#isOpen = false;
    this.#cancelTimer?.();
  }

  async #try(): Promise<void> {
    let hasOlderData: boolean;
    try {
      await this.#cache.probe();
      // Before anything is written: what is written next would hide it.
      hasOlderData = await this.#cache.hasOlderData();
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
    this.#waiters.release();
    if (hasOlderData) this.#onOlderData();
  }

  #tryLater(): void {
    if (this.#isStopped) return;
    this.#cancelTimer = this.#clock.after(this.#backOff.nextMs(), () => void this.#try());
  }
}

/** Whether a failure may be that of a cache that takes no writes for now. */
export function isOutage(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code === "unavailable" || code === "failed-precondition";
}
