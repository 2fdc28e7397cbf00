import { CodedError } from "../../domain/errors.js";
import type { SharedCache, SharedWrite } from "../../ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../ports/telemetry.js";
import type { WriteAvailability } from "./write-availability.js";

interface Job {
  readonly write: SharedWrite;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes changes to the shared cache in the order in which it is given them: one round trip at a time, each with
 * all that has come in during the one before. So the changes of one customer keep their order, those of
 * different customers share their trips, and a slow network makes the trips larger instead of fewer.
 */
export class WriteInOrder {
  readonly #cache: SharedCache;
  readonly #gate: WriteAvailability;
  readonly #telemetry: ConsumptionTelemetry;
  readonly #maxWrites: number;
  #waiting: Job[] = [];
  #isWriting = false;

  /** @param maxWrites how many changes go in one round trip at most */
  constructor(cache: SharedCache, gate: WriteAvailability, telemetry: ConsumptionTelemetry, maxWrites: number) {
    this.#cache = cache;
    this.#gate = gate;
    this.#telemetry = telemetry;
    this.#maxWrites = maxWrites;
  }

  /** @throws CodedError `unavailable` or `failed-precondition` where the cache takes no writes, else `internal`: it takes all but this one */
  write(write: SharedWrite): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      if (this.#isWriting) return;
      this.#isWriting = true;
      // Changes that come in one turn of the event loop go together.
      queueMicrotask(() => void this.#writeAll());
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0, this.#maxWrites);
      try {
        await this.#attempt(jobs);
        for (const { resolve } of jobs) resolve();
      } catch (error) {
        await this.#findCulprit(jobs, error);
      }
    }
    this.#isWriting = false;
  }

  async #attempt(jobs: readonly Job[]): Promise<void> {
    const seconds = this.#telemetry.stopwatch();
    try {
      await this.#cache.write(jobs.map(({ write }) => write));
      this.#telemetry.wrote(seconds());
      this.#gate.wrote();
    } catch (error) {
      this.#telemetry.writeFailed();
      throw error;
    }
  }

  /** One change that cannot be written, for what lies at its key, must not hold up all others for ever. */
  async #findCulprit(jobs: readonly Job[], failure: unknown): Promise<void> {
    let outage = await this.#gate.examine(failure);
    for (const job of jobs) {
      if (outage !== undefined) {
        job.reject(outage);
        continue;
      }
      try {
        await this.#attempt([job]);
        job.resolve();
      } catch (error) {
        outage = await this.#gate.examine(error);
        job.reject(
          outage ??
            new CodedError("internal", "the shared cache takes other writes, but not this one", { cause: error }),
        );
      }
    }
  }
}
