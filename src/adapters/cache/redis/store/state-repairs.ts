import { randomUUID } from "node:crypto";
import { isEmptyState } from "../../../../domain/customer-state.js";
import { CodedError, errorCodeOf } from "../../../../domain/errors.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { isKnownLater, type NearStore } from "../coherence/coherence.js";
import type { CoherentReads } from "../coherence/coherent-reads.js";
import type { SharedStaleMarker, StaleMarkers } from "../coherence/subject-marks.js";
import type { RedisCommands } from "./redis-commands.js";
import { probeKey } from "./redis-keys.js";
import { type PendingRepair, Repairs } from "./repairs.js";
import type { StateWriter } from "./state-writer.js";
import type { WrittenJournal } from "./written-journal.js";

export interface StateRepairsParts {
  readonly near: NearStore;
  readonly commands: RedisCommands;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reads: CoherentReads;
  readonly writer: StateWriter;
  readonly journal: WrittenJournal;
  readonly staleMarkers: StaleMarkers;
  readonly marker: SharedStaleMarker;
  /** How long a state that explains why it is empty is believed, milliseconds. */
  readonly emptyLastsMs: number;
  readonly maxSubjects?: number | undefined;
}

/** Longer than any command may take; milliseconds. */
const PROBE_LASTS_MS = 5_000;
/** When to look again whether Redis has come back with older data, where it does not answer; milliseconds. */
const VERIFY_AGAIN_MS = 1_000;

/** Brings Redis up to what this process knows: what could not be written, and what Redis has lost since it confirmed it. */
export class StateRepairs {
  readonly #parts: StateRepairsParts;
  readonly #repairs: Repairs;
  readonly #probeToken = randomUUID();
  #connections = 0;

  constructor(parts: StateRepairsParts) {
    this.#parts = parts;
    this.#repairs = new Repairs({
      clock: parts.clock,
      logger: parts.logger,
      repair: (pending) => this.#repair(pending),
      probe: () => this.#probe(),
      markAllStale: (before) => this.#markAllStale(before),
      maxSubjects: parts.maxSubjects,
    });
  }

  /** Subjects of which something is yet to be written to Redis. */
  get count(): number {
    return this.#repairs.count;
  }

  /** Whether Redis has all that others rely on. */
  get isDone(): boolean {
    return this.#repairs.isDone;
  }

  /** @param isChange whether the subject is known to have changed, so that nobody may go on trusting what Redis has */
  add(pending: PendingRepair, isChange: boolean): void {
    this.#repairs.add(pending, isChange);
  }

  /** Redis has it by other means. */
  settled(subject: Subject, knownAt: number): void {
    this.#repairs.settled(subject, knownAt);
  }

  /** There is a Redis from here on: it may be another than before, or have come back with older data. */
  connected(): void {
    this.#repairs.retry();
    if (this.#connections++ > 0) void this.#verifyJournal(this.#connections);
  }

  /** No more is repaired. */
  stop(): void {
    this.#repairs.stop();
  }

  /** @throws CodedError where Redis cannot be read or written for now */
  async #repair({ subject, kind, since }: PendingRepair): Promise<void> {
    const { near, reads, writer, clock, emptyLastsMs } = this.#parts;
    const held = await near.load(subject);
    const { stored } = await reads.readStored(subject);
    // What is not there, or cannot be read, is trusted by nobody.
    if (stored.outcome !== "found") return;
    const storedAt = reads.verifiedAtOf(stored);
    if (kind === "remove" || held === undefined) {
      if (storedAt < since) await writer.remove(subject, since);
      return;
    }
    const { state, verifiedAt } = held;
    if (isKnownLater({ state: stored.state, verifiedAt: storedAt }, held)) return;
    const trust = {
      verifiedAt: Math.max(verifiedAt, storedAt),
      recheckAt: isEmptyState(state) ? clock.now() + emptyLastsMs : state.validUntil,
      isVerified: true,
      globalUpdatedAt: stored.trust?.globalUpdatedAt,
    };
    if ((await writer.writeState(subject, state, trust, verifiedAt)) !== "written")
      near.markStale(subject.customerId, subject.resourceId);
  }

  /** @throws CodedError `failed-precondition` where Redis takes no writes; whatever else fails is found by what is written */
  async #probe(): Promise<void> {
    const { commands, environment } = this.#parts;
    const key = probeKey(environment);
    try {
      if (await commands.lock(key, this.#probeToken, PROBE_LASTS_MS)) await commands.unlock(key, this.#probeToken);
    } catch (error) {
      if (errorCodeOf(error) === "failed-precondition") throw error;
    }
  }

  async #markAllStale(before: number): Promise<void> {
    const { staleMarkers, marker, logger } = this.#parts;
    staleMarkers.markAllStale(before);
    await marker.write(before);
    logger.warn(
      "more changes than are remembered could not be written to Redis: all that it has from before is stale, and is asked for again",
    );
  }

  async #verifyJournal(connection: number): Promise<void> {
    const { journal, commands, clock, logger } = this.#parts;
    try {
      const { lost, isIncomplete } = await journal.verify(commands);
      if (lost.length === 0) return;
      logger.warn(
        "Redis has come back with older data than it had confirmed: what is known to be newer is written again",
        { subjects: lost.length },
      );
      for (const pending of lost) this.#repairs.add(pending, true);
      if (isIncomplete) this.#repairs.markAllStale(clock.now());
      this.#repairs.retry();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // Another connection begins anew.
      clock.after(VERIFY_AGAIN_MS, () => {
        if (connection === this.#connections) void this.#verifyJournal(connection);
      });
    }
  }
}
