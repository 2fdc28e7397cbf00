import { applySubjectChange } from "../../../domain/apply-subject-change.js";
import type { SubjectChange } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { CachedState, CacheSize, CacheStore, FetchedState, HeldState } from "../../../ports/cache-store.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { ApartSubjects } from "./apart-subjects.js";
import { Coherence, type Exchange } from "./coherence.js";
import { CoherentReads } from "./coherent-reads.js";
import type { FoundState } from "./decode-state.js";
import { Doubts } from "./doubts.js";
import { encodeState } from "./encode-state.js";
import { encodeUsage } from "./encode-usage.js";
import { GlobalMoments } from "./global-moments.js";
import { mayWriteKeys } from "./key-ownership.js";
import type { NearStore } from "./near-store.js";
import type { RedisCommands, WriteGroup } from "./redis-commands.js";
import { purgedKeys, stateKey, timestampKey } from "./redis-keys.js";
import type { StateReading } from "./state-read.js";
import { StateReader } from "./state-reader.js";
import { usageIn, usagesOfState } from "./state-usages.js";
import { waitAtMost } from "./wait-at-most.js";

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
}

/** How long a state at hand is vouched for without a look at Redis, should ever news of a write get lost; milliseconds. */
const MAX_AGE_MS = 300_000;
/** How long what Redis could not be told of is vouched for: as long as without any news of changes; milliseconds. */
const ALONE_MS = 30_000;
/**
 * States kept in Redis for all who share it, with the most recently used ones at hand in this process. What is at
 * hand answers at once for as long as Redis tells of every write (see Coherence); `load` reads Redis.
 */
export class RedisCacheStore implements CacheStore {
  /** To be told of what is written to Redis. */
  readonly coherence: Coherence;
  readonly #near: NearStore;
  readonly #commands: RedisCommands;
  readonly #environment: string;
  readonly #clock: Clock;
  readonly #commandTimeoutMs: number;
  readonly #reads: CoherentReads;
  readonly #doubts = new Doubts();
  readonly #globals = new GlobalMoments();
  readonly #apart: ApartSubjects;

