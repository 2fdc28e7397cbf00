import { randomUUID } from "node:crypto";
import { applySubjectChange, saysAskAgain, type SubjectChange } from "../../../../domain/change.js";
import { type CustomerState, isEmptyState } from "../../../../domain/customer-state.js";
import { CodedError, errorCodeOf } from "../../../../domain/errors.js";
import type { Standing } from "../../../../domain/freshness/freshness.js";
import type { Subject } from "../../../../domain/subject.js";
import type {
  CachedState,
  CacheSize,
  CacheStore,
  FetchedState,
  LoadedState,
  StoredState,
} from "../../../../ports/cache-store.js";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { within } from "../../../../ports/waits.js";
import type { KnownState } from "../codec/decode-state.js";
import { encodeState, encodeUsage } from "../codec/encode-state.js";
import { Coherence, isKnownLater, type NearStore, type PendingOperation } from "../coherence/coherence.js";
import { CoherentReads } from "../coherence/coherent-reads.js";
import { ApartSubjects, CustomerTimestamps, SharedStaleMarker, StaleMarkers } from "../coherence/subject-marks.js";
import { UnheardStates } from "../coherence/unheard-states.js";
import { mayWriteKeys } from "./key-ownership.js";
import { type RedisCommands, redisIsLate, type WriteGroup } from "./redis-commands.js";
import {
  hasAmbiguousKeys,
  probeKey,
  purgedKeys,
  staleMarkerKey,
  stateKey,
  type StateReading,
  timestampKey,
} from "./redis-keys.js";
import { type PendingRepair, Repairs } from "./repairs.js";
import { StateReader, usageIn, usagesOfState } from "./state-reader.js";
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

/** How long a cached state is vouched for without a look at Redis, should ever the notice of a write get lost; milliseconds. */
const MAX_AGE_MS = 300_000;
/** How long what could not be written to Redis is vouched for: as long as without any changes; milliseconds. */
const ALONE_MS = 30_000;
/** Longer than any command may take; milliseconds. */
const PROBE_LASTS_MS = 5_000;
/** When to look again whether Redis has come back with older data, where it does not answer; milliseconds. */
const VERIFY_AGAIN_MS = 1_000;

/** One for all: whoever is refused in an overload must cost nothing, and a stack is dear. */
const NOT_ASKED = new CodedError("unavailable", "Redis is not asked");
NOT_ASKED.stack = `${NOT_ASKED.name}: ${NOT_ASKED.message}`;

/**
 * States kept in Redis for all who share it, with the most recently used ones cached in this process. What is
 * cached answers at once for as long as Redis tells of every write (see Coherence); `load` reads Redis.
 */
export class RedisCacheStore implements CacheStore {
  /** To be notified of what is written to Redis. */
  readonly coherence: Coherence;
  readonly #near: NearStore;
  readonly #commands: RedisCommands;
  readonly #environment: string;
  readonly #clock: Clock;
  readonly #commandTimeoutMs: number;
  readonly #reads: CoherentReads;
  readonly #staleMarkers = new StaleMarkers();
  readonly #unheard: UnheardStates;
  readonly #globals = new CustomerTimestamps();
  readonly #apart: ApartSubjects;
  readonly #marker: SharedStaleMarker;
  readonly #journal: WrittenJournal;
  readonly #repairs: Repairs;
  readonly #logger: Logger;
  readonly #probeToken = randomUUID();
  #connections = 0;

