import { Random } from "../model/random.js";
import { CatalogHost } from "./catalog-host.js";
import { CheckLoad } from "./check-load.js";
import { FaultInjector } from "./fault-injector.js";
import { type Fault, FAULT_KINDS, FAULT_KINDS_WITH_A_QUEUE, type FaultKind, planFaults, QUIET_MS } from "./faults.js";
import { fillRedis } from "./fill-redis.js";
import { type SidecarMode, SimSidecar } from "./fleet.js";
import { History } from "./history.js";
import { newTally, Oracle, type Tally, type Violation } from "./oracle.js";
import { lookAtSlots, type MessageTally, messageTally, openQueue } from "./queue-of-changes.js";
import { ReportLoad, type ReportTally } from "./report-load.js";
import { RedisServer } from "./servers/redis-server.js";
import { Upstream } from "./servers/upstream.js";
import type { Consumption } from "./service-faults.js";
import { listenRedis, type VirtualRedis } from "./transports/redis-client.js";
import { activate, World } from "./world/world.js";

export interface SimulationOptions {
  readonly seed: number;
  readonly lengthMs: number;
  readonly sidecars: number;
  readonly customers: number;
  /** Checks in a second, of the whole fleet. */
  readonly checksPerSecond: number;
  readonly faultsPerHour: number;
  /** Persistent-cache services that consume a queue of changes; 0: there is no queue. */
  readonly cacheServices?: number;
  readonly kinds?: readonly FaultKind[] | undefined;
  /** In place of those of the seed. */
  readonly faults?: readonly Fault[] | undefined;
  /** Notified every line of the history. */
  readonly print?: ((line: string) => void) | undefined;
}

export interface SimulationResult {
  readonly digest: string;
  readonly lines: number;
  readonly events: number;
  readonly faults: readonly Fault[];
  readonly violations: readonly Violation[];
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly reports: ReportTally;
  readonly messages: MessageTally;
}

export const DEFAULTS = { sidecars: 10, customers: 10_000, checksPerSecond: 3, faultsPerHour: 4 } as const;

/** Changes of customers in an hour, of all. */
const CHANGES_PER_HOUR = 240;
/** Most checks are of few customers. */
const HOT_SHARE = 0.9;
const HOT_CUSTOMERS = 200;
const MODES: readonly SidecarMode[] = [
  "memory",
  "memory",
  "redis-listening",
  "memory",
  "redis",
  "memory",
  "memory",
  "redis-listening",
  "memory",
  "memory",
];