  constructor({ near, commands, environment, clock, logger, commandTimeoutMs, ttlMs }: RedisCacheStoreParts) {
    this.#near = near;
    this.#commands = commands;
    this.#environment = environment;
    this.#clock = clock;
    this.#commandTimeoutMs = commandTimeoutMs;
    this.#apart = new ApartSubjects(clock, ALONE_MS);
    this.coherence = new Coherence(near, environment, this.#apart);
    this.#reads = new CoherentReads({
      near,
      coherence: this.coherence,
      reader: new StateReader(commands, environment, logger),
      doubts: this.#doubts,
      globals: this.#globals,
      apart: this.#apart,
      clock,
      maxAgeMs: Math.min(MAX_AGE_MS, ttlMs),
    });
  }

  peek(customerId: string, resourceId: string | undefined): HeldState | undefined {
    return this.#near.peek(customerId, resourceId);
  }

  get isSlow(): boolean {
    return this.#commands.isSlow;
  }

  async load(subject: Subject, waitMs?: number): Promise<CachedState | undefined> {
    try {
      if (waitMs === 0) throw new CodedError("unavailable", "Redis is not asked");
      const read = this.#reads.read(subject);
      return await (waitMs === undefined ? read : waitAtMost(read, waitMs, this.#clock));
    } catch (error) {
      const held = await this.#near.load(subject);
      if (held === undefined || !(error instanceof CodedError)) throw error;
      return held;
    }
  }

  async put(subject: Subject, fetched: FetchedState): Promise<CachedState> {
    if (!fetched.isVerified) return this.#putInDoubt(subject, fetched);
    const exchange = this.coherence.begin(subject);
    const { state, verifiedAt, recheckAt } = fetched;
    const trust = { verifiedAt, recheckAt, isVerified: true, globalUpdatedAt: this.#globals.take(subject) };
    try {
      const outcome = await this.#write(subject, encodeState(this.#environment, subject, state, trust));
      if (outcome === "taken") return await this.#keepApart(exchange, fetched);
      if (outcome === "written" && !exchange.isOvertaken) {
        return await this.coherence.keep(exchange, { ...fetched, recheckAt: this.#reads.recheckAt(recheckAt) });
      }
      const known = await this.#readAnew(subject);
      if (this.#apart.has(subject)) return await this.#keepApart(exchange, fetched);
      if (known === undefined) return await this.#keepAlone(exchange, fetched);
      // Upstream has just been asked, and knows nothing newer.
      return known.isVerified ? known : await this.coherence.keep(exchange, { ...known, verifiedAt, isVerified: true });
    } catch (error) {
      if (error instanceof CodedError) await this.#keepAlone(exchange, fetched);
      throw error;
    } finally {
      exchange.end();
    }
  }

  async apply(change: SubjectChange, verifiedAt: number): Promise<void> {
    if (change.type === "subject-invalidated") {
      this.#doubts.doubt(change.subject, this.#clock.now());
      await this.#near.apply(change, verifiedAt);
      return;
    }
    const exchange = this.coherence.begin(change.subject);
    try {
      const known = await this.#applyInRedis(change, verifiedAt);
      await this.#near.apply(change, verifiedAt);
      if (known === undefined) return;
      if (known !== "overtaken" && !exchange.isOvertaken) {
        await this.coherence.keep(exchange, known);
        return;
      }
      this.#near.doubt(change.subject.customerId, change.subject.resourceId);
      await this.#readAnew(change.subject);
    } catch (error) {
      if (error instanceof CodedError) await this.#near.apply(change, verifiedAt);
      throw error;
    } finally {
      exchange.end();
    }
  }

  async forget(subject: Subject): Promise<void> {
    await this.#near.forget(subject);
    await this.#delete(subject);
    // Once more, since it may have been read in between.
    await this.#near.forget(subject);
  }

  async markAllUnverified(): Promise<void> {
    this.#doubts.doubtAll(this.#clock.now());
    await this.#near.markAllUnverified();
  }

  recentlyUsed(limit: number): Iterable<Subject> {
    return this.#near.recentlyUsed(limit);
  }

  get size(): CacheSize {
    return this.#near.size;
  }

  async #putInDoubt(subject: Subject, fetched: FetchedState): Promise<CachedState> {
    try {
      await this.#readAnew(subject);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    // What may be from before a change is not for others to read.
    return this.#near.put(subject, fetched);
  }

  #readAnew(subject: Subject): Promise<CachedState | undefined> {
    return waitAtMost(this.#reads.readAnew(subject), this.#commandTimeoutMs, this.#clock);
  }

  #keepAlone(exchange: Exchange, fetched: FetchedState): Promise<CachedState> {
    return this.coherence.keepAlone(exchange, { ...fetched, recheckAt: Math.min(fetched.recheckAt, this.#clock.now() + ALONE_MS) });
  }

  /**
   * @returns what Redis holds now, or undefined where it holds nothing to vouch for; "overtaken" where only Redis
   * can tell
   */
  async #applyInRedis(change: SubjectChange, verifiedAt: number): Promise<FetchedState | "overtaken" | undefined> {
    const { subject } = change;
    const { stored, reading } = await this.#reads.readStored(subject);
    const before = stored.outcome === "found" ? stored : undefined;
    const outcome = applySubjectChange(before?.state, change);
    switch (outcome.effect) {
      case "replace": {
        const { state } = outcome;
        const trust = { verifiedAt, recheckAt: state.validUntil, isVerified: true };
        const written = await this.#write(subject, encodeState(this.#environment, subject, state, trust));
        return written === "written" ? { state, ...trust, recheckAt: this.#reads.recheckAt(state.validUntil) } : "overtaken";
      }
      case "refine":
        return before === undefined ? undefined : this.#refine(before, outcome.state, reading);
      case "forget":
        await this.#delete(subject);
        return undefined;
      case "doubt":
        this.#doubts.doubt(subject, this.#clock.now());
        this.#near.doubt(subject.customerId, subject.resourceId);
        return undefined;
      case "none":
        return before === undefined ? undefined : this.#reads.brought(subject, before);
    }
  }

  async #refine(before: FoundState, state: CustomerState, reading: StateReading): Promise<FetchedState | "overtaken"> {
    const { subject } = reading;
    const writes = [...usagesOfState(state)]
      .filter((entitlement) => usageIn(state, entitlement) !== usageIn(before.state, entitlement))
      .map((entitlement) =>
        encodeUsage(this.#environment, subject, entitlement, usageIn(state, entitlement), reading.usage(entitlement)?.value),
      );
    const outcome = await this.#write(subject, { writes, onlyIfExists: timestampKey(stateKey(this.#environment, subject)) });
    return outcome === "written" ? this.#reads.brought(subject, { ...before, state }) : "overtaken";
  }

  /** Keeps what Redis has no place for. */
  #keepApart(exchange: Exchange, fetched: FetchedState): Promise<CachedState> {
    this.#apart.add(exchange.subject);
    return this.coherence.keepAlone(exchange, { ...fetched, recheckAt: Math.min(fetched.recheckAt, this.#clock.now() + ALONE_MS) });
  }

  /** @returns whether Redis holds all of it now, and nothing newer; or whether its keys are another subject's */
  async #write(subject: Subject, group: WriteGroup): Promise<"written" | "superseded" | "taken"> {
    const keys = group.writes.map(({ key }) => key);
    if (!(await mayWriteKeys(this.#commands, this.#environment, subject, keys))) return "taken";
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
