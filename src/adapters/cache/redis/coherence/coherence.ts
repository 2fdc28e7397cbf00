import { isEmptyState } from "../../../../domain/customer-state.js";
import { SubjectMap } from "../../../../domain/subject-map.js";
import type { Subject } from "../../../../domain/subject.js";
import type { CachedState, FetchedState, HeldState } from "../../../../ports/cache-store.js";
import type { ApartSubjects } from "./apart-subjects.js";
import type { InvalidationListener } from "./invalidations.js";
import { subjectsOfKey } from "../store/key-subjects.js";
import type { NearStore } from "./near-store.js";
import { KEY_MARKS, stateKeysPrefix } from "../store/redis-keys.js";

/** Something under way between this process and Redis, whose outcome is only good if nothing was written meanwhile. */
export class Exchange {
  readonly subject: Subject;
  readonly #onEnd: (exchange: Exchange) => void;
  /** Another of the same subject, which began before. */
  older: Exchange | undefined;
  #isOvertaken = false;

  constructor(subject: Subject, onEnd: (exchange: Exchange) => void) {
    this.subject = subject;
    this.#onEnd = onEnd;
  }

  /** Somebody wrote since it began: what it brings may be from before that. */
  get isOvertaken(): boolean {
    return this.#isOvertaken;
  }

  overtake(): void {
    this.#isOvertaken = true;
    this.older?.overtake();
  }

  end(): void {
    this.#onEnd(this);
  }
}

/**
 * Keeps the states at hand in this process coherent with Redis. Redis tells of every write, and what was written
 * is not vouched for until it is read again; it is kept, since it is the best there is where nobody can be asked.
 *
 * News of a write and the reply that it overtakes come on different connections, in any order. So a reply counts
 * only if no news came while it was under way, or the older value would stay for as long as nobody writes again.
 */
export class Coherence implements InvalidationListener {
  readonly #near: NearStore;
  readonly #environment: string;
  readonly #apart: Pick<ApartSubjects, "has">;
  /** What every key that is told of begins with. */
  readonly #prefix: string;
  readonly #underWay = new SubjectMap<Exchange>();
  readonly #coherentListeners = new Set<() => void>();
  readonly #keyListeners = new Map<string, () => void>();
  readonly #newsListeners = new SubjectMap<Set<() => void>>();
  #isCoherent = false;

  /** @param apart whom no write to Redis concerns */
  constructor(near: NearStore, environment: string, apart: Pick<ApartSubjects, "has">) {
    this.#near = near;
    this.#apart = apart;
    this.#environment = environment;
    this.#prefix = stateKeysPrefix(environment);
  }

  /** To be ended, whatever comes of it. */
  begin(subject: Subject): Exchange {
    const exchange = new Exchange(subject, this.#onEnd);
    exchange.older = this.#underWay.get(subject);
    this.#underWay.set(subject, exchange);
    return exchange;
  }

  readonly #onEnd = (exchange: Exchange): void => {
    const { subject, older } = exchange;
    let newer = this.#underWay.get(subject);
    if (newer === exchange) {
      if (older === undefined) this.#underWay.delete(subject);
      else this.#underWay.set(subject, older);
      return;
    }
    while (newer !== undefined && newer.older !== exchange) newer = newer.older;
    if (newer !== undefined) newer.older = older;
  };

  /** Keeps what an exchange brought; vouches for it only if nothing came between and it is beyond doubt. */
  keep(exchange: Exchange, brought: FetchedState): CachedState {
    const held = this.#near.find(exchange.subject);
    const newest =
      held !== undefined && isKnownLater(held, brought) ? { ...held, recheckAt: brought.recheckAt } : brought;
    const kept = this.#near.keep(exchange.subject, { ...newest, isVerified: true });
    if (!exchange.isOvertaken && this.#isCoherent && brought.isVerified) return kept;
    this.#near.doubt(exchange.subject.customerId, exchange.subject.resourceId);
    return { ...kept, isVerified: brought.isVerified };
  }

  /** Keeps what Redis cannot be told of, and vouches for it: nobody else can. */
  keepAlone(exchange: Exchange, fetched: FetchedState): CachedState {
    const kept = this.#near.keep(exchange.subject, fetched);
    if (exchange.isOvertaken) this.#near.doubt(exchange.subject.customerId, exchange.subject.resourceId);
    return kept;
  }

  /**
   * Calls back whenever Redis tells of a write to a subject's keys.
   *
   * @returns what ends that
   */
  onNews(subject: Subject, listener: () => void): () => void {
    addTo(this.#newsListeners, subject, listener);
    return () => removeFrom(this.#newsListeners, subject, listener);
  }

  /** Calls back whenever Redis begins to tell of writes: it may have come back with other data. */
  onCoherent(listener: () => void): void {
    this.#coherentListeners.add(listener);
  }

  /** Calls back whenever Redis tells of a write to this key, or may have missed one. */
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
    for (const exchange of this.#underWay.values()) exchange.overtake();
    void this.#near.markAllUnverified();
    for (const listener of this.#keyListeners.values()) listener();
    for (const listeners of this.#newsListeners.values()) for (const listener of listeners) listener();
  }

  invalidated(key: string): void {
    this.#keyListeners.get(key)?.();
    for (const subject of subjectsOfKey(this.#environment, key)) {
      if (this.#apart.has(subject)) continue;
      const { customerId, resourceId } = subject;
      const concernsResources = resourceId === undefined && !this.#isOfUsage(customerId, key);
      this.#near.doubt(customerId, resourceId);
      if (concernsResources) this.#near.doubtResources(customerId);
      for (const exchange of concernsResources
        ? this.#underWay.ofCustomer(customerId)
        : only(this.#underWay.get(subject)))
        exchange.overtake();
      for (const listener of this.#newsListeners.get(subject) ?? []) listener();
    }
  }

  #isOfUsage(customerId: string, key: string): boolean {
    return KEY_MARKS.usages.some((mark) => key.startsWith(mark, this.#prefix.length + customerId.length));
  }
}

type Known = Pick<HeldState, "state" | "verifiedAt">;

/**
 * Whether what is held was found to be true later than what was brought, of two states that no timestamps order: one that
 * explains why it is empty has none. A Redis that has come back with older data must not undo a revocation.
 */
export function isKnownLater(held: Known, brought: Known): boolean {
  if (!isEmptyState(held.state) && !isEmptyState(brought.state)) return false;
  return brought.verifiedAt > 0 && held.verifiedAt > brought.verifiedAt;
}

function only<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
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
