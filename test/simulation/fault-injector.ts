import { Random } from "../model/random.js";
import type { SimCacheService } from "./cache-service.js";
import { type Fault, type FaultKind, type FleetFaultKind, isOfServices, SERVICE_FAULT_KINDS } from "./faults.js";
import type { SimSidecar } from "./fleet.js";
import type { History } from "./history.js";
import type { Upstream } from "./servers/upstream.js";
import { beginServiceFault, type Consumption } from "./service-faults.js";
import type { VirtualRedis } from "./transports/redis-client.js";
import { cutBoth, cutOneWay } from "./world/cuts.js";
import type { World } from "./world/world.js";

export interface FaultParts {
  readonly world: World;
  readonly sidecars: readonly SimSidecar[];
  readonly redis: VirtualRedis;
  readonly upstream: Upstream;
  readonly history: History;
  /** Many checks at once. */
  readonly burst: (sidecar: SimSidecar, random: Random) => void;
  /** The queue and who consumes it, where there is one. */
  readonly consumption?: Consumption | undefined;
}

/** What a fault befalls. */
type Victim = SimSidecar | SimCacheService;

interface UnderWay {
  readonly kind: FaultKind;
  /** Undefined: everybody. */
  readonly victim: Victim | undefined;
}

/** How long a process may take after a fault until what it missed is asked for again, milliseconds. */
const RECOVERY_MS = 40_000;

/** Makes faults begin and end, and knows whom they concern. */
export class FaultInjector {
  readonly #parts: FaultParts;
  readonly #underWay = new Set<UnderWay>();
  readonly #quietSince = new Map<Victim | undefined, number>();

  /** Since when only Redis is away, milliseconds; undefined: something else is. */
  #hearsSince: number | undefined = 0;

  constructor(parts: FaultParts) {
    this.#parts = parts;
  }

  schedule(fault: Fault): void {
    const { scheduler } = this.#parts.world;
    scheduler.at(fault.at * 1_000, undefined, () => {
      const victim = this.#victimOf(fault);
      const underWay: UnderWay = { kind: fault.kind, victim: CONCERNS_ONE.has(fault.kind) ? victim : undefined };
      this.#underWay.add(underWay);
      if (!IS_HEARD.has(fault.kind)) this.#hearsSince = undefined;
      this.#note(fault, victim, "begins");
      const end = this.#begin(fault, victim);
      scheduler.after(fault.lasts * 1_000, undefined, () => {
        end();
        this.#underWay.delete(underWay);
        if ([...this.#underWay].every(({ kind }) => IS_HEARD.has(kind))) this.#hearsSince ??= scheduler.now / 1_000;
        this.#quietSince.set(underWay.victim, scheduler.now / 1_000 + RECOVERY_MS);
        this.#note(fault, victim, "ends");
      });
    });
  }

  /** Under which fault an answer is counted. */
  classOf(sidecar: SimSidecar): string {
    for (const { kind, victim: whom } of this.#underWay) if (concerns(whom, sidecar)) return kind;
    const quietSince = this.#lastOf(sidecar);
    return quietSince > this.#parts.world.scheduler.now / 1_000 ? "recovery" : "none";
  }

  /** Whether nothing stands between a sidecar and Redis but that both are slow or busy. */
  reachesRedis({ name, mode }: SimSidecar): boolean {
    const { redis, world } = this.#parts;
    return (
      mode !== "memory" &&
      redis.isUp &&
      !world.network.isCut(name, redis.host) &&
      !world.network.isCut(redis.host, name)
    );
  }

  /** Whether whoever listens to the stream hears everything, and has for a while. */
  get isOnlyRedisAway(): boolean {
    return this.#hearsSince !== undefined && this.#hearsSince + RECOVERY_MS < this.#parts.world.scheduler.now / 1_000;
  }

  /** Whether nothing is under way but that many ask at once. */
  isOnlyBusy(sidecar: SimSidecar): boolean {
    let isBusy = false;
    for (const { kind, victim: whom } of this.#underWay) {
      if (!concerns(whom, sidecar)) continue;
      if (kind !== "overload" || whom !== sidecar) return false;
      isBusy = true;
    }
    return isBusy;
  }

  /** Since when nothing concerns a sidecar, milliseconds; undefined: something does. */
  quietSince(sidecar: SimSidecar): number | undefined {
    for (const { victim: whom } of this.#underWay) if (concerns(whom, sidecar)) return undefined;
    const since = this.#lastOf(sidecar);
    return since > this.#parts.world.scheduler.now / 1_000 ? undefined : since;
  }

  #lastOf(sidecar: SimSidecar): number {
    let last = this.#quietSince.get(undefined) ?? RECOVERY_MS;
    for (const [whom, since] of this.#quietSince) if (concerns(whom, sidecar)) last = Math.max(last, since);
    return last;
  }

  #note({ kind, lasts, choice }: Fault, { name }: Victim, what: string): void {
    this.#parts.history.add(
      this.#parts.world.scheduler.now / 1_000,
      "fault",
      `${kind} ${name} ${what} (${lasts} ms, ${choice.toFixed(3)})`,
    );
  }

  #victimOf({ kind, target }: Fault): Victim {
    const { sidecars, consumption } = this.#parts;
    const victims: readonly Victim[] = (isOfServices(kind) ? consumption?.services : undefined) ?? sidecars;
    return victims[target % victims.length] as Victim;
  }

  /** @returns what ends it */
  #begin({ kind, lasts, choice }: Fault, victim: Victim): () => void {
    const { world, consumption } = this.#parts;
    if (!isOfServices(kind)) return "mode" in victim ? this.#beginAt(victim, { kind, lasts, choice }) : nothing;
    if (consumption === undefined || "mode" in victim) return nothing;
    return beginServiceFault({ kind, lasts, choice }, victim, consumption, world);
  }

