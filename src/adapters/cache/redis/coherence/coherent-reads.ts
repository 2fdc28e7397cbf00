import { type CustomerState, isEmptyState } from "../../../../domain/customer-state.js";
import { isAhead } from "../../../../domain/freshness/freshness.js";
import { isOlder } from "../../../../domain/newest-wins.js";
import { type Subject, SubjectMap } from "../../../../domain/subject.js";
import type { FetchedState, LoadedState, StoredState } from "../../../../ports/cache-store.js";
import { type Clock, spread } from "../../../../ports/clock.js";
import { CompactState } from "../../memory/memory-state.js";
import type { KnownState } from "../codec/decode-state.js";
import { readTimestamp } from "../store/redis-keys.js";
import { type ReadState, type StateReader, usageIn, usagesOfState } from "../store/state-reader.js";
import type { Coherence, NearStore, PendingOperation } from "./coherence.js";
import type {
  ApartSubjects,
  CustomerTimestamps,
  SharedStaleMarker,
  StaleMarkers,
  UnheardStates,
} from "./subject-marks.js";

/** How often a read is begun anew that a write superseded. The last one counts for who asked, and for nobody after. */
const MAX_READS = 5;

export interface CoherentReadsParts {
  readonly near: NearStore;
  readonly coherence: Coherence;
  readonly reader: StateReader;
  readonly staleMarkers: StaleMarkers;
  readonly unheard: UnheardStates;
  readonly globals: CustomerTimestamps;
  readonly apart: ApartSubjects;
  readonly marker: SharedStaleMarker;
  /** Notified of a subject of which Redis has older data than this process. */
  readonly onBehind: (subject: Subject, known: StoredState) => void;
  readonly clock: Clock;
  /** How long a cached state is vouched for without a look at Redis, milliseconds. */
  readonly maxAgeMs: number;
}

interface ReadUnderWay {
  operation: PendingOperation;
  result: Promise<LoadedState | undefined>;
}

/** Brings states from Redis to hand. */
export class CoherentReads {
  readonly #near: NearStore;
  readonly #coherence: Coherence;
  readonly #reader: StateReader;
  readonly #staleMarkers: StaleMarkers;
  readonly #unheard: UnheardStates;
  readonly #globals: CustomerTimestamps;
  readonly #apart: ApartSubjects;
  readonly #marker: SharedStaleMarker;
  readonly #onBehind: (subject: Subject, known: StoredState) => void;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #underWay = new SubjectMap<ReadUnderWay>();

