import { CodedError } from "../../src/domain/errors.js";
import { Random } from "../model/random.js";
import { QUEUE_HOST, SimCacheService } from "./cache-service.js";
import { CatalogHost } from "./catalog-host.js";
import { FaultInjector } from "./fault-injector.js";
import { type Fault, FAULT_KINDS, FAULT_KINDS_WITH_A_QUEUE, type FaultKind, planFaults, QUIET_MS } from "./faults.js";
import { fillRedis } from "./fill-redis.js";
import { ENVIRONMENT, type SidecarMode, SimSidecar, type Started } from "./fleet.js";
import { History } from "./history.js";
import { newTally, Oracle, type Tally, versionOf, type Violation } from "./oracle.js";
import { ChangeAnnouncer } from "./servers/change-announcer.js";
import { RedisServer } from "./servers/redis-server.js";
import { SqsServer } from "./servers/sqs-server.js";
import { RESOURCE_VERSIONS, Upstream } from "./servers/upstream.js";
import type { Consumption } from "./service-faults.js";
import { SharedCacheAccounts } from "./shared-cache-accounts.js";
import { listenRedis, type VirtualRedis } from "./transports/redis-client.js";
import { listenSqs, type VirtualQueue } from "./transports/sqs-client.js";
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

/** Of the queue of changes. */
export interface MessageTally {
  readonly sent: number;
  readonly acknowledged: number;
  readonly dead: number;
}

export interface ReportTally {
  acknowledged: number;
  refused: number;
  ambiguous: number;
  notCounted: number;
  lost: number;
  doubled: number;
}

export const DEFAULTS = { sidecars: 10, customers: 10_000, checksPerSecond: 3, faultsPerHour: 4 } as const;