/** Where persistent-cache services write to Redis, most read there what those write. */
const FED_MODES: readonly SidecarMode[] = ["redis", "redis", "memory", "redis", "redis-listening"];
/** One run of a fleet: the product's own code, in a world that a seed makes up. */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: World;
  readonly #random: Random;
  readonly #history: History;
  readonly #sidecars: readonly SimSidecar[];
  readonly #redis: VirtualRedis;
  readonly #upstream: Upstream;
  readonly #oracle: Oracle;
  readonly #injector: FaultInjector;
  readonly #catalog: CatalogHost;
  readonly #faults: readonly Fault[];
  readonly #consumption: Consumption | undefined;
  readonly #checks: CheckLoad;
  readonly #reports: ReportLoad;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, sidecars, customers, cacheServices = 0 } = options;
    this.#world = new World(seed);
    activate(this.#world);
    this.#random = new Random(seed ^ 0xca11);
    this.#history = new History(options.print);
    const server = new RedisServer(() => this.#world.now);
    this.#redis = { host: "redis", server, isUp: true, restartedAt: -Infinity, links: new Set() };
    listenRedis(this.#redis);
    this.#upstream = new Upstream(this.#world, this.#random.fork(), customers, cacheServices > 0);
    fillRedis(this.#redis.server, this.#upstream, customers, this.#world.now);
    const modes = cacheServices > 0 ? FED_MODES : MODES;
    this.#sidecars = Array.from(
      { length: sidecars },
      (_, index) => new SimSidecar(`sidecar-${index}`, modes[index % modes.length] as SidecarMode),
    );
    this.#oracle = new Oracle(this.#upstream, { freshMs: 3_000, maxAgeMs: 700_000, lateMs: 5_000 });
    this.#consumption =
      cacheServices > 0
        ? openQueue(cacheServices, {
            world: this.#world,
            random: this.#random,
            redis: this.#redis,
            upstream: this.#upstream,
            oracle: this.#oracle,
          })
        : undefined;
    const surroundings = {
      world: this.#world,
      history: this.#history,
      oracle: this.#oracle,
      upstream: this.#upstream,
      redis: this.#redis,
    };
    this.#checks = new CheckLoad({ ...surroundings, injector: () => this.#injector, customers });
    this.#reports = new ReportLoad({
      ...surroundings,
      random: this.#random,
      sidecars: this.#sidecars,
      someCustomer: () => this.#someCustomer(this.#random),
    });
    this.#faults = options.faults ?? plannedFaults(options);
    this.#injector = new FaultInjector({
      world: this.#world,
      sidecars: this.#sidecars,
      redis: this.#redis,
      upstream: this.#upstream,
      history: this.#history,
      burst: (sidecar, random) => this.#checks.burst(sidecar, random),
      consumption: this.#consumption,
    });
    this.#catalog = new CatalogHost({
      world: this.#world,
      random: this.#random.fork(),
      history: this.#history,
      oracle: this.#oracle,
    });
  }

  async run(): Promise<SimulationResult> {
    const { scheduler } = this.#world;
    const { lengthMs } = this.#options;
    const onRejection = (error: unknown) =>
      this.#oracle.violate(
        "no-promise-is-left",
        this.#nowMs,
        `a rejection that nobody awaits: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    process.on("unhandledRejection", onRejection);
    try {
      for (const sidecar of this.#sidecars) sidecar.start();
      for (const service of this.#consumption?.services ?? []) service.start();
      if (this.#consumption !== undefined) lookAtSlots(this.#world, this.#consumption);
      for (const fault of this.#faults) this.#injector.schedule(fault);
      this.#catalog.start(lengthMs - QUIET_MS);
      this.#nextCheck();
      this.#nextChange();
      this.#reports.start();
      await scheduler.runUntil(lengthMs * 1_000);
      await this.#lookAtTheEnd();
    } finally {
      process.off("unhandledRejection", onRejection);
    }
    this.#reports.judge();
    this.#oracle.judgeBusyTimes();
    await this.#catalog.judge();
    this.#consumption?.accounts.judge();
    for (const { name, unexpected } of [...this.#sidecars, ...(this.#consumption?.services ?? [])])
      for (const message of unexpected) this.#oracle.violate("nothing-unexpected", this.#nowMs, `${name}: ${message}`);
    return {
      digest: this.#history.digest(),
      lines: this.#history.lines,
      events: scheduler.events,
      faults: this.#faults,
      violations: this.#oracle.violations,
      tallies: this.#oracle.tallies,
      reports: this.#reports.tally,
      messages: messageTally(this.#consumption),
    };
  }

  get #nowMs(): number {
    return this.#world.scheduler.now / 1_000;
  }

  /** Checks come at random times, most of them of few customers. */
  #nextCheck(): void {
    const gap = (2e6 / this.#options.checksPerSecond) * this.#random.next();
    this.#world.scheduler.after(gap, undefined, () => {
      this.#nextCheck();
      const sidecar = this.#random.pick(this.#sidecars);
      this.#checks.ask(sidecar, this.#someCustomer(this.#random));
      return true;
    });
  }

  #someCustomer(random: Random): number {
    const { customers } = this.#options;
    return random.chance(HOT_SHARE) ? random.below(Math.min(HOT_CUSTOMERS, customers)) : random.below(customers);
  }

  #nextChange(): void {
    this.#world.scheduler.after((7_200 / CHANGES_PER_HOUR) * 1e6 * this.#random.next(), undefined, () => {
      this.#nextChange();
      const customer = this.#someCustomer(this.#random);
      const { number, isGranted } = this.#upstream.change(customer, this.#injector.isOnlyRedisAway);
      this.#history.add(this.#nowMs, "upstream", `customer ${customer} v${number} ${isGranted}`);
      return true;
    });
  }

  /** After the last fault, everybody is asked twice for what is asked for most, and has to know the truth the second time. */
  async #lookAtTheEnd(): Promise<void> {
    const { scheduler } = this.#world;
    const asked = Math.min(60, this.#options.customers);
    for (const round of [1, 2]) {
      for (const sidecar of this.#sidecars)
        for (let customer = 0; customer < asked; customer++) this.#checks.ask(sidecar, customer);
      await scheduler.runUntil(scheduler.now + 30e6);
      if (round === 2) continue;
    }
    if (this.#checks.underWay > 0 && scheduler.pending === 0)
      this.#oracle.violate("no-promise-is-left", this.#nowMs, `${this.#checks.underWay} checks are never answered`);
    if (scheduler.pending > 20_000)
      this.#oracle.violate("nothing-grows", this.#nowMs, `${scheduler.pending} timers wait`);
    this.#oracle.tallies.set("none", this.#oracle.tallies.get("none") ?? newTally());
  }
}

/** Those of the seed, whatever is given in place of them. */
export function plannedFaults({
  seed,
  lengthMs,
  sidecars,
  faultsPerHour,
  cacheServices = 0,
  kinds = cacheServices > 0 ? FAULT_KINDS_WITH_A_QUEUE : FAULT_KINDS,
}: SimulationOptions): readonly Fault[] {
  return planFaults(seed, lengthMs, sidecars, faultsPerHour, kinds);
}
