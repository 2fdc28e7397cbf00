import { applySubjectChange, type SubjectChange } from "../../../../domain/change.js";
import type { CustomerState } from "../../../../domain/customer-state.js";
import type { FetchedState } from "../../../../ports/cache-store.js";
import type { Clock } from "../../../../ports/clock.js";
import type { KnownState } from "../codec/decode-state.js";
import { encodeUsage } from "../codec/encode-state.js";
import type { NearStore } from "../coherence/coherence.js";
import type { CoherentReads } from "../coherence/coherent-reads.js";
import type { StaleMarkers } from "../coherence/subject-marks.js";
import type { StateReading } from "./redis-keys.js";
import { usageIn, usagesOfState } from "./state-reader.js";
import type { StateWriter } from "./state-writer.js";

export interface StoredChangesParts {
  readonly near: NearStore;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly clock: Clock;
  readonly reads: CoherentReads;
  readonly writer: StateWriter;
  readonly staleMarkers: StaleMarkers;
}

/** Makes changes to the states in Redis, for all who share it. */
export class StoredChanges {
  readonly #parts: StoredChangesParts;

  constructor(parts: StoredChangesParts) {
    this.#parts = parts;
  }

  /**
   * @param verifiedAt when the change became known, epoch milliseconds
   * @returns what Redis holds now, or undefined where it holds nothing to vouch for; "superseded" where only Redis
   * can tell
   * @throws CodedError as RedisCommands does
   */
  async apply(change: SubjectChange, verifiedAt: number): Promise<FetchedState | "superseded" | undefined> {
    const { near, clock, reads, writer, staleMarkers } = this.#parts;
    const { subject } = change;
    const { stored, reading } = await reads.readStored(subject);
    const before = stored.outcome === "found" ? stored : undefined;
    const outcome = applySubjectChange(before?.state, change);
    switch (outcome.effect) {
      case "replace": {
        const { state } = outcome;
        const trust = { verifiedAt, recheckAt: state.validUntil, isVerified: true };
        const written = await writer.writeState(subject, state, trust, verifiedAt);
        return written === "written" ? { state, ...trust, recheckAt: reads.recheckAt(state.validUntil) } : "superseded";
      }
      case "refine":
        return before === undefined ? undefined : this.#refine(before, outcome.state, reading, verifiedAt);
      case "forget":
        await writer.remove(subject, verifiedAt);
        return undefined;
      case "mark-stale":
        staleMarkers.markStale(subject, clock.now());
        near.markStale(subject.customerId, subject.resourceId);
        return undefined;
      case "none":
        return before === undefined ? undefined : reads.brought(subject, before);
    }
  }

  async #refine(
    before: KnownState,
    state: CustomerState,
    reading: StateReading,
    knownAt: number,
  ): Promise<FetchedState | "superseded"> {
    const { environment, reads, writer } = this.#parts;
    const { subject } = reading;
    const writes = [...usagesOfState(state)]
      .filter((entitlement) => usageIn(state, entitlement) !== usageIn(before.state, entitlement))
      .map((entitlement) =>
        encodeUsage(environment, subject, entitlement, usageIn(state, entitlement), reading.usage(entitlement)?.value),
      );
    const written = await writer.writeUsages(subject, writes, knownAt);
    return written === "written" ? reads.brought(subject, { ...before, state }) : "superseded";
  }
}