/** How long an answer may take: a check's budget, and what its process may be held up by. */
const CHECK_LIMIT_MS = 1_500;
const REPORT_LIMIT_MS = 25_000;
/** Changes of customers in an hour, of all. */
const CHANGES_PER_HOUR = 240;
/** Most checks are of few customers. */
const HOT_SHARE = 0.9;
const HOT_CUSTOMERS = 200;
const COST_OF_MISS = 300;
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
const LOOK_AT_SLOTS_EVERY = 60e6;
const SERVICE_SETTINGS: readonly Readonly<Record<string, string>>[] = [
  { BATCH_SIZE: "10", CACHE_UPDATE_POLICY: "UPSERT" },
  { BATCH_SIZE: "1" },
  { BATCH_SIZE: "10" },
];

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
  readonly #reports: ReportTally = { acknowledged: 0, refused: 0, ambiguous: 0, notCounted: 0, lost: 0, doubled: 0 };
  readonly #sent = new Map<string, "acknowledged" | "refused" | "ambiguous" | "not counted" | "under way">();
  #underWay = 0;
  #keys = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, lengthMs, sidecars, customers, cacheServices = 0 } = options;
    const { kinds = cacheServices > 0 ? FAULT_KINDS_WITH_A_QUEUE : FAULT_KINDS } = options;
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
    this.#consumption = cacheServices > 0 ? this.#openQueue(cacheServices) : undefined;
    this.#faults = options.faults ?? planFaults(seed, lengthMs, sidecars, options.faultsPerHour, kinds);
    this.#injector = new FaultInjector({
      world: this.#world,
      sidecars: this.#sidecars,
      redis: this.#redis,
      upstream: this.#upstream,
      history: this.#history,
      burst: (sidecar, random) => this.#burst(sidecar, random),
      consumption: this.#consumption,
    });
    this.#catalog = new CatalogHost({
      world: this.#world,
      random: this.#random.fork(),
      history: this.#history,
      oracle: this.#oracle,
    });
  }

  #openQueue(cacheServices: number): Consumption {
    const [world, redis, upstream, oracle] = [this.#world, this.#redis, this.#upstream, this.#oracle];
    const server = new SqsServer({
      now: () => world.scheduler.now / 1_000,
      after: (delayMs, run) => world.scheduler.after(delayMs * 1_000, undefined, run),
      visibilitySeconds: 30,
      maxReceives: 10,
    });
    const queue: VirtualQueue = { host: QUEUE_HOST, server, state: "up" };
    listenSqs(queue);
    const announcer = new ChangeAnnouncer(world, this.#random.fork(), server, upstream);
    const services = Array.from(
      { length: cacheServices },
      (_, index) => new SimCacheService(`service-${index}`, SERVICE_SETTINGS[index % SERVICE_SETTINGS.length] ?? {}),
    );
    const accounts = new SharedCacheAccounts({ world, queue: server, announcer, redis, upstream, oracle });
    return { services, queue, announcer, accounts };
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
      this.#lookAtSlots();
      for (const fault of this.#faults) this.#injector.schedule(fault);
      this.#catalog.start(lengthMs - QUIET_MS);
      this.#nextCheck();
      this.#nextChange();
      this.#nextReport();
      await scheduler.runUntil(lengthMs * 1_000);
      await this.#lookAtTheEnd();
    } finally {
      process.off("unhandledRejection", onRejection);
    }
    this.#judgeReports();
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
      reports: this.#reports,
      messages: {
        sent: this.#consumption?.announcer.announced.size ?? 0,
        acknowledged: this.#consumption?.accounts.acknowledged ?? 0,
        dead: this.#consumption?.accounts.dead ?? 0,
      },
    };
  }

  #lookAtSlots(): void {
    const { accounts } = this.#consumption ?? {};
    if (accounts === undefined) return;
    this.#world.scheduler.after(LOOK_AT_SLOTS_EVERY, undefined, () => {
      this.#lookAtSlots();
      accounts.lookAtSlots();
      return true;
    });
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
      this.#ask(sidecar, this.#someCustomer(this.#random));
      return true;
    });
  }

  #someCustomer(random: Random): number {
    const { customers } = this.#options;
    return random.chance(HOT_SHARE) ? random.below(Math.min(HOT_CUSTOMERS, customers)) : random.below(customers);
  }

  #ask(sidecar: SimSidecar, customer: number): void {
    const { started } = sidecar;
    if (started === undefined) return;
    const askedAt = this.#nowMs;
    this.#world.scheduler.after(0, started.process, () => this.#check(sidecar, started, customer, askedAt));
  }

  #check(sidecar: SimSidecar, started: Started, customer: number, askedAt: number): true | undefined {
    const isInRedis =
      this.#injector.reachesRedis(sidecar) &&
      this.#redis.server.has(`${ENVIRONMENT}:c_${this.#upstream.idOf(customer)}#timestamp`);
    const isOnlyBusy = this.#injector.isOnlyBusy(sidecar);
    const query = {
      featureId: "seats",
      kind: "metered",
      requestedUsage: 1,
      requestedValues: [],
      fallback: undefined,
      fallbackWhenUnknown: false,
    } as const;
    const received = started.check.feature(this.#upstream.idOf(customer), undefined, query, {
      deadlineAt: undefined,
      signal: undefined,
    });
    const answered = ({ result, source }: Awaited<typeof received>) => {
      const { hasAccess, entitlement, fallback } = result;
      const version = fallback === undefined ? versionOf(entitlement?.usageLimit) : undefined;
      const answeredAt = this.#nowMs;
      this.#history.add(
        answeredAt,
        started.process.name,
        `customer ${customer} ${source} ${hasAccess} v${version ?? "-"}`,
      );
      if (this.#upstream.sharesItsSlot(customer)) {
        if (version !== undefined && version >= RESOURCE_VERSIONS)
          this.#oracle.violate(
            "no-subject-holds-anothers-slot",
            answeredAt,
            `${started.process.name} answers customer ${customer} by the state of a resource of another's (${source})`,
          );
        return;
      }
      this.#oracle.judge(
        {
          sidecar: sidecar.name,
          run: started.process.name,
          customer,
          source,
          isGranted: hasAccess,
          version,
          askedAt,
          answeredAt,
          isInRedis: isInRedis && this.#injector.reachesRedis(sidecar),
          isOnlyBusy,
        },
        this.#injector.classOf(sidecar),
        this.#injector.quietSince(sidecar),
      );
    };
    if (!(received instanceof Promise)) {
      answered(received);
      return true;
    }
    this.#world.scheduler.charge(COST_OF_MISS);
    this.#underWay++;
    const overdue = this.#world.scheduler.after((CHECK_LIMIT_MS + 30_000) * 1_000, undefined, () => {
      if (started.process.isAlive)
        this.#oracle.violate(
          "every-call-ends",
          this.#nowMs,
          `${started.process.name} never answers the check of customer ${customer}`,
        );
    });
    received
      .then(answered, (error: unknown) => this.#oracle.violate("a-check-never-fails", this.#nowMs, String(error)))
      .finally(() => {
        overdue();
        this.#underWay--;
      });
    return undefined;
  }

  /** Many checks of many customers in a short time, as after a deployment. */
  #burst(sidecar: SimSidecar, random: Random): void {
    const { customers } = this.#options;
    for (let index = 0; index < 18_000; index++) {
      this.#world.scheduler.after(index * 333, undefined, () => {
        this.#ask(sidecar, random.below(customers));
        return true;
      });
    }
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

  #nextReport(): void {
    this.#world.scheduler.after(20e6 * this.#random.next(), undefined, () => {
      this.#nextReport();
      const sidecar = this.#random.pick(this.#sidecars);
      const { started } = sidecar;
      if (started === undefined) return true;
      const key = `report-${++this.#keys}`;
      const value = this.#random.chance(0.05) ? -1 : 1;
      const customer = this.#someCustomer(this.#random);
      this.#world.scheduler.after(0, started.process, () => this.#report(started, key, customer, value));
      return true;
    });
  }

  #report(started: Started, key: string, customer: number, value: number): void {
    this.#sent.set(key, "under way");
    const report = {
      subject: { customerId: this.#upstream.idOf(customer) },
      featureId: "calls",
      value,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp: undefined,
      idempotencyKey: key,
      keyOrigin: "caller",
    } as const;
    const overdue = this.#world.scheduler.after((REPORT_LIMIT_MS + 30_000) * 1_000, undefined, () => {
      if (started.process.isAlive)
        this.#oracle.violate("every-call-ends", this.#nowMs, `${started.process.name} never answers ${key}`);
    });
    started.report
      .report(report, { deadlineAt: undefined, signal: undefined })
      .then(
        () => this.#sent.set(key, "acknowledged"),
        (error: unknown) => this.#sent.set(key, outcomeOf(error)),
      )
      .finally(() => {
        overdue();
        this.#history.add(this.#nowMs, started.process.name, `${key} ${this.#sent.get(key) ?? ""}`);
      });
  }

  #judgeReports(): void {
    for (const [key, outcome] of this.#sent) {
      const isCounted = this.#upstream.counted.has(key);
      if (outcome === "acknowledged") this.#reports.acknowledged++;
      if (outcome === "refused") this.#reports.refused++;
      if (outcome === "ambiguous") this.#reports.ambiguous++;
      if (outcome === "not counted") this.#reports.notCounted++;
      if (outcome === "acknowledged" && !isCounted) {
        this.#reports.lost++;
        this.#oracle.violate("acknowledged-counts", this.#nowMs, `${key} was acknowledged and does not count`);
      }
      if ((outcome === "refused" || outcome === "not counted") && isCounted) {
        this.#reports.doubled++;
        this.#oracle.violate("refused-never-counts", this.#nowMs, `${key} was ${outcome} and counts`);
      }
    }
  }

  /** After the last fault, everybody is asked twice for what is asked for most, and has to know the truth the second time. */
  async #lookAtTheEnd(): Promise<void> {
    const { scheduler } = this.#world;
    const asked = Math.min(60, this.#options.customers);
    for (const round of [1, 2]) {
      for (const sidecar of this.#sidecars)
        for (let customer = 0; customer < asked; customer++) this.#ask(sidecar, customer);
      await scheduler.runUntil(scheduler.now + 30e6);
      if (round === 2) continue;
    }
    if (this.#underWay > 0 && scheduler.pending === 0)
      this.#oracle.violate("no-promise-is-left", this.#nowMs, `${this.#underWay} checks are never answered`);
    if (scheduler.pending > 20_000)
      this.#oracle.violate("nothing-grows", this.#nowMs, `${scheduler.pending} timers wait`);
    this.#oracle.tallies.set("none", this.#oracle.tallies.get("none") ?? newTally());
  }
}

/** What a report's failure says of whether it counts. */
function outcomeOf(error: unknown): "refused" | "ambiguous" | "not counted" {
  if (!(error instanceof CodedError)) return "ambiguous";
  if (error.message.includes("is not known")) return "ambiguous";
  if (error.message.includes("not counted")) return "not counted";
  return [
    "invalid-argument",
    "not-found",
    "failed-precondition",
    "resource-exhausted",
    "unauthenticated",
    "permission-denied",
  ].includes(error.code)
    ? "refused"
    : "ambiguous";
}
