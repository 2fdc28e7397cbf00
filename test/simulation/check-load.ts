import type { Random } from "../model/random.js";
import type { FaultInjector } from "./fault-injector.js";
import { ENVIRONMENT, type SimSidecar, type Started } from "./fleet.js";
import type { History } from "./history.js";
import { type Oracle, versionOf } from "./oracle.js";
import { RESOURCE_VERSIONS, type Upstream } from "./servers/upstream.js";
import type { VirtualRedis } from "./transports/redis-client.js";
import type { World } from "./world/world.js";

/** How long an answer may take: a check's budget, and what its process may be held up by. */
const CHECK_LIMIT_MS = 1_500;
/**
 * Of the processor, microseconds: a check that is not answered at once, whatever becomes of it. What is read for it costs more
 * (redis-client.ts). Refused it is 45 by `npm run figures:misses`, and the port's part beside it; answered, with what is
 * read, 140, and 480 for the first of a process, whose code is not compiled yet.
 */
const COST_OF_MISS = 60;
const COST_OF_EARLY_MISS = 400;
const EARLY_MISSES = 2_000;
/** Of a burst, microseconds. */
const BETWEEN_CHECKS = 240;

export interface CheckSurroundings {
  readonly world: World;
  readonly history: History;
  readonly oracle: Oracle;
  readonly upstream: Upstream;
  readonly redis: VirtualRedis;
  /** The injector asks for bursts of checks, and so is there only after this. */
  readonly injector: () => FaultInjector;
  readonly customers: number;
}

/** Asks sidecars, and has the oracle judge what they answer. */
export class CheckLoad {
  underWay = 0;
  readonly #in: CheckSurroundings;

  constructor(surroundings: CheckSurroundings) {
    this.#in = surroundings;
  }

  get #nowMs(): number {
    return this.#in.world.scheduler.now / 1_000;
  }

  ask(sidecar: SimSidecar, customer: number): void {
    const { started } = sidecar;
    if (started === undefined) return;
    const askedAt = this.#nowMs;
    this.#in.world.scheduler.after(0, started.process, () => this.#check(sidecar, started, customer, askedAt));
  }

  #check(sidecar: SimSidecar, started: Started, customer: number, askedAt: number): void {
    const isInRedis =
      this.#in.injector().reachesRedis(sidecar) &&
      this.#in.redis.server.has(`${ENVIRONMENT}:c_${this.#in.upstream.idOf(customer)}#timestamp`);
    const isOnlyBusy = this.#in.injector().isOnlyBusy(sidecar);
    const query = {
      featureId: "seats",
      kind: "metered",
      requestedUsage: 1,
      requestedValues: [],
      fallback: undefined,
      fallbackWhenUnknown: false,
    } as const;
    const received = started.check.feature(this.#in.upstream.idOf(customer), undefined, query, {
      deadlineAt: undefined,
      signal: undefined,
    });
    const answered = ({ result, source }: Awaited<typeof received>) => {
      const { hasAccess, entitlement, fallback } = result;
      const version = fallback === undefined ? versionOf(entitlement?.usageLimit) : undefined;
      const answeredAt = this.#nowMs;
      this.#in.history.add(
        answeredAt,
        started.process.name,
        `customer ${customer} ${source} ${hasAccess} v${version ?? "-"}`,
      );
      if (this.#in.upstream.sharesItsSlot(customer)) {
        if (version !== undefined && version >= RESOURCE_VERSIONS)
          this.#in.oracle.violate(
            "no-subject-holds-anothers-slot",
            answeredAt,
            `${started.process.name} answers customer ${customer} by the state of a resource of another's (${source})`,
          );
        return;
      }
      this.#in.oracle.judge(
        {
          sidecar: sidecar.name,
          run: started.process.name,
          customer,
          source,
          isGranted: hasAccess,
          version,
          askedAt,
          answeredAt,
          isInRedis: isInRedis && this.#in.injector().reachesRedis(sidecar),
          isOnlyBusy,
        },
        this.#in.injector().classOf(sidecar),
        this.#in.injector().quietSince(sidecar),
      );
    };
    if (!(received instanceof Promise)) {
      // It may have had something asked for behind the answer, which is the process's own doing.
      answered(received);
      return;
    }
    const isEarly = ++started.process.misses <= EARLY_MISSES;
    this.#in.world.scheduler.charge(isEarly ? COST_OF_EARLY_MISS : COST_OF_MISS);
    this.underWay++;
    const overdue = this.#in.world.scheduler.after((CHECK_LIMIT_MS + 30_000) * 1_000, undefined, () => {
      if (started.process.isAlive)
        this.#in.oracle.violate(
          "every-call-ends",
          this.#nowMs,
          `${started.process.name} never answers the check of customer ${customer}`,
        );
    });
    received
      .then(answered, (error: unknown) => this.#in.oracle.violate("a-check-never-fails", this.#nowMs, String(error)))
      .finally(() => {
        overdue.cancel();
        this.underWay--;
      });
  }

  /** Many checks of many customers in a short time, as after a deployment. */
  burst(sidecar: SimSidecar, random: Random): void {
    const { customers } = this.#in;
    for (let index = 0; index < 18_000; index++) {
      this.#in.world.scheduler.after(index * BETWEEN_CHECKS, undefined, () => {
        this.ask(sidecar, random.below(customers));
        return true;
      });
    }
  }
}
