import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import type { NearStore } from "../coherence/coherence.js";
import { Coherence } from "../coherence/coherence.js";
import { CoherentReads } from "../coherence/coherent-reads.js";
import {
  ApartSubjects,
  CustomerTimestamps,
  SharedStaleMarker,
  StaleMarkers,
  UnheardStates,
} from "../coherence/subject-marks.js";
import type { RedisCommands } from "./redis-commands.js";
import { staleMarkerKey } from "./redis-keys.js";
import { StateReader } from "./state-reader.js";
import { StateRepairs } from "./state-repairs.js";
import { StateWriter } from "./state-writer.js";
import { StoredChanges } from "./stored-changes.js";
import { WrittenJournal } from "./written-journal.js";

export interface RedisCacheStoreParts {
  readonly near: NearStore;
  readonly commands: RedisCommands;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Within which a command ends, milliseconds: what is read for the sake of a write takes no longer. */
  readonly commandTimeoutMs: number;
  /** How long keys last in Redis, milliseconds; Infinity: for ever. Redis is late to tell of an end. */
  readonly ttlMs: number;
  /** Of how many subjects what was written to Redis, and what could not be, is remembered. */
  readonly maxRemembered?: number | undefined;
}

/** What a store of states in Redis is made of. */
export interface RedisCacheAssembly {
  readonly coherence: Coherence;
  readonly reads: CoherentReads;
  readonly writer: StateWriter;
  readonly changes: StoredChanges;
  readonly repairs: StateRepairs;
  readonly staleMarkers: StaleMarkers;
  readonly unheard: UnheardStates;
  readonly globals: CustomerTimestamps;
  readonly apart: ApartSubjects;
}

/** How long a cached state is vouched for without a look at Redis, should ever the notice of a write get lost; milliseconds. */
const MAX_AGE_MS = 300_000;
/** How long what could not be written to Redis is vouched for: as long as without any changes; milliseconds. */
export const ALONE_MS = 30_000;

/** Makes the parts of a store, and has each notified of what concerns it. */
export function assembleRedisCache({
  near,
  commands,
  environment,
  clock,
  logger,
  ttlMs,
  maxRemembered,
}: RedisCacheStoreParts): RedisCacheAssembly {
  const staleMarkers = new StaleMarkers();
  const unheard = new UnheardStates(clock, () => commands.isOverloaded);
  const globals = new CustomerTimestamps();
  const apart = new ApartSubjects(clock, ALONE_MS);
  const coherence = new Coherence(near, environment, apart);
  const journal = new WrittenJournal(environment, maxRemembered);
  const marker = new SharedStaleMarker(commands, staleMarkerKey(environment), (staleBefore) =>
    // One of a clock that is ahead counts as of now, or all would be stale for as long.
    staleMarkers.markAllStale(Math.min(staleBefore, clock.now())),
  );
  const writer = new StateWriter({
    commands,
    environment,
    apart,
    journal,
    onWritten: (subject, knownAt) => repairs.settled(subject, knownAt),
  });
  const reads = new CoherentReads({
    near,
    coherence,
    reader: new StateReader(commands, near, environment, clock, logger),
    staleMarkers,
    unheard,
    globals,
    apart,
    marker,
    onBehind: (subject, { verifiedAt }) => repairs.add({ subject, kind: "write", since: verifiedAt }, true),
    clock,
    maxAgeMs: Math.min(MAX_AGE_MS, ttlMs),
  });
  const shared = { near, environment, clock, reads, writer, staleMarkers };
  const changes = new StoredChanges(shared);
  const repairs: StateRepairs = new StateRepairs({
    ...shared,
    commands,
    logger,
    journal,
    marker,
    emptyLastsMs: ALONE_MS,
    maxSubjects: maxRemembered,
  });
  coherence.onKey(marker.key, () => {
    if (!marker.isKnown) return;
    marker.forget();
    coherence.invalidatedAll();
  });
  coherence.onCoherent(() => {
    marker.forget();
    repairs.connected();
  });
  return { coherence, reads, writer, changes, repairs, staleMarkers, unheard, globals, apart };
}
