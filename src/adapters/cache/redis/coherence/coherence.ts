import { type CustomerState, isEmptyState } from "../../../../domain/customer-state.js";
import { type Subject, SubjectMap } from "../../../../domain/subject.js";
import type { CachedState, CacheStore, FetchedState, StoredState } from "../../../../ports/cache-store.js";
import type { CompactState } from "../../memory/memory-state.js";
import { hasAmbiguousKeys, KEY_MARKS, plainKeyOf, stateKeysPrefix, subjectsOfKey } from "../store/redis-keys.js";
import type { ApartSubjects } from "./subject-marks.js";

/**
 * The cached states in this process: what is done to it is done before the call returns. It is notified of every write
 * to Redis, most of them of nobody it knows, so marking one stale costs next to nothing there.
 */
export interface NearStore extends CacheStore {
  /** What `put` resolves with. */
  keep(subject: Subject, fetched: FetchedState): StoredState;
  /** A state in the form in which states are kept here; what it shares with them stays ready until it is released. */
  hold(state: CustomerState): CompactState;
  release(state: CompactState): void;
  /** From now on what is held of one subject is not verified. */
  markStale(customerId: string, resourceId: string | undefined): void;
  /** The same of all resources of a customer. */
  markResourcesStale(customerId: string): void;
}

/** Notified, synchronously and in order, of every write to a state's keys, whoever wrote. Must not throw. */
export interface InvalidationListener {
  /** From here on every write is reported; any before may have been missed. */
  coherent(): void;
  /** Somebody wrote, removed or evicted this key. */
  invalidated(key: string): void;
  /** Anything may have been written. */
  invalidatedAll(): void;
  /** Writes are being missed from here on. Not called before the first `coherent`. */
  incoherent(): void;
}

/** Notices of what is written to Redis, for as long as there is a connection to tell of it. */
export interface Invalidations {
  /** Begins to listen, and goes on for ever, reconnecting by itself. Never throws. */
  start(listener: InvalidationListener): void;
  /** No call to the listener comes after it resolves. */
  stop(): Promise<void>;
}

/** Something under way between this process and Redis, whose outcome is only good if nothing was written meanwhile. */
export class PendingOperation {
  readonly subject: Subject;
  readonly #onEnd: (operation: PendingOperation) => void;
  /** Another of the same subject, which began before. */
  older: PendingOperation | undefined;
  #isSuperseded = false;

  constructor(subject: Subject, onEnd: (operation: PendingOperation) => void) {
    this.subject = subject;
    this.#onEnd = onEnd;
  }

  /** Somebody wrote since it began: what it brings may be from before that. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  supersede(): void {
    this.#isSuperseded = true;
    this.older?.supersede();
  }

  end(): void {
    this.#onEnd(this);
  }
}

/**
 * Keeps the cached states in this process coherent with Redis. Redis tells of every write, and what was written
 * is not vouched for until it is read again; it is kept, since it is the best there is where nobody can be asked.
 *
 * The notice of a write and the reply that it supersedes come on different connections, in any order. So a reply counts
 * only if no change came while it was under way, or the older value would stay for as long as nobody writes again.
 */
export class Coherence implements InvalidationListener {
  readonly #near: NearStore;
  readonly #environment: string;
  readonly #apart: Pick<ApartSubjects, "has">;
  /** What every key that is reported begins with. */
  readonly #prefix: string;
  readonly #underWay = new SubjectMap<PendingOperation>();
  readonly #coherentListeners = new Set<() => void>();
  readonly #keyListeners = new Map<string, () => void>();
  readonly #changeListeners = new SubjectMap<Set<() => void>>();
  #isCoherent = false;
  /** Whether anybody was asked for whose keys can be read as another's: then a notice may concern more than one subject. */
  #areKeysAmbiguous = false;

  /** @param apart whom no write to Redis concerns */
  constructor(near: NearStore, environment: string, apart: Pick<ApartSubjects, "has">) {
    this.#near = near;
    this.#apart = apart;
    this.#environment = environment;
    this.#prefix = stateKeysPrefix(environment);
  }

  /** To be ended, whatever comes of it. */
  begin(subject: Subject): PendingOperation {
    this.#areKeysAmbiguous ||= hasAmbiguousKeys(subject);
    const operation = new PendingOperation(subject, this.#onEnd);
    operation.older = this.#underWay.get(subject);
    this.#underWay.set(subject, operation);
    return operation;
  }

  readonly #onEnd = (operation: PendingOperation): void => {
    const { subject, older } = operation;
    let newer = this.#underWay.get(subject);
    if (newer === operation) {
      if (older === undefined) this.#underWay.delete(subject);
      else this.#underWay.set(subject, older);
      return;
    }
    while (newer !== undefined && newer.older !== operation) newer = newer.older;
    if (newer !== undefined) newer.older = older;
  };

