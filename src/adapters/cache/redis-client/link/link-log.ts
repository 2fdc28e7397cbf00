import type { Logger } from "../../../../ports/logger.js";
import { OutageLog } from "../../../../ports/outage-log.js";
import { DependencyState, type Telemetry } from "../../../../ports/telemetry.js";
import { reasonOf, remedyFor } from "./redis-failure.js";

const LOST = "lost";

/** One line for each change of state of a connection, however many commands and attempts it takes to see it. */
export class LinkLog {
  readonly #redis: string;
  readonly #state: DependencyState;
  readonly #connection: OutageLog;
  readonly #speed: OutageLog;
  readonly #reads: OutageLog;
  readonly #writes: OutageLog;

  constructor(redis: string, logger: Logger, telemetry: Telemetry) {
    this.#redis = redis;
    this.#state = new DependencyState("redis", telemetry.dependencies);
    this.#connection = new OutageLog(logger, this.#state);
    this.#speed = new OutageLog(logger, this.#state);
    this.#reads = new OutageLog(logger, this.#state);
    this.#writes = new OutageLog(logger);
  }

  connected(): void {
    // Another connection is judged by its own answers.
    if (this.#speed.isLost) this.#speed.forget();
    this.#connection.recovered("connected to Redis", { redis: this.#redis });
  }

  /** Attempts that fail later on are the same state, unless their reason is one that only the operator can end. */
  lost(error: Error): void {
    const kind = remedyFor(error) ?? LOST;
    this.#state.set(false, reasonOf(error));
    if (this.#connection.isLost && (kind === LOST || this.#connection.hasLogged(kind))) return;
    this.#connection.lost(
      "warn",
      "there is no connection to Redis",
      { redis: this.#redis, reason: reasonOf(error) },
      kind,
    );
  }

  tooSlow(limitMs: number): void {
    this.#speed.lost(
      "warn",
      "Redis does not answer in time: upstream is asked beside it, and nothing is written to it for now",
      { redis: this.#redis, limitMs },
    );
  }

  inTime(): void {
    if (this.#speed.isLost) this.#speed.recovered("Redis answers in time again", { redis: this.#redis });
  }

  refusesReads(error: Error): void {
    const reason = reasonOf(error);
    this.#reads.lost(
      "warn",
      "Redis refuses reads: what it has is not used, and upstream is asked instead",
      { redis: this.#redis, reason },
      remedyFor(error) ?? LOST,
    );
  }

  acceptsReads(): void {
    if (this.#reads.isLost) this.#reads.recovered("Redis accepts reads again", { redis: this.#redis });
  }

  refusesWrites(error: Error): void {
    this.#writes.lost("warn", "Redis refuses writes; what it has is still read", {
      redis: this.#redis,
      reason: reasonOf(error),
    });
  }

  acceptsWrites(): void {
    if (this.#writes.isLost) this.#writes.recovered("Redis accepts writes again", { redis: this.#redis });
  }

  close(): void {
    this.#state.release();
  }
}

/** Tells of each change of whether there is a connection, once. */
export class ConnectionChanges {
  readonly #listeners = new Set<(isConnected: boolean) => void>();
  #isConnected = false;

  get isConnected(): boolean {
    return this.#isConnected;
  }

  onChange(listener: (isConnected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    for (const listener of [...this.#listeners]) listener(isConnected);
  }
}