  constructor({
    near,
    commands,
    environment,
    clock,
    logger,
    commandTimeoutMs,
    ttlMs,
    maxRemembered,
  }: RedisCacheStoreParts) {
    this.#near = near;
    this.#commands = commands;
    this.#environment = environment;
    this.#clock = clock;
    this.#commandTimeoutMs = commandTimeoutMs;
    this.#unheard = new UnheardStates(clock, () => commands.isOverloaded);
    this.#apart = new ApartSubjects(clock, ALONE_MS);
    this.coherence = new Coherence(near, environment, this.#apart);
    this.#logger = logger;
    this.#journal = new WrittenJournal(environment, maxRemembered);
    this.#marker = new SharedStaleMarker(commands, staleMarkerKey(environment), (staleBefore) =>
      // One of a clock that is ahead counts as of now, or all would be stale for as long.
      this.#staleMarkers.markAllStale(Math.min(staleBefore, clock.now())),
    );
    this.#repairs = new Repairs({
      clock,
      logger,
      repair: (pending) => this.#repair(pending),
      probe: () => this.#probe(),
      markAllStale: (before) => this.#markAllStale(before),
      maxSubjects: maxRemembered,
    });
    this.coherence.onKey(this.#marker.key, () => this.#markerChanged());
    this.coherence.onCoherent(() => this.#connected());
    this.#reads = new CoherentReads({
      near,
      coherence: this.coherence,
      reader: new StateReader(commands, near, environment, clock, logger),
      staleMarkers: this.#staleMarkers,
      unheard: this.#unheard,
      globals: this.#globals,
      apart: this.#apart,
      marker: this.#marker,
      onBehind: (subject, { verifiedAt }) => this.#repairs.add({ subject, kind: "write", since: verifiedAt }, true),
      clock,
      maxAgeMs: Math.min(MAX_AGE_MS, ttlMs),
    });
  }

  peek(customerId: string, resourceId: string | undefined): CachedState | undefined {
    return this.#near.peek(customerId, resourceId);
  }

  get isSlow(): boolean {
    return this.#commands.isSlow;
  }

  find(subject: Subject): LoadedState | undefined {
    return this.#near.find(subject);
  }

  /** A Redis that does not answer is no reason to do without upstream. */
  refuses(subject: Subject): boolean {
    return this.#commands.isOverloaded && !this.#commands.isSlow && !this.#reads.isReading(subject);
  }

  async load(subject: Subject, waitMs?: number): Promise<LoadedState | undefined> {
    try {
      if (waitMs === 0) throw NOT_ASKED;
      const read = this.#reads.read(subject);
      return await (waitMs === undefined ? read : within(read, waitMs, this.#clock, () => redisIsLate(waitMs)));
    } catch (error) {
      const held = await this.#near.load(subject);
      if (held === undefined || !(error instanceof CodedError)) throw error;
      return held;
    }
  }

  async put(subject: Subject, fetched: FetchedState): Promise<StoredState> {
    if (!fetched.isVerified) return this.#markStale(subject, fetched);
    const operation = this.coherence.begin(subject);
    const { state, verifiedAt, recheckAt } = fetched;
    const trust = { verifiedAt, recheckAt, isVerified: true, globalUpdatedAt: this.#globals.take(subject) };
    try {
      const outcome = await this.#write(subject, encodeState(this.#environment, subject, state, trust));
      if (outcome === "taken") return this.#keepApart(operation, fetched);
      if (outcome === "written") this.#stateWritten(subject, state, verifiedAt);
      if (outcome === "written" && !operation.isSuperseded) {
        return this.coherence.keep(operation, { ...fetched, recheckAt: this.#reads.recheckAt(recheckAt) });
      }
      const known = await this.#readAnew(subject);
      if (this.#apart.has(subject)) return this.#keepApart(operation, fetched);
      if (known === undefined) return this.#keepAlone(operation, fetched);
      // Upstream has just been asked, and knows nothing newer.
      return known.isVerified ? known : this.coherence.keep(operation, { ...known, verifiedAt, isVerified: true });
    } catch (error) {
      if (error instanceof CodedError) {
        this.#keepAlone(operation, fetched);
        this.#repairs.add({ subject, kind: "write", since: verifiedAt }, false);
      }
      throw error;
    } finally {
      operation.end();
    }
  }

  async apply(change: SubjectChange, verifiedAt: number): Promise<void> {
    if (change.type === "subject-invalidated") {
      this.#staleMarkers.markStale(change.subject, this.#clock.now());
      await this.#near.apply(change, verifiedAt);
      return;
    }
    const operation = this.coherence.begin(change.subject);
    try {
      const known = await this.#applyInRedis(change, verifiedAt);
      await this.#near.apply(change, verifiedAt);
      if (known === undefined) return;
      if (known !== "superseded" && !operation.isSuperseded) {
        this.coherence.keep(operation, known);
        return;
      }
      this.#near.markStale(change.subject.customerId, change.subject.resourceId);
      await this.#readAnew(change.subject);
    } catch (error) {
      if (error instanceof CodedError) {
        await this.#near.apply(change, verifiedAt);
        this.#rememberUnwritten(change, verifiedAt);
      }
      throw error;
    } finally {
      operation.end();
    }
  }

  async forget(subject: Subject): Promise<void> {
    await this.#near.forget(subject);
    await this.#delete(subject);
    // Once more, since it may have been read in between.
    await this.#near.forget(subject);
  }

  async markAllUnverified(): Promise<void> {
    this.#staleMarkers.markAllStale(this.#clock.now());
    await this.#near.markAllUnverified();
  }

  /** Changes from before this may have been heard by nobody, epoch milliseconds. */
  nobodyHeard(before: number): void {
    this.#unheard.mark(before);
    void this.#near.markAllUnverified();
  }

  recentlyUsed(limit: number): Iterable<Subject> {
    return this.#near.recentlyUsed(limit);
  }

  get size(): CacheSize {
    return this.#near.size;
  }

  holdings(): Iterable<Standing> {
    return this.#near.holdings();
  }

  async #markStale(subject: Subject, fetched: FetchedState): Promise<StoredState> {
    try {
      await this.#readAnew(subject);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    // What may be from before a change is not for others to read.
    return this.#near.put(subject, fetched);
  }

  /** Subjects of which something is yet to be written to Redis. */
  get pendingRepairs(): number {
    return this.#repairs.count;
  }

  /** Whether something is yet to be written to Redis that others rely on. */
  get hasUnwritten(): boolean {
    return !this.#repairs.isDone;
  }

  /** No more is repaired. */
  stop(): void {
    this.#repairs.stop();
  }

  #rememberUnwritten(change: SubjectChange, verifiedAt: number): void {
    const { subject } = change;
    const isReplaced = change.type === "entitlements-updated" && !saysAskAgain(change);
    const kind = isReplaced || change.type === "usage-updated" ? "write" : "remove";
    if (kind === "remove") this.#staleMarkers.markStale(subject, this.#clock.now());
    this.#repairs.add({ subject, kind, since: verifiedAt }, true);
  }

  #stateWritten(subject: Subject, state: CustomerState, knownAt: number): void {
    const written = [[stateKey(this.#environment, subject), isEmptyState(state) ? 0 : state.updatedAt] as const];
    this.#journal.wrote(subject, knownAt, written);
    this.#repairs.settled(subject, knownAt);
  }

  /** @throws CodedError where Redis cannot be read or written for now */
  async #repair({ subject, kind, since }: PendingRepair): Promise<void> {
    const held = await this.#near.load(subject);
    const { stored } = await this.#reads.readStored(subject);
    // What is not there, or cannot be read, is trusted by nobody.
    if (stored.outcome !== "found") return;
    const storedAt = this.#reads.verifiedAtOf(stored);
    if (kind === "remove" || held === undefined) {
      if (storedAt < since) await this.#remove(subject, since);
      return;
    }
    const { state, verifiedAt } = held;
    if (isKnownLater({ state: stored.state, verifiedAt: storedAt }, held)) return;
    const recheckAt = isEmptyState(state) ? this.#clock.now() + ALONE_MS : state.validUntil;
    const trust = {
      verifiedAt: Math.max(verifiedAt, storedAt),
      recheckAt,
      isVerified: true,
      globalUpdatedAt: stored.trust?.globalUpdatedAt,
    };
    if ((await this.#write(subject, encodeState(this.#environment, subject, state, trust))) === "written") {
      this.#stateWritten(subject, state, verifiedAt);
    } else this.#near.markStale(subject.customerId, subject.resourceId);
  }

  /** @throws CodedError `failed-precondition` where Redis takes no writes; whatever else fails is found by what is written */
  async #probe(): Promise<void> {
    const key = probeKey(this.#environment);
    try {
      if (await this.#commands.lock(key, this.#probeToken, PROBE_LASTS_MS))
        await this.#commands.unlock(key, this.#probeToken);
    } catch (error) {
      if (errorCodeOf(error) === "failed-precondition") throw error;
    }
  }

  async #remove(subject: Subject, since: number): Promise<void> {
    await this.#delete(subject);
    this.#journal.removed(subject, since);
  }

  async #markAllStale(before: number): Promise<void> {
    this.#staleMarkers.markAllStale(before);
    await this.#marker.write(before);
    this.#logger.warn(
      "more changes than are remembered could not be written to Redis: all that it has from before is stale, and is asked for again",
    );
  }

  #markerChanged(): void {
    if (!this.#marker.isKnown) return;
    this.#marker.forget();
    this.coherence.invalidatedAll();
  }

  /** Redis tells of writes from here on: it may be another than before, or have come back with older data. */
  #connected(): void {
    this.#marker.forget();
    this.#repairs.retry();
    if (this.#connections++ > 0) void this.#verifyJournal(this.#connections);
  }

  async #verifyJournal(connection: number): Promise<void> {
    try {
      const { lost, isIncomplete } = await this.#journal.verify(this.#commands);
      if (lost.length === 0) return;
      this.#logger.warn(
        "Redis has come back with older data than it had confirmed: what is known to be newer is written again",
        { subjects: lost.length },
      );
      for (const pending of lost) this.#repairs.add(pending, true);
      if (isIncomplete) this.#repairs.markAllStale(this.#clock.now());
      this.#repairs.retry();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // Another connection begins anew.
      this.#clock.after(VERIFY_AGAIN_MS, () => {
        if (connection === this.#connections) void this.#verifyJournal(connection);
      });
    }
  }

  #readAnew(subject: Subject): Promise<StoredState | undefined> {
    const waitMs = this.#commandTimeoutMs;
    return within(this.#reads.readAnew(subject), waitMs, this.#clock, () => redisIsLate(waitMs));
  }

  #keepAlone(operation: PendingOperation, fetched: FetchedState): StoredState {
    return this.coherence.keepAlone(operation, {
      ...fetched,
      recheckAt: Math.min(fetched.recheckAt, this.#clock.now() + ALONE_MS),
    });
  }

  /**
   * @returns what Redis holds now, or undefined where it holds nothing to vouch for; "superseded" where only Redis
   * can tell
   */
  async #applyInRedis(change: SubjectChange, verifiedAt: number): Promise<FetchedState | "superseded" | undefined> {
    const { subject } = change;
    const { stored, reading } = await this.#reads.readStored(subject);
    const before = stored.outcome === "found" ? stored : undefined;
    const outcome = applySubjectChange(before?.state, change);
    switch (outcome.effect) {
      case "replace": {
        const { state } = outcome;
        const trust = { verifiedAt, recheckAt: state.validUntil, isVerified: true };
        const written = await this.#write(subject, encodeState(this.#environment, subject, state, trust));
        if (written === "written") this.#stateWritten(subject, state, verifiedAt);
        return written === "written"
          ? { state, ...trust, recheckAt: this.#reads.recheckAt(state.validUntil) }
          : "superseded";
      }
      case "refine":
        return before === undefined ? undefined : this.#refine(before, outcome.state, reading, verifiedAt);
      case "forget":
        await this.#remove(subject, verifiedAt);
        return undefined;
      case "mark-stale":
        this.#staleMarkers.markStale(subject, this.#clock.now());
        this.#near.markStale(subject.customerId, subject.resourceId);
        return undefined;
      case "none":
        return before === undefined ? undefined : this.#reads.brought(subject, before);
    }
  }

  async #refine(
    before: KnownState,
    state: CustomerState,
    reading: StateReading,
    knownAt: number,
  ): Promise<FetchedState | "superseded"> {
    const { subject } = reading;
    const writes = [...usagesOfState(state)]
      .filter((entitlement) => usageIn(state, entitlement) !== usageIn(before.state, entitlement))
      .map((entitlement) =>
        encodeUsage(
          this.#environment,
          subject,
          entitlement,
          usageIn(state, entitlement),
          reading.usage(entitlement)?.value,
        ),
      );
    const outcome = await this.#write(subject, {
      writes,
      onlyIfExists: timestampKey(stateKey(this.#environment, subject)),
    });
    if (outcome === "written")
      this.#journal.wrote(
        subject,
        knownAt,
        writes.map(({ key, updatedAt }) => [key, updatedAt]),
      );
    return outcome === "written" ? this.#reads.brought(subject, { ...before, state }) : "superseded";
  }

  /** Keeps what Redis has no place for. */
  #keepApart(operation: PendingOperation, fetched: FetchedState): StoredState {
    this.#apart.add(operation.subject);
    return this.coherence.keepAlone(operation, {
      ...fetched,
      recheckAt: Math.min(fetched.recheckAt, this.#clock.now() + ALONE_MS),
    });
  }

  /** @returns whether Redis holds all of it now, and nothing newer; or whether its keys are another subject's */
  async #write(subject: Subject, group: WriteGroup): Promise<"written" | "superseded" | "taken"> {
    const isOwn =
      !hasAmbiguousKeys(subject) ||
      (await mayWriteKeys(
        this.#commands,
        this.#environment,
        subject,
        group.writes.map(({ key }) => key),
      ));
    if (!isOwn) return "taken";
    const [outcomes] = await this.#commands.writeNewest([group]);
    if (outcomes?.every(({ outcome }) => outcome === "written") !== true) return "superseded";
    this.#apart.delete(subject);
    return "written";
  }

  async #delete(subject: Subject): Promise<void> {
    if (!(await mayWriteKeys(this.#commands, this.#environment, subject))) return;
    await this.#commands.delete(purgedKeys(this.#environment, subject));
  }
}
