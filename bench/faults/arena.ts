import { setTimeout as elapse } from "node:timers/promises";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import type { Emulator } from "../../src/adapters/emulator/start-emulator.js";
import { inkwell } from "../../test/builders/inkwell.js";
import { type EmulatedUpstream, emulatedUpstream } from "../../test/builders/sidecar-on-emulator.js";
import type { Contestant, ContestantOptions, SeatsAnswer, StartContestant } from "./contestant.js";
import { RedisBehindNetwork } from "./redis-behind-network.js";

export const ACME = "acme";

const CHECK_EVERY_MS = 20;

/** How long something took, or what came instead. */
export type Outcome =
  | { readonly is: "seen"; readonly afterMs: number }
  | { readonly is: "not seen"; readonly withinMs: number }
  | { readonly is: "died" };

export interface ArenaOptions extends Omit<ContestantOptions, "redis"> {
  readonly isWarm?: boolean;
  readonly isOnRedis?: boolean;
  readonly catalog?: CatalogInput;
}

/** One contestant on an upstream of its own. */
export class Arena {
  readonly emulator: Emulator;
  readonly contestant: Contestant;
  readonly #upstream: EmulatedUpstream;
  readonly #redis: RedisBehindNetwork | undefined;

  private constructor(upstream: EmulatedUpstream, contestant: Contestant, redis: RedisBehindNetwork | undefined) {
    this.#upstream = upstream;
    this.#redis = redis;
    this.emulator = upstream.emulator;
    this.contestant = contestant;
  }

  /** Resolves once the contestant listens, and knows the customer named acme where it should. */
  static async open(start: StartContestant, options: ArenaOptions): Promise<Arena> {
    const upstream = await emulatedUpstream(options.catalog ?? inkwell());
    const redis = options.isOnRedis === true ? await RedisBehindNetwork.start() : undefined;
    const arena = new Arena(upstream, await start(upstream.emulator, { ...options, redis: redis?.network }), redis);
    await arena.listening();
    // What comes after the last subscription: it is settled, and what was cached before is fetched again.
    await elapse(500);
    if (options.isWarm !== false) await arena.contestant.seats(ACME);
    return arena;
  }

  /** @throws Error in a row that is not on Redis */
  get redis(): RedisBehindNetwork {
    if (this.#redis === undefined) throw new Error("this row is not on Redis");
    return this.#redis;
  }

  get engine(): EmulatedUpstream["engine"] {
    return this.#upstream.engine;
  }

  /** Resolves once the contestant has all its subscriptions. */
  listening(): Promise<void> {
    const { stats } = this.emulator;
    return stats.until(({ subscriptions }) =>
      this.contestant.subscriptions.every((field) => (subscriptions.get(field) ?? 0) > 0),
    );
  }

  grantSeats(seats: number): void {
    this.engine.replace(inkwell({ overrides: { seats } }));
  }

  /** Somebody else takes a seat of acme's. */
  async useElsewhere(): Promise<void> {
    const report = {
      subject: { customerId: ACME },
      featureId: "seats",
      value: 1,
      updateBehavior: "DELTA",
      timestamp: undefined,
    } as const;
    await this.engine.reportUsage([{ ...report, dimensions: new Map(), idempotencyKey: crypto.randomUUID() }]);
  }

  /** What upstream has counted of acme's seats. */
  get counted(): number {
    return this.engine.stateOf({ customerId: ACME }).featureUsage("seats").currentUsage;
  }

  /** States that were asked for, of Edge and of the API. */
  get fetches(): { readonly edge: number; readonly api: number } {
    const { edge, api } = this.emulator.stats;
    const sum = (counts: ReadonlyMap<string, number>, names: readonly string[]) =>
      names.reduce((total, name) => total + (counts.get(name) ?? 0), 0);
    return {
      edge: sum(edge.byOperation, ["entitlements.json", "entitlements-state.json"]),
      api: sum(api.byOperation, ["GetEntitlements", "GetEntitlementsState"]),
    };
  }

  /** Checks acme's seats until an answer is as wanted. */
  async untilAnswered(fits: (answer: SeatsAnswer) => boolean, withinMs: number): Promise<Outcome> {
    const begun = performance.now();
    for (;;) {
      const answer = await this.contestant.seats(ACME).catch(() => undefined);
      const afterMs = performance.now() - begun;
      if (answer === undefined) return { is: "died" };
      if (fits(answer)) return { is: "seen", afterMs };
      if (afterMs > withinMs) return { is: "not seen", withinMs };
      await elapse(CHECK_EVERY_MS);
    }
  }

  async close(): Promise<void> {
    await this.contestant.stop();
    await this.#upstream.stop();
    await this.#redis?.stop();
  }
}