  constructor({
    near,
    coherence,
    reader,
    staleMarkers,
    unheard,
    globals,
    apart,
    marker,
    onBehind,
    clock,
    maxAgeMs,
  }: CoherentReadsParts) {
    this.#near = near;
    this.#coherence = coherence;
    this.#reader = reader;
    this.#staleMarkers = staleMarkers;
    this.#unheard = unheard;
    this.#globals = globals;
    this.#apart = apart;
    this.#marker = marker;
    this.#onBehind = onBehind;
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  /** Whether a read is under way that whoever asks now would share. */
  isReading(subject: Subject): boolean {
    return this.#underWay.get(subject)?.operation.isSuperseded === false;
  }

  /**
   * What is known of a subject; one read serves all who ask before the notice of a write comes.
   *
   * @throws CodedError as RedisCommands does
   */
  read(subject: Subject): Promise<LoadedState | undefined> {
    const inFlight = this.#underWay.get(subject);
    return inFlight?.operation.isSuperseded === false ? inFlight.result : this.readAnew(subject);
  }

  /**
   * The same by a read that begins now, and so knows all that was written before.
   *
   * @throws CodedError as RedisCommands does
   */
  readAnew(subject: Subject): Promise<LoadedState | undefined> {
    const read: ReadUnderWay = { operation: this.#coherence.begin(subject), result: Promise.resolve(undefined) };
    read.result = this.#readUndisturbed(subject, read).finally(() => {
      if (this.#underWay.get(subject) === read) this.#underWay.delete(subject);
    });
    this.#underWay.set(subject, read);
    return read.result;
  }

  /**
   * What Redis holds, as it is.
   *
   * @param isLateGood whether an answer counts that comes after the time limit of commands
   * @throws CodedError as RedisCommands does
   */
  readStored(subject: Subject, isLateGood = false): Promise<ReadState> {
    const held = this.#near.find(subject);
    return this.#reader.read(subject, held === undefined ? undefined : [...usagesOfState(held.state)], isLateGood);
  }

  /** Up to when a state of Redis is known to have been true, epoch milliseconds; 0: nobody knows. */
  verifiedAtOf({ state, trust }: KnownState): number {
    // Others do not say when they asked; of their data's own timestamp, at least, it was true.
    const verifiedAt = trust?.verifiedAt ?? state.updatedAt ?? 0;
    return isAhead(verifiedAt, this.#clock.now()) ? 0 : verifiedAt;
  }

  /** A state of Redis, as far as it can be vouched for. */
  brought(subject: Subject, found: KnownState): FetchedState {
    const { state, trust, isOutdated } = found;
    const verifiedAt = this.verifiedAtOf(found);
    return {
      state,
      verifiedAt,
      recheckAt: this.recheckAt(trust?.recheckAt ?? state.validUntil),
      isVerified:
        !isOutdated &&
        trust?.isVerified !== false &&
        !this.#staleMarkers.isStale(subject, verifiedAt, this.#clock.now()) &&
        !this.#unheard.isAskedFirst(verifiedAt),
    };
  }

  /** Until when a state may stay cached that would have to be asked for again at `recheckAt`. */
  recheckAt(recheckAt: number): number {
    // Spread out, so that what was read together is not read again together.
    return Math.min(recheckAt, this.#clock.now() + spread(this.#maxAgeMs, 0.75, 1));
  }

  async #readUndisturbed(subject: Subject, read: ReadUnderWay): Promise<LoadedState | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const marker = this.#marker.isKnown ? undefined : this.#marker.know();
        const found = await this.readStored(subject, true);
        if (marker !== undefined) await marker;
        if (!read.operation.isSuperseded || attempt === MAX_READS) return this.#bringToHand(read.operation, found);
      } finally {
        read.operation.end();
      }
      read.operation = this.#coherence.begin(subject);
    }
  }

  #bringToHand(operation: PendingOperation, { stored, reading }: ReadState): LoadedState | undefined {
    const { subject } = operation;
    const isHit = stored.outcome === "found" && !stored.isOutdated;
    const globalUpdatedAt = readTimestamp(reading.globalTimestamp);
    if (isHit) this.#globals.take(subject);
    else if (globalUpdatedAt !== undefined) this.#globals.see(subject, globalUpdatedAt);
    if (stored.outcome === "missing" && stored.reason === "of-another") this.#apart.add(subject);
    else this.#apart.delete(subject);
    if (stored.outcome === "found") {
      const known = this.#coherence.keep(operation, this.brought(subject, stored));
      if (isBehind(stored.state, known.state)) this.#onBehind(subject, known);
      return { ...known, origin: "redis" };
    }
    const held = this.#near.find(subject);
    if (held === undefined) return undefined;
    this.#near.markStale(subject.customerId, subject.resourceId);
    return { ...held, isVerified: false };
  }
}

/** Whether something of what is stored is older than what is known. */
function isBehind(stored: CustomerState, known: CustomerState): boolean {
  if (
    stored === known ||
    (stored instanceof CompactState &&
      known instanceof CompactState &&
      stored.set === known.set &&
      stored.own === known.own)
  )
    return false;
  if (isEmptyState(stored) !== isEmptyState(known)) return true;
  if (isOlder(stored.updatedAt, known.updatedAt)) return true;
  for (const entitlement of usagesOfState(known)) {
    if (isOlder(usageIn(stored, entitlement).updatedAt, usageIn(known, entitlement).updatedAt)) return true;
  }
  return false;
}
