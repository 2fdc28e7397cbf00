import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import { CodedError } from "../../../src/domain/errors.js";
import { type Subject, SubjectMap } from "../../../src/domain/subject.js";
import { RedisStore } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import type { SeededRandom } from "../../faults/seeded-random.js";

const T = Date.UTC(2026, 2, 10);

/** What an actor knows of a subject: how often its set and its usage were written. */
export interface Version {
  readonly set: number;
  readonly usage: number;
}

const NONE: Version = { set: 0, usage: 0 };

function stateOf({ set, usage }: Version): CustomerState {
  return stateWith([metered({ usageLimit: set, usage: { currentUsage: usage, updatedAt: T + usage } })], {
    updatedAt: T + set,
  });
}

function versionOf(state: CustomerState): Version {
  return { set: state.feature("seats")?.usageLimit ?? 0, usage: state.featureUsage("seats").currentUsage };
}

/** Writes as a persistent-cache service does: each time something newer. */
export class Writer {
  readonly #redis: RedisStore;
  readonly #random: SeededRandom;
  readonly #written = new SubjectMap<Version>();
  #timestamp = 0;

  constructor(redis: RedisStore, random: SeededRandom) {
    this.#redis = redis;
    this.#random = random;
  }

  written(subject: Subject): Version {
    return this.#written.get(subject) ?? NONE;
  }

  async write(subject: Subject): Promise<void> {
    const before = this.written(subject);
    const timestamp = ++this.#timestamp;
    const isSet = before.set === 0 || this.#random.fraction() < 0.5;
    const version = isSet ? { ...before, set: timestamp } : { ...before, usage: timestamp };
    this.#written.set(subject, version);
    const { store } = this.#redis;
    if (isSet)
      await store.put(subject, {
        state: stateOf(version),
        verifiedAt: T + timestamp,
        recheckAt: Infinity,
        isVerified: true,
      });
    else {
      const usage = { currentUsage: timestamp, updatedAt: T + timestamp };
      await store.apply(
        { type: "usage-updated", subject, entitlement: { type: "feature", id: "seats" }, usage },
        T + timestamp,
      );
    }
  }
}

/** One of those who answer from what they have cached, and read what they have not; its network can be cut. */
export class Sidecar {
  readonly redis: RedisStore;
  readonly #proxies: readonly TcpProxy[];
  readonly #answered = new SubjectMap<Version>();
  readonly counts = { findCached: 0, read: 0, stale: 0, unanswered: 0 };

  private constructor(redis: RedisStore, proxies: readonly TcpProxy[]) {
    this.redis = redis;
    this.#proxies = proxies;
  }

  static async open(server: { readonly host: string; readonly port: number }, environment: string): Promise<Sidecar> {
    const [forCommands, forChanges] = [await TcpProxy.to(server), await TcpProxy.to(server)];
    const through = ({ host, port }: TcpProxy): RedisTarget => ({ kind: "server", host, port, db: 0 });
    const redis = new RedisStore({ target: through(forCommands), changesFrom: through(forChanges), environment });
    await redis.ready();
    return new Sidecar(redis, [forCommands, forChanges]);
  }

  /** Cuts its connection for commands, or for changes, or both. */
  cut(random: SeededRandom): void {
    const which = random.integer(1, 3);
    for (const [index, proxy] of this.#proxies.entries()) if ((which & (1 << index)) !== 0) proxy.cut();
  }

  /**
   * Answers as a check would.
   *
   * @throws Error where the answer is older than one that it gave before
   */
  async answer(subject: Subject): Promise<void> {
    const { store } = this.redis;
    const findCached = store.peek(subject.customerId, subject.resourceId);
    if (findCached !== undefined) {
      this.counts.findCached++;
      this.#compare(subject, versionOf(findCached.state));
      return;
    }
    try {
      const loaded = await store.load(subject);
      if (loaded === undefined) return;
      this.counts[loaded.isVerified ? "read" : "stale"]++;
      this.#compare(subject, versionOf(loaded.state));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.counts.unanswered++;
    }
  }

  /** Whether what it would answer now is this. */
  async agreesOn(subject: Subject, version: Version): Promise<boolean> {
    const { store } = this.redis;
    const known =
      store.peek(subject.customerId, subject.resourceId) ?? (await store.load(subject).catch(() => undefined));
    if (known === undefined) return false;
    const { set, usage } = versionOf(known.state);
    return set === version.set && usage === version.usage;
  }

  async close(): Promise<void> {
    await this.redis.close();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }

  #compare(subject: Subject, version: Version): void {
    const before = this.#answered.get(subject) ?? NONE;
    if (version.set < before.set || version.usage < before.usage) {
      throw new Error(
        `${JSON.stringify(subject)}: answered ${JSON.stringify(version)} after ${JSON.stringify(before)}`,
      );
    }
    this.#answered.set(subject, version);
  }
}
