import { CodedError } from "../../domain/errors.js";
import { BackOff, type BackOffTiming } from "../../ports/back-off.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { elapse } from "../../ports/waits.js";
import type { RefreshAllStates } from "./refresh-all-states.js";
import type { WriteAvailability } from "./write-availability.js";

export interface RollbackParts {
  readonly gate: Pick<WriteAvailability, "onOlderData">;
  readonly sweep: Pick<RefreshAllStates, "sweep">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Has every state refetched once the shared cache has come back with older data than it had confirmed, as from a copy or by a fail-over
 * to a replica that was behind: the messages of the changes that it lost are gone from the queue.
 */
export class RefetchAfterRollback {
  readonly #parts: RollbackParts;
  readonly #backOff: BackOff;
  readonly #stopping = new AbortController();

  constructor(parts: RollbackParts, timing: BackOffTiming) {
    this.#parts = parts;
    this.#backOff = new BackOff(timing);
  }

  start(): void {
    const { gate, logger } = this.#parts;
    gate.onOlderData(() => {
      logger.warn("the shared cache has come back with older data than it had confirmed: every state is refetched");
      void this.#refetch();
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Tries again for as long as it takes: nothing else would bring what was lost. */
  async #refetch(): Promise<void> {
    const { sweep, clock, logger } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await sweep.sweep();
        this.#backOff.reset();
        return;
      } catch (error) {
        if (!(error instanceof CodedError)) logger.error("states could not be refetched: unexpected error", { error });
        await elapse(this.#backOff.nextMs(), clock, signal);
      }
    }
  }
}
