import { errorCodeOf } from "../../domain/errors.js";
import { BackOff, type BackOffTiming, type CancelTimer, type Clock, type Random } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { Telemetry, UpstreamTarget } from "../../ports/telemetry.js";
import { Cancellation, type CancelSignal } from "../../ports/waits.js";

/** Of the waits after a failure, until upstream is asked again. Jittered. */
export interface StartUpCheckOptions extends BackOffTiming {
  /** How upstream is named in the log, with its address. */
  readonly name: string;
  /** Whose state it is to be seen at, from before anybody else asked it. */
  readonly target: UpstreamTarget;
  /** Asks upstream for what it gives to a valid key alone. */
  readonly probe: (signal: CancelSignal) => Promise<unknown>;
  readonly random: Random;
}

/**
 * Finds out, beside everything else, whether upstream is there and takes the API key, until it has been once.
 * Nothing waits for it: its only effects are what is counted and logged.
 */
export class StartUpCheck {
  readonly #options: StartUpCheckOptions;
  readonly #backOff: BackOff;
  readonly #clock: Clock;
  readonly #outage: OutageLog;
  readonly #telemetry: Telemetry;
  readonly #abort = new Cancellation();
  #cancelTimer: CancelTimer | undefined;
  /** Resolves once upstream has answered and taken the key. */
  readonly reached: Promise<void>;
  #isReached!: () => void;

  constructor(options: StartUpCheckOptions, clock: Clock, logger: Logger, telemetry: Telemetry) {
    this.#options = options;
    this.#backOff = new BackOff(options, options.random);
    this.#clock = clock;
    this.#outage = new OutageLog(logger);
    this.#telemetry = telemetry;
    this.reached = new Promise((resolve) => (this.#isReached = resolve));
  }

  start(): void {
    void this.#check();
  }

  stop(): void {
    this.#abort.abort();
    this.#cancelTimer?.();
  }

  async #check(): Promise<void> {
    try {
      await this.#options.probe(this.#abort);
      this.#isReached();
      this.#show(true);
      this.#outage.works(`${this.#options.name} is reached now and takes the API key`);
    } catch (error) {
      if (this.#abort.aborted) return;
      this.#telemetry.initializationErrors++;
      this.#tell(error);
      this.#cancelTimer = this.#clock.after(this.#backOff.nextMs(), () => void this.#check());
    }
  }

  /** Once for each kind of failure, not for each try. */
  #tell(error: unknown): void {
    const code = errorCodeOf(error);
    const { name } = this.#options;
    if (code === "unauthenticated") {
      this.#outage.lost(
        "error",
        `${name} refuses the API key: correct SERVER_API_KEY; until then cached states and fallbacks answer`,
        { error },
        code,
      );
    } else {
      this.#outage.lost(
        "warn",
        `${name} did not answer at the start: cached states and fallbacks answer until it does`,
        { error },
        code,
      );
    }
    // Who refuses the key is there; that has a state of its own.
    this.#show(code === "unauthenticated");
  }

  #show(isUp: boolean): void {
    for (const state of this.#telemetry.dependencies)
      if (state.name === this.#options.target) state.set(isUp, isUp ? undefined : this.#outage.fault);
  }
}