  #beginAt(
    sidecar: SimSidecar,
    { kind, lasts, choice }: Pick<Fault, "lasts" | "choice"> & { readonly kind: FleetFaultKind },
  ): () => void {
    const { world, redis, upstream, burst } = this.#parts;
    const { network, scheduler } = world;
    const { faults } = upstream;
    const host = sidecar.name;
    switch (kind) {
      case "crash":
        sidecar.kill();
        return () => {
          if (sidecar.started === undefined) sidecar.start();
        };
      case "pause":
        sidecar.started?.process.pause(scheduler.now + lasts * 1_000);
        return nothing;
      case "clock-step":
        world.clockOffsets.set(host, Math.round((choice - 0.5) * 7_200_000));
        return () => world.clockOffsets.delete(host);
      case "redis-down":
      case "redis-emptied":
      case "redis-old":
        return this.#restartRedis(kind, lasts);
      case "redis-slow": {
        const by = Math.round((50 + 900 * choice) * 1_000);
        network.delay("redis", choice < 0.5 ? host : "*", by);
        return () => network.delay("redis", choice < 0.5 ? host : "*", 0);
      }
      case "redis-cut":
        return cutBoth(world, host, "redis");
      case "redis-half-cut":
        return choice < 0.5 ? cutOneWay(world, host, "redis") : cutOneWay(world, "redis", host);
      case "redis-read-only":
        redis.server.isReadOnly = true;
        return () => (redis.server.isReadOnly = false);
      case "redis-without-scripts":
        redis.server.forbidsScripts = true;
        return () => (redis.server.forbidsScripts = false);
      case "stream-dropped":
        upstream.dropStreams();
        return nothing;
      case "stream-cut":
        return cutBoth(world, host, "ws");
      case "stream-down":
        network.refuse("ws", true);
        upstream.dropStreams();
        return () => network.refuse("ws", false);
      case "events-lost":
        return this.#set("losesEvents", choice, 0);
      case "edge-behind":
        return this.#putEdgeBehind(Math.round(5_000 + 60_000 * choice));
      case "edge-503":
        return this.#set("edge", "503", "up");
      case "edge-hangs":
        return this.#set("edge", "hangs", "up");
      case "api-503":
        return this.#set("api", "503", "up");
      case "api-hangs":
        return this.#set("api", "hangs", "up");
      case "api-429":
        return this.#set("api", "429", "up");
      case "answers-lost":
        faults.losesAnswers = choice;
        return () => (faults.losesAnswers = 0);
      case "upstream-cut": {
        const ends = ["edge", "api", "ws"].map((to) => cutBoth(world, host, to));
        return () => {
          for (const end of ends) end();
        };
      }
      case "overload":
        burst(sidecar, new Random(Math.floor(choice * 2 ** 32)));
        return nothing;
      case "published":
        upstream.publish(this.isOnlyRedisAway);
        return nothing;
      case "edge-429":
        return this.#set("edge", "429", "up");
      case "edge-refuses-one":
        return this.#set("edgeRefuses", Math.floor(choice * Math.min(20, upstream.customers)), undefined);
    }
  }

  #putEdgeBehind(lagMs: number): () => void {
    const { upstream, consumption } = this.#parts;
    const { faults } = upstream;
    faults.edgeLagMs = lagMs;
    return () => {
      faults.edgeLagMs = 500;
      consumption?.accounts.edgeCaughtUp();
    };
  }

  #set<K extends keyof Upstream["faults"]>(
    name: K,
    value: Upstream["faults"][K],
    usual: Upstream["faults"][K],
  ): () => void {
    const { faults } = this.#parts.upstream;
    faults[name] = value;
    return () => (faults[name] = usual);
  }

  #restartRedis(kind: "redis-down" | "redis-emptied" | "redis-old", lasts: number): () => void {
    const { redis, world } = this.#parts;
    const older = redis.server.snapshot();
    const stop = () => {
      redis.isUp = false;
      for (const drop of [...redis.links]) drop();
      redis.links.clear();
    };
    const restart = (content: ReadonlyMap<string, unknown>) => {
      stop();
      redis.server.restart(content);
      redis.isUp = true;
      redis.restartedAt = world.scheduler.now;
      this.#parts.consumption?.accounts.redisRestarted();
    };
    if (kind !== "redis-old") {
      stop();
      return () => restart(kind === "redis-emptied" ? new Map() : redis.server.snapshot());
    }
    // It goes on for a while, and comes back with what it had before that.
    world.scheduler.after(lasts * 900, undefined, stop);
    return () => restart(older);
  }
}

/** Whoever reads from Redis what others write there is concerned by what befalls those. */
function concerns(whom: Victim | undefined, sidecar: SimSidecar): boolean {
  if (whom === undefined || whom === sidecar) return true;
  return sidecar.mode === "redis" && (!("mode" in whom) || whom.mode === "redis-listening");
}

const IS_REDIS_AWAY: ReadonlySet<FaultKind> = new Set([
  "redis-down",
  "redis-cut",
  "redis-read-only",
  "redis-without-scripts",
]);

/** Who listens hears everything all the same. */
const IS_HEARD: ReadonlySet<FaultKind> = new Set([...IS_REDIS_AWAY, "published"]);

const nothing = (): void => undefined;

const CONCERNS_ONE: ReadonlySet<FaultKind> = new Set([
  ...SERVICE_FAULT_KINDS,
  "crash",
  "pause",
  "redis-cut",
  "redis-half-cut",
  "stream-cut",
  "upstream-cut",
  "overload",
  "clock-step",
]);