  /** Keeps what an operation brought; vouches for it only if nothing came between and it is fresh. */
  keep(operation: PendingOperation, brought: FetchedState): StoredState {
    const held = this.#near.find(operation.subject);
    const newest =
      held !== undefined && isKnownLater(held, brought) ? { ...held, recheckAt: brought.recheckAt } : brought;
    const kept = this.#near.keep(operation.subject, { ...newest, isVerified: true });
    if (!operation.isSuperseded && this.#isCoherent && brought.isVerified) return kept;
    this.#near.markStale(operation.subject.customerId, operation.subject.resourceId);
    return { ...kept, isVerified: brought.isVerified };
  }

  /** Keeps what cannot be written to Redis, and vouches for it: nobody else can. */
  keepAlone(operation: PendingOperation, fetched: FetchedState): StoredState {
    const kept = this.#near.keep(operation.subject, fetched);
    if (operation.isSuperseded) this.#near.markStale(operation.subject.customerId, operation.subject.resourceId);
    return kept;
  }

  /**
   * Calls back whenever Redis tells of a write to a subject's keys.
   *
   * @returns what ends that
   */
  onChange(subject: Subject, listener: () => void): () => void {
    this.#areKeysAmbiguous ||= hasAmbiguousKeys(subject);
    addTo(this.#changeListeners, subject, listener);
    return () => removeFrom(this.#changeListeners, subject, listener);
  }

  /** Calls back whenever Redis begins to tell of writes: it may have come back with other data. */
  onCoherent(listener: () => void): void {
    this.#coherentListeners.add(listener);
  }

  /** Calls back whenever Redis tells of a write to this key, of no state's, or may have missed one. */
  onKey(key: string, listener: () => void): void {
    this.#keyListeners.set(key, listener);
  }

  coherent(): void {
    this.#isCoherent = true;
    this.invalidatedAll();
    for (const listener of this.#coherentListeners) listener();
  }

  incoherent(): void {
    this.#isCoherent = false;
    this.invalidatedAll();
  }

  invalidatedAll(): void {
    for (const operation of this.#underWay.values()) operation.supersede();
    void this.#near.markAllUnverified();
    for (const listener of this.#keyListeners.values()) listener();
    for (const listeners of this.#changeListeners.values()) for (const listener of listeners) listener();
  }

  invalidated(key: string): void {
    if (!key.startsWith(this.#prefix)) this.#keyListeners.get(key)?.();
    else if (this.#areKeysAmbiguous) {
      for (const subject of subjectsOfKey(this.#environment, key))
        this.#changed(subject, this.#isOfUsage(subject.customerId, key));
    } else {
      const subject = plainKeyOf(key, this.#prefix.length);
      this.#changed(subject, subject.isOfUsage);
    }
  }

  #changed(subject: Subject, isOfUsage: boolean): void {
    if (this.#apart.has(subject)) return;
    const { customerId, resourceId } = subject;
    this.#near.markStale(customerId, resourceId);
    if (resourceId === undefined && !isOfUsage) {
      this.#near.markResourcesStale(customerId);
      for (const operation of this.#underWay.ofCustomer(customerId)) operation.supersede();
    } else this.#underWay.get(subject)?.supersede();
    for (const listener of this.#changeListeners.get(subject) ?? []) listener();
  }

  #isOfUsage(customerId: string, key: string): boolean {
    return KEY_MARKS.usages.some((mark) => key.startsWith(mark, this.#prefix.length + customerId.length));
  }
}

type Known = Pick<CachedState, "state" | "verifiedAt">;

/**
 * Whether what is held was found to be true later than what was brought, of two states that no timestamps order: one that
 * explains why it is empty has none. A Redis that has come back with older data must not undo a revocation.
 */
export function isKnownLater(held: Known, brought: Known): boolean {
  if (!isEmptyState(held.state) && !isEmptyState(brought.state)) return false;
  return brought.verifiedAt > 0 && held.verifiedAt > brought.verifiedAt;
}

function addTo<T>(map: SubjectMap<Set<T>>, subject: Subject, value: T): void {
  const set = map.get(subject);
  if (set === undefined) map.set(subject, new Set([value]));
  else set.add(value);
}

function removeFrom<T>(map: SubjectMap<Set<T>>, subject: Subject, value: T): void {
  const set = map.get(subject);
  set?.delete(value);
  if (set?.size === 0) map.delete(subject);
}
