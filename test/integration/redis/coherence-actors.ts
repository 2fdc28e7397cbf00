import type { CustomerState } from "../../../src/domain/customer-state.js";
import { CodedError } from "../../../src/domain/errors.js";
import { SubjectMap } from "../../../src/domain/subject-map.js";
import type { Subject } from "../../../src/domain/subject.js";
import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import { RedisStore } from "../../builders/redis-store.js";
import { metered, stateWith } from "../../builders/states.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import type { SeededRandom } from "../../faults/seeded-random.js";

const T = Date.UTC(2026, 2, 10);

/** What an actor knows, or has been told, of a subject: how often its set and its usage were written. */
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
  #moment = 0;

  constructor(redis: RedisStore, random: SeededRandom) {
    this.#redis = redis;
    this.#random = random;
  }

  written(subject: Subject): Version {
    return this.#written.get(subject) ?? NONE;
  }

  async write(subject: Subject): Promise<void> {
    const before = this.written(subject);
    const moment = ++this.#moment;
    const isSet = before.set === 0 || this.#random.fraction() < 0.5;
    const version = isSet ? { ...before, set: moment } : { ...before, usage: moment };
    this.#written.set(subject, version);
    const { store } = this.#redis;
    if (isSet)
      await store.put(subject, {
        state: stateOf(version),
        verifiedAt: T + moment,
        recheckAt: Infinity,
        isVerified: true,
      });
    else {
      const usage = { currentUsage: moment, updatedAt: T + moment };
      await store.apply(
        { type: "usage-updated", subject, entitlement: { type: "feature", id: "seats" }, usage },
        T + moment,
      );
    }
  }
}

/** One of those who answer from what they have at hand, and read what they have not; its network can be cut. */
export class Sidecar {
  readonly redis: RedisStore;
  readonly #proxies: readonly TcpProxy[];
  readonly #answered = new SubjectMap<Version>();
  readonly counts = { atHand: 0, read: 0, inDoubt: 0, unanswered: 0 };

  private constructor(redis: RedisStore, proxies: readonly TcpProxy[]) {
    this.redis = redis;
    this.#proxies = proxies;
  }

  static async open(server: { readonly host: string; readonly port: number }, environment: string): Promise<Sidecar> {
    const [forCommands, forNews] = [await TcpProxy.to(server), await TcpProxy.to(server)];
    const through = ({ host, port }: TcpProxy): RedisTarget => ({ kind: "server", host, port, db: 0 });
    const redis = new RedisStore({ target: through(forCommands), newsFrom: through(forNews), environment });
    await redis.ready();
    return new Sidecar(redis, [forCommands, forNews]);
  }

  /** Cuts its connection for commands, or for news, or both. */
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
    const atHand = store.peek(subject.customerId, subject.resourceId);
    if (atHand !== undefined) {
      this.counts.atHand++;
      this.#compare(subject, versionOf(atHand.state));
      return;
    }
    try {
      const loaded = await store.load(subject);
      if (loaded === undefined) return;
      this.counts[loaded.isVerified ? "read" : "inDoubt"]++;
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
