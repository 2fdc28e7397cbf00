import { saysAskAgain, type SubjectChange } from "../../../../domain/change.js";
import { CodedError } from "../../../../domain/errors.js";
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
import { within } from "../../../../ports/waits.js";
import type { Coherence, NearStore, PendingOperation } from "../coherence/coherence.js";
import type { CoherentReads } from "../coherence/coherent-reads.js";
import type { ApartSubjects, CustomerTimestamps, StaleMarkers, UnheardStates } from "../coherence/subject-marks.js";
import { ALONE_MS, assembleRedisCache, type RedisCacheStoreParts } from "./redis-cache-parts.js";
import { type RedisCommands, redisIsLate } from "./redis-commands.js";
import type { StateRepairs } from "./state-repairs.js";
import type { StateWriter } from "./state-writer.js";
import type { StoredChanges } from "./stored-changes.js";

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
  readonly #clock: Clock;
  readonly #commandTimeoutMs: number;
  readonly #reads: CoherentReads;
  readonly #staleMarkers: StaleMarkers;
  readonly #unheard: UnheardStates;
  readonly #globals: CustomerTimestamps;
  readonly #apart: ApartSubjects;
  readonly #writer: StateWriter;
  readonly #repairs: StateRepairs;
  readonly #changes: StoredChanges;

  constructor(parts: RedisCacheStoreParts) {
    const { near, commands, clock, commandTimeoutMs } = parts;
    this.#near = near;
    this.#commands = commands;
    this.#clock = clock;
    this.#commandTimeoutMs = commandTimeoutMs;
    const assembly = assembleRedisCache(parts);
    this.coherence = assembly.coherence;
    this.#reads = assembly.reads;
    this.#writer = assembly.writer;
    this.#changes = assembly.changes;
    this.#repairs = assembly.repairs;
    this.#staleMarkers = assembly.staleMarkers;
    this.#unheard = assembly.unheard;
    this.#globals = assembly.globals;
    this.#apart = assembly.apart;
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
      const outcome = await this.#writer.writeState(subject, state, trust, verifiedAt);
      if (outcome === "taken") return this.#keepApart(operation, fetched);
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
      const known = await this.#changes.apply(change, verifiedAt);
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
    await this.#writer.delete(subject);
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

  /** Keeps what Redis has no place for. */
  #keepApart(operation: PendingOperation, fetched: FetchedState): StoredState {
    this.#apart.add(operation.subject);
    return this.#keepAlone(operation, fetched);
  }
}
