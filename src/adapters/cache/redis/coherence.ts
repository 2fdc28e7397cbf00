import { SubjectMap } from "../../../domain/subject-map.js";
import type { Subject } from "../../../domain/subject.js";
import type { CachedState, CacheStore, FetchedState } from "../../../ports/cache-store.js";
import type { InvalidationListener } from "./invalidations.js";
import { subjectsOfKey } from "./key-subjects.js";

/** Something under way between this process and Redis, whose outcome is only good if nothing was written meanwhile. */
export class Exchange {
  readonly subject: Subject;
  readonly #onEnd: (exchange: Exchange) => void;
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
  readonly #near: CacheStore;
  readonly #environment: string;
  readonly #underWay = new SubjectMap<Set<Exchange>>();
  readonly #newsListeners = new SubjectMap<Set<() => void>>();
  #isCoherent = false;

  /** @param near in this process: what is done to it is done before the call returns */
  constructor(near: CacheStore, environment: string) {
    this.#near = near;
    this.#environment = environment;
  }

  /** To be ended, whatever comes of it. */
  begin(subject: Subject): Exchange {
    const exchange = new Exchange(subject, () => removeFrom(this.#underWay, subject, exchange));
    addTo(this.#underWay, subject, exchange);
    return exchange;
  }

  /** Keeps what an exchange brought; vouches for it only if nothing came between and it is beyond doubt. */
  async keep(exchange: Exchange, brought: FetchedState): Promise<CachedState> {
    const kept = await this.#near.put(exchange.subject, { ...brought, isVerified: true });
    if (!exchange.isOvertaken && this.#isCoherent && brought.isVerified) return kept;
    await this.doubt(exchange.subject);
    return { ...kept, isVerified: brought.isVerified };
  }

  /** Keeps what Redis cannot be told of, and vouches for it: nobody else can. */
  async keepAlone(exchange: Exchange, fetched: FetchedState): Promise<CachedState> {
    const kept = await this.#near.put(exchange.subject, fetched);
    if (exchange.isOvertaken) await this.doubt(exchange.subject);
    return kept;
  }

  /** From now on what is held of a subject is not vouched for, nor, of a customer, what is held of its resources. */
  async doubt(subject: Subject): Promise<void> {
    await this.#near.apply({ type: "subject-invalidated", subject }, 0);
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

  coherent(): void {
    this.#isCoherent = true;
    this.invalidatedAll();
  }

  incoherent(): void {
    this.#isCoherent = false;
    this.invalidatedAll();
  }

  invalidatedAll(): void {
    for (const exchanges of this.#underWay.values()) for (const exchange of exchanges) exchange.overtake();
    void this.#near.markAllUnverified();
    for (const listeners of this.#newsListeners.values()) for (const listener of listeners) listener();
  }

  invalidated(key: string): void {
    for (const subject of subjectsOfKey(this.#environment, key)) {
      for (const exchanges of this.#concernedBy(subject)) for (const exchange of exchanges) exchange.overtake();
      void this.doubt(subject);
      for (const listener of this.#newsListeners.get(subject) ?? []) listener();
    }
  }

  /** What is written of a customer concerns its resources as well. */
  #concernedBy({ customerId, resourceId }: Subject): Iterable<Set<Exchange>> {
    if (resourceId === undefined) return this.#underWay.ofCustomer(customerId);
    return only(this.#underWay.get({ customerId, resourceId }));
  }
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
